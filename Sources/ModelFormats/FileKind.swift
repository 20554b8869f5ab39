/// What a file that is not GGUF probably is, from its first bytes; for messages.
enum FileKind {
    private static let known: [(prefix: String, kind: String, remedy: String)] = [
        ("ggml", "'ggml', llama.cpp's format before GGUF", "convert the model again with a current converter"),
        ("lmgg", "'lmgg', llama.cpp's format before GGUF", "convert the model again with a current converter"),
        ("tjgg", "'tjgg', llama.cpp's format before GGUF", "convert the model again with a current converter"),
        ("fmgg", "'fmgg', llama.cpp's format before GGUF", "convert the model again with a current converter"),
        ("GGUF", "'GGUF', llama.cpp's format", "give the file a name that ends with .gguf"),
        ("PK", "'PK', as a ZIP or PyTorch file", "unpack it, or convert the checkpoint to GGUF"),
        ("\u{89}HDF", "an HDF5 signature", "captures are opened by other commands: this one needs a model"),
        ("vers", "'vers', as a Git LFS pointer", "fetch the real file with: git lfs pull"),
        ("<", "'<', as a web page", "the download has saved an error page: download the file again"),
        ("{", "'{', as JSON", "name the model file, not its description"),
    ]

    private static func entry(_ bytes: [UInt8]) -> (prefix: String, kind: String, remedy: String)? {
        known.first { bytes.starts(with: $0.prefix.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }) }
    }

    static func isKnown(_ bytes: [UInt8]) -> Bool { entry(bytes) != nil }

    static func describe(_ bytes: [UInt8]) -> String {
        if let entry = entry(bytes) { return entry.kind }
        let digits = bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        return "the bytes \(digits.joined(separator: " "))"
    }

    static func remedy(_ bytes: [UInt8]) -> String {
        entry(bytes)?.remedy ?? "name a .gguf model file; if it should be one, download it again"
    }
}
