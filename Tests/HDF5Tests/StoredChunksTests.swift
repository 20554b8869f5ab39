import Foundation
import HDF5
import TestSupport
import Testing

@Suite struct StoredChunksTests {
    private func elements(_ count: Int) -> [UInt16] { (0..<count).map { UInt16(truncatingIfNeeded: $0 &* 40503) } }

    /// Writes `rows` rows of 6 elements in chunks of 8 rows.
    private func write(_ path: String, rows: Int, _ storage: Storage = Storage(chunkRows: 8)) throws {
        let file = try File.create(at: path, overwrite: true)
        let dataset = try file.root.createDataset("x", .float16, shape: [0, 2, 3], storage: storage)
        // Beside it, so that the chunks of one do not follow each other in the file.
        let other = try file.root.createDataset("y", .float16, shape: [0, 2, 3], storage: storage)
        let elements = elements(rows * 6)
        for first in stride(from: 0, to: rows, by: 8) {
            let count = min(8, rows - first)
            try elements[first * 6..<(first + count) * 6].withUnsafeBytes {
                try dataset.append(count, rows: #require($0.baseAddress), as: .float16)
                try other.append(count, rows: #require($0.baseAddress), as: .float16)
            }
        }
        try file.close()
    }

    /// One node of the index holds 128 chunks: 300 make two levels.
    @Test(arguments: [1, 8, 9, 300 * 8 - 3])
    func chunksLieWhereTheIndexSays(rows: Int) throws {
        try withTemporaryFolder { folder in
            for checksum in [true, false] {
                let path = folder + "/a.h5"
                try write(path, rows: rows, Storage(chunkRows: 8, checksum: checksum))
                let file = try File.open(at: path)
                let mapping = try #require(file.mapping())
                let chunks = try #require(try file.root.dataset("x").storedChunks(in: mapping))
                #expect(chunks.rows == rows && chunks.rowsPerChunk == 8 && chunks.rowBytes == 12)
                #expect(chunks.addresses.count == (rows + 7) / 8 && chunks.hasChecksum == checksum)
                let expected = elements(rows * 6)
                for chunk in chunks.addresses.indices {
                    let place = chunks.rows(ofChunk: chunk)
                    var found = [UInt16](repeating: 0, count: place.count * 6)
                    try found.withUnsafeMutableBytes {
                        try chunks.read(0..<place.count, ofChunk: chunk, from: mapping, into: #require($0.baseAddress))
                    }
                    #expect(found == Array(expected[place.lowerBound * 6..<place.upperBound * 6]), "chunk \(chunk)")
                    #expect((try chunks.checksum(ofChunk: chunk, from: mapping) != nil) == checksum)
                }
                #expect(chunks.chunks(of: 0..<rows) == 0..<chunks.addresses.count)
                #expect(chunks.chunks(of: 0..<0).isEmpty)
                var row = [UInt16](repeating: 0, count: 6)
                let beyond = mapping.bytes.count - 4..<mapping.bytes.count + 4
                var error: HDF5Error?
                do {
                    try row.withUnsafeMutableBytes { try mapping.read(beyond, into: #require($0.baseAddress)) }
                } catch let found as HDF5Error { error = found }
                #expect(error?.code == .truncated)
            }
        }
    }

    @Test func whatOnlyTheLibraryCanReadIsLeftToIt() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            let file = try File.create(at: path)
            let compressed = Storage(chunkRows: 8, deflateLevel: 1)
            let dataset = try file.root.createDataset("compressed", .int64, shape: [0], storage: compressed)
            try dataset.append(Array(0..<64))
            _ = try file.root.createDataset("unwritten", .int64, shape: [10], storage: Storage(chunkRows: 4))
            try file.root.createDataset("whole", .int64, shape: [3], storage: Storage(checksum: false)).write([1, 2, 3])
            let texts = try file.root.createDataset("texts", .string, shape: [0], storage: Storage(chunkRows: 4))
            try texts.append(["a", "b"])
            try file.close()
            let again = try File.open(at: path)
            let mapping = try #require(again.mapping())
            for name in ["compressed", "unwritten", "whole", "texts"] {
                let chunks = try again.root.dataset(name).storedChunks(in: mapping)
                #expect(chunks?.addresses == nil, "\(name)")
            }
        }
    }

    /// Any byte of the index may be wrong: then the library answers, or nobody does, and nothing is read out of place.
    @Test func aDamagedIndexNeverLeadsOutOfTheFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            try write(path, rows: 40)
            let whole = try Data(contentsOf: URL(filePath: path))
            let tree = try #require(whole.firstRange(of: Data("TREE\u{1}".utf8))).lowerBound
            for offset in 0..<200 {
                for change in [UInt8(0xFF), 0x01] {
                    var bytes = whole
                    bytes[tree + offset] ^= change
                    try bytes.write(to: URL(filePath: path))
                    guard let file = try? File.open(at: path), let mapping = file.mapping(),
                        let dataset = try? file.root.dataset("x"),
                        let chunks = try? dataset.storedChunks(in: mapping)
                    else { continue }
                    for address in chunks.addresses {
                        #expect(address >= 0 && address + chunks.chunkBytes + 4 <= mapping.bytes.count)
                    }
                }
            }
        }
    }
}
