@testable import ModelFormats

/// Opens the bytes as GGUF and reads all that the header gives access to.
func readOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) {
    let file = MappedFile(copying: UnsafeBufferPointer(start: start, count: count), name: "input.gguf")
    do {
        let gguf = try GGUFFile(file: file)
        var sum = 0
        for value in gguf.metadata.values {
            guard let array = value.array else { continue }
            sum &+= array.strings?.count ?? array.numbers?.count ?? array.booleans?.count ?? 0
        }
        for tensor in gguf.orderedTensors { sum &+= gguf.bytes(of: tensor).reduce(0) { $0 &+ Int($1) } }
        for key in ["general.architecture", "split.count"] { sum &+= try gguf.stringIfPresent(key)?.utf8.count ?? 0 }
        precondition(sum != .min)
    } catch {
        // Making the message is part of refusing a file.
        precondition(!"\(error)".isEmpty)
    }
}
