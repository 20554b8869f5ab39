/// Puts texts on stdout: one as it comes, those of a batch when they are done.
final class GenerationWriter {
    private let isSilent: Bool
    private let isStreaming: Bool
    private let isLabelled: Bool
    private var pending: [UInt8] = []
    /// Whether the reader has closed the pipe, as `| head` does.
    private(set) var isClosed = false

    /// - Parameter isLabelled: whether a text stands below its prompt, as there are several.
    init(isSilent: Bool, isStreaming: Bool, isLabelled: Bool) {
        self.isLabelled = isLabelled
        self.isSilent = isSilent
        self.isStreaming = isStreaming
    }

    /// Names the prompt whose text is about to come, where several come one after the other.
    func begin(prompt: String) throws {
        guard isStreaming, isLabelled, !isSilent else { return }
        try send(Array("--- \(prompt)\n".utf8))
    }

    /// - Returns: false if nobody reads any more.
    /// - Throws: as `Terminal.write`.
    func write(_ bytes: [UInt8]) throws -> Bool {
        guard isStreaming, !isSilent else { return true }
        // A token may end in the middle of a character.
        pending += bytes
        let whole = Self.wholeCharacters(pending)
        try send(Array(pending[..<whole]))
        pending.removeFirst(whole)
        return !isClosed
    }

    func endText() throws {
        guard isStreaming, !isSilent else { return }
        try send(pending + Array("\n".utf8))
        pending = []
    }

    func show(prompt: String, text: String) throws {
        guard !isStreaming, !isSilent else { return }
        try send(Array("--- \(prompt)\n\(text)\n".utf8))
    }

    private func send(_ bytes: [UInt8]) throws {
        if !isClosed { isClosed = try !Terminal.write(bytes) }
    }

    /// Bytes up to a character of which the rest has not come.
    static func wholeCharacters(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte & 0xE0 == 0xC0 ? 2 : byte & 0xF0 == 0xE0 ? 3 : byte & 0xF8 == 0xF0 ? 4 : 1
            return length > back ? bytes.count - back : bytes.count
        }
        return bytes.count
    }
}
