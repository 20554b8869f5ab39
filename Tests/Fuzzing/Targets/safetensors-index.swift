@testable import ModelFormats

/// Reads the bytes as `model.safetensors.index.json`.
func readOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) {
    let file = MappedFile(copying: UnsafeBufferPointer(start: start, count: count), name: "index.json")
    do {
        let index = try SafetensorsIndex(file: file)
        precondition(index.shardOfTensor.values.allSatisfy { !$0.contains("/") })
    } catch {
        precondition(!"\(error)".isEmpty)
    }
}
