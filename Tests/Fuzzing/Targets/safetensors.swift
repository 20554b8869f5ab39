@testable import ModelFormats

/// Opens the bytes as safetensors and reads all tensors.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
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
        return sum == .min ? -1 : 0
    } catch {
        precondition(!"\(error)".isEmpty)
        return 0
    }
}
