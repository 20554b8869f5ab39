import Foundation
import HDF5
import TestSupport
import Testing

@Suite struct DatasetTests {
    /// Every kind of float16, in one row of `rowLength`: zeros, subnormals, normals, infinities, NaN.
    private func halves(rows: Int, rowLength: Int) -> [UInt16] {
        (0..<rows * rowLength).map { UInt16(truncatingIfNeeded: $0 &* 40503) }
    }

    @Test(arguments: 1...33)
    func appendedRowsComeBackBitForBit(rows: Int) throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let dataset = try file.root.createDataset(
                "x",
                .float16,
                shape: [0, 3, 5],
                storage: Storage(chunkRows: 7)
            )
            let expected = halves(rows: rows, rowLength: 15)
            for row in 0..<rows {
                try expected[row * 15..<(row + 1) * 15].withUnsafeBytes {
                    try dataset.append(1, rows: #require($0.baseAddress), as: .float16)
                }
            }
            try file.close()

            let again = try File.open(at: folder + "/a.h5").root.dataset("x")
            #expect(try again.shape == [rows, 3, 5])
            #expect(try again.datatype == .float16)
            #expect(try again.chunkShape == [7, 3, 5])
            #expect(try again.filters == ["fletcher32"])
            for first in 0..<rows {
                var actual = [UInt16](repeating: 0xFFFF, count: (rows - first) * 15)
                try actual.withUnsafeMutableBytes {
                    try again.read(rows: first..<rows, as: .float16, into: #require($0.baseAddress))
                }
                #expect(actual == Array(expected[(first * 15)...]))
            }
        }
    }

    @Test func aShrunkDatasetKeepsItsFirstRowsAndGrowsAgain() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let dataset = try file.root.createDataset("x", .int64, shape: [0], storage: Storage(chunkRows: 4))
            try dataset.append(Array(0..<10))
            try dataset.shrink(to: 12)
            #expect(try dataset.shape == [10])
            try dataset.shrink(to: 5)
            try dataset.append([-1])
            #expect(try dataset.readIntegers(rows: 0..<6) == [0, 1, 2, 3, 4, -1])
            try dataset.shrink(to: 0)
            #expect(try dataset.shape == [0])
        }
    }

    @Test func otherFloatTypesAreConverted() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let dataset = try file.root.createDataset("x", .float16, shape: [0, 2], storage: Storage(chunkRows: 4))
            // 1, -2, 65504, smallest subnormal, infinity, NaN
            let bits: [UInt16] = [0x3C00, 0xC000, 0x7BFF, 0x0001, 0x7C00, 0x7E00]
            try bits.withUnsafeBytes { try dataset.append(3, rows: #require($0.baseAddress), as: .float16) }
            var floats = [Float](repeating: 0, count: 6)
            try floats.withUnsafeMutableBytes {
                try dataset.read(rows: 0..<3, as: .float32, into: #require($0.baseAddress))
            }
            #expect(floats[..<5] == [1, -2, 65504, 0x1p-24, .infinity])
            #expect(floats[5].isNaN)
        }
    }

    @Test func compressionKeepsValuesAndSavesSpace() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let storage = Storage(chunkRows: 256, deflateLevel: 4)
            let dataset = try file.root.createDataset("x", .int64, shape: [0], storage: storage)
            try dataset.append(Array(0..<1024))
            try file.flush()
            #expect(try dataset.filters == ["shuffle", "deflate", "fletcher32"])
            #expect(try dataset.readIntegers(rows: 0..<1024) == Array(0..<1024))
            #expect(dataset.storedByteCount < 1024 * 4)
        }
    }

    @Test func aChangedByteIsDetected() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            let file = try File.create(at: path)
            let dataset = try file.root.createDataset("x", .int64, shape: [0], storage: Storage(chunkRows: 4))
            let marker = 0x1122_3344_5566_7788
            try dataset.append([1, 2, 3, 4, marker, 6, 7, 8])
            try file.close()

            var bytes = try Data(contentsOf: URL(filePath: path))
            let pattern = withUnsafeBytes(of: Int64(marker)) { Data($0) }
            let place = try #require(bytes.firstRange(of: pattern)).lowerBound
            bytes[place] ^= 1
            try bytes.write(to: URL(filePath: path))

            let damaged = try File.open(at: path).root.dataset("x")
            #expect(try damaged.readIntegers(rows: 0..<4) == [1, 2, 3, 4])
            let error = try hdf5Error { _ = try damaged.readIntegers(rows: 4..<8) }
            #expect(error?.code == .damaged)
            #expect(error?.description.contains("cannot read /x: ") == true)
            #expect(try damaged.readableRowCount() == 4)
        }
    }

    @Test func rowsWithoutAStoredChunkAreNotCounted() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            // Nothing was written into these rows; HDF5 reads them as zeros.
            let storage = Storage(chunkRows: 4)
            let dataset = try file.root.createDataset("x", .int64, shape: [10], storage: storage)
            #expect(try dataset.readIntegers(rows: 0..<10) == [Int](repeating: 0, count: 10))
            #expect(try dataset.readableRowCount() == 0)
        }
    }

    @Test(arguments: [[], ["a"], ["größe", "", "日本語", "🙂", String(repeating: "x", count: 5000)]])
    func textsComeBack(texts: [String]) throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let dataset = try file.root.createDataset("t", .string, shape: [0], storage: Storage(chunkRows: 2))
            try dataset.append(texts)
            try dataset.append(texts)
            #expect(try dataset.datatype == .string)
            #expect(try dataset.readStrings(rows: 0..<2 * texts.count) == texts + texts)
        }
    }

    @Test func aTextWithNULIsRefusedWhole() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let dataset = try file.root.createDataset("t", .string, shape: [0], storage: Storage(chunkRows: 2))
            try expectError(.nulInText) { try dataset.append(["fine", "a\0b"]) }
            #expect(try dataset.shape == [0])
        }
    }

    @Test func rowsThatAreNotThereAreAnError() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let dataset = try file.root.createDataset("x", .int64, shape: [0], storage: Storage(chunkRows: 4))
            try dataset.append([1, 2, 3])
            try expectError(.wrongType) { _ = try dataset.readIntegers(rows: 2..<4) }
            try expectError(.wrongType) { _ = try dataset.readStrings(rows: 0..<1) }
            try expectError(.notFound) { _ = try file.root.dataset("y") }
            let error = try hdf5Error { _ = try file.root.createGroup("x") }
            #expect(error?.object == "/x")
        }
    }

    @Test func aFixedDatasetCannotGrow() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let dataset = try file.root.createDataset("x", .int64, shape: [3], storage: Storage())
            try dataset.write([4, 5, 6])
            #expect(throws: HDF5Error.self) { try dataset.append([7]) }
            #expect(try dataset.readIntegers(rows: 0..<3) == [4, 5, 6])
            #expect(try dataset.chunkShape == nil)
        }
    }

    @Test func axesCarryTheNamesOfTheirScales() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let root = try file.root
            let token = try root.createDimensionScale("token", count: 0, storage: Storage(chunkRows: 4))
            let channel = try root.createDimensionScale("channel", count: 8, storage: Storage())
            let dataset = try root.createGroup("layer").createDataset(
                "key",
                .float16,
                shape: [0, 2, 8],
                storage: Storage(chunkRows: 4)
            )
            try dataset.attach(token, axis: 0)
            try dataset.attach(channel, axis: 2)
            #expect(try dataset.axisLabels == ["token", "", "channel"])
            #expect(try channel.dataset.readIntegers(rows: 0..<8) == Array(0..<8))
        }
    }
}
