import Capture
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct SummaryTests {
    @Test func theSummaryNamesEveryDataset() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(sequenceLengths: [30, 3])
            let result = try synthetic.write(to: path)
            let summary = try CaptureSummary(path: path)
            #expect(summary.isComplete && summary.tokenCount == 33 && summary.formatVersion == 1)
            #expect(summary.byteCount == result.byteCount && result.byteCount > 33 * 2 * 8 * 32 * 2)
            #expect(summary.metadata == synthetic.metadata)
            #expect(
                summary.datasets.map { $0.path } == [
                    "/channel", "/head", "/kv_head", "/layers/000/key", "/layers/000/query", "/layers/000/token",
                    "/layers/000/value", "/layers/001/key", "/layers/001/query", "/layers/001/token",
                    "/layers/001/value", "/sequence", "/sequences/id", "/sequences/length", "/sequences/name",
                    "/sequences/start", "/token", "/tokens/bytes_hex",
                    "/tokens/id", "/tokens/position", "/tokens/sequence", "/tokens/text",
                ]
            )
            let query = try #require(summary.datasets.first { $0.path == "/layers/001/query" })
            #expect(query.shape == [33, 4, 32] && query.axes == ["token", "head", "channel"])
            #expect(query.elementType == "float16" && query.filters == ["fletcher32"])
            #expect(query.chunkShape == [512, 4, 32] && query.storedBytes >= 33 * 4 * 32 * 2)
        }
    }

    @Test func theSummaryGoesThroughJSON() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            try SyntheticCapture(sequenceLengths: [5]).write(to: path)
            let summary = try CaptureSummary(path: path)
            let decoded = try JSONDecoder().decode(CaptureSummary.self, from: JSONEncoder().encode(summary))
            #expect(decoded == summary)
        }
    }

    @Test func aStoppedRecordingHasASummaryToo() throws {
        try withTemporaryFolder { folder in
            let synthetic = SyntheticCapture(sequenceLengths: [5])
            let recorder = try synthetic.makeRecorder(path: folder + "/capture.h5")
            try synthetic.record(sequence: 0, into: recorder)
            recorder.abandon()
            let summary = try CaptureSummary(path: recorder.partialPath)
            #expect(!summary.isComplete && summary.tokenCount == 5)
        }
    }

    @Test func anOutlierChannelIsWhereItWasAskedFor() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            try SyntheticCapture(
                sequenceLengths: [200],
                outliers: [.init(.key, head: 1, channel: 7, factor: 80, layers: [1])]
            ).write(to: path)
            let capture = try CaptureFile(path: path)
            func peaks(layer: Int) throws -> [Float] {
                let values = try capture.readFloat(.key, layer: layer, tokens: 0..<200)
                return (0..<64).map { channel in
                    stride(from: channel, to: values.count, by: 64).reduce(0) { max($0, abs(values[$1])) }
                }
            }
            // 200 standard normal draws stay below 6, and one of them exceeds 1.
            let outlier = try peaks(layer: 1)
            #expect(outlier.enumerated().filter { $1 > 6 }.map { $0.offset } == [32 + 7])
            #expect(outlier[39] > 80)
            #expect(try peaks(layer: 0).allSatisfy { $0 < 6 })
        }
    }
}
