import Foundation
import Inference
import Kernels

/// What Tests/Fixtures/import/make_fixtures.py wrote: a tiny Llama's tensors, as several programs save them.
enum ImportFixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Fixtures/import").standardizedFileURL.path
    static let ids: [Int32] = [3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46]

    static func path(_ name: String, in folder: String = folder) -> String { folder + "/" + name }

    /// float16 bits by layer and tensor, `[token, head, channel]`, from tiny-llama.txt.
    static func bits(in folder: String = folder) throws -> [String: [UInt16]] {
        var bits: [String: [UInt16]] = [:]
        for line in try String(contentsOfFile: path("tiny-llama.txt", in: folder), encoding: .utf8).split(
            separator: "\n"
        ) {
            let words = line.split(separator: " ")
            bits["\(words[0]) \(words[1])"] = words.dropFirst(2).compactMap { UInt16($0, radix: 16) }
        }
        return bits
    }
}

/// Bytes of a `.npy` file.
func npy(_ descriptor: String, _ shape: [Int], fortran: Bool = false, _ data: [UInt8]) -> [UInt8] {
    let sizes = shape.map { "\($0)," }.joined(separator: " ")
    let header = "{'descr': '\(descriptor)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': (\(sizes)), }"
    let padding = 64 - (header.utf8.count + 11) % 64
    let text = header + String(repeating: " ", count: padding) + "\n"
    let length = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8) + data
}

/// The bytes of values in memory, little-endian as everywhere here.
func bytes<Value>(of values: [Value]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

/// Bytes of a zip archive with stored members; a checksum is given only where it shall be wrong.
func zip(_ members: [(name: String, content: [UInt8])], checksum: UInt32? = nil) -> [UInt8] {
    func field(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) } }
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for (name, content) in members {
        let sum = Int(checksum ?? crc32(content))
        let sizes = field(sum, 4) + field(content.count, 4) + field(content.count, 4) + field(name.utf8.count, 2)
        directory += [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + field(0, 8) + sizes + field(0, 12) + field(archive.count, 4)
        directory += Array(name.utf8)
        archive += [0x50, 0x4B, 3, 4, 20, 0] + field(0, 8) + sizes + field(0, 2) + Array(name.utf8) + content
    }
    let end = field(members.count, 2) + field(members.count, 2) + field(directory.count, 4) + field(archive.count, 4)
    return archive + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + end + field(0, 2)
}

/// CRC-32 of ISO 3309, bit by bit: independent of the reader's zlib.
func crc32(_ bytes: [UInt8]) -> UInt32 {
    var sum = UInt32.max
    for byte in bytes {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return ~sum
}

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }
