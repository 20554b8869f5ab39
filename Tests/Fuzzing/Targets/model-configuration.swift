@testable import ModelFormats

/// Reads the bytes as `config.json`.
func readOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) {
    let file = MappedFile(copying: UnsafeBufferPointer(start: start, count: count), name: "config.json")
    do {
        let configuration = try HuggingFaceConfiguration(file: file)
        precondition(configuration.keys.count == configuration.metadata.count)
    } catch {
        precondition(!"\(error)".isEmpty)
    }
}
