@testable import ModelFormats

/// Opens the bytes as safetensors and reads all tensors.
func readOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) {
    let file = MappedFile(copying: UnsafeBufferPointer(start: start, count: count), name: "input.safetensors")
    do {
        let safetensors = try SafetensorsFile(file: file)
        var bytes = 0, sum = 0
        for tensor in safetensors.orderedTensors {
            let content = safetensors.bytes(of: tensor)
            bytes += content.count
            sum &+= content.reduce(0) { $0 &+ Int($1) } &+ tensor.elementCount
        }
        precondition(bytes < count, "tensors share bytes")
        _ = try safetensors.tensor("model.embed_tokens.weight")
        precondition(sum != .min)
    } catch {
        precondition(!"\(error)".isEmpty)
    }
}
