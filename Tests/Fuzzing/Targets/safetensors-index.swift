@testable import ModelFormats

/// Reads the bytes as `model.safetensors.index.json`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let file = MappedFile(copying: UnsafeBufferPointer(start: start, count: count), name: "index.json")
    do {
        let index = try SafetensorsIndex(file: file)
        precondition(index.shardOfTensor.values.allSatisfy { !$0.contains("/") })
    } catch {
        precondition(!"\(error)".isEmpty)
    }
    return 0
}
