import COpenSSL
import Foundation
import TensorCore

/// SHA-256 by OpenSSL, as 64 lower-case hexadecimal digits.
public enum SHA256 {
    private static let bytesPerRead = 4 << 20

    /// - Throws: `FileError` if the file cannot be read; what `progress` throws.
    /// - Complexity: O(file size), in reads of 4 MiB.
    public static func hash(ofFile path: String, progress: (Double) throws -> Void = { _ in }) throws -> String {
        let file = try FileError.reading(path) { try FileHandle(forReadingFrom: URL(fileURLWithPath: path)) }
        defer { try? file.close() }
        let size = Double(try FileError.reading(path) { try file.seekToEnd() })
        try FileError.reading(path) { try file.seek(toOffset: 0) }
        var digest = Digest()
        var done = 0.0
        while let data = try FileError.reading(path, { try file.read(upToCount: bytesPerRead) }), !data.isEmpty {
            data.withUnsafeBytes { digest.update($0) }
            done += Double(data.count)
            try progress(size > 0 ? done / size : 1)
        }
        return digest.finish()
    }

    public static func hash(_ bytes: some ContiguousBytes) -> String {
        var digest = Digest()
        bytes.withUnsafeBytes { digest.update($0) }
        return digest.finish()
    }

    public static func hash(_ text: String) -> String { hash(Array(text.utf8)) }

    private struct Digest: ~Copyable {
        private let context = EVP_MD_CTX_new()

        init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }

        deinit { EVP_MD_CTX_free(context) }

        mutating func update(_ bytes: UnsafeRawBufferPointer) {
            EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        }

        mutating func finish() -> String {
            var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
            var count: UInt32 = 0
            EVP_DigestFinal_ex(context, &bytes, &count)
            return bytes.prefix(Int(count)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}
