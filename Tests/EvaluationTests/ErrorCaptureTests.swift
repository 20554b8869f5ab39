import Capture
import Evaluation
import Foundation
import Quantization
import TensorCore
import Testing

/// Error studies of capture files.
@Suite struct ErrorCaptureTests {
    /// Writes a synthetic capture, hands it over, and removes it.
    private func withCapture<Result>(
        _ synthetic: SyntheticCapture,
        _ body: (CaptureFile) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kvatlas-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("synthetic.h5").path
        try synthetic.write(to: path)
        return try body(CaptureFile(path: path))
    }

    @Test(arguments: [ElementType.float16, .float32])
    func aFileGivesWhatItsArraysDo(elementType: ElementType) throws {
        let synthetic = SyntheticCapture(
            sequenceLengths: [70, 40],
            elementType: elementType,
            outliers: [.init(.key, head: 1, channel: 7, factor: 20)]
        )
        let settings = try ErrorStudySettings.terms(["rtn-int2-token-g32", "rtn-int2-channel-g32"])
        let fromFile = try withCapture(synthetic) { try ErrorStudy.run($0, settings: settings) }
        var source = ArraySource(layers: [0, 1], heads: 4, kvHeads: 2, headDim: 32, sequences: [0..<70, 70..<110])
        for layer in 0..<2 {
            source.query[layer] = halves(synthetic.values(.query, layer: layer))
            source.key[layer] = halves(synthetic.values(.key, layer: layer))
            source.value[layer] = halves(synthetic.values(.value, layer: layer))
        }
        let fromArrays = try ErrorStudy.run(source: source, settings: settings)
        #expect(fromFile.tables == fromArrays.tables)
        let key = try #require(
            fromFile.perTokenVersusPerChannel.rowViews.first {
                $0.string("tensor") == "key" && $0.string("metric") == "mean_absolute_relative_error"
            }
        )
        #expect((key.number("ratio") ?? 0) > 1)
    }

    @Test func aFileWithoutQueriesSaysHowToCaptureThem() throws {
        try withCapture(SyntheticCapture(tensors: [.key, .value])) { capture in
            #expect {
                try ErrorStudy.run(capture)
            } throws: { error in
                "\(error)".contains("--tensors query,key,value")
            }
            let settings = try ErrorStudySettings.terms(["rtn-int2-token-g32"], metrics: ["mse"])
            #expect(try ErrorStudy.run(capture, settings: settings).errors.rows.isEmpty == false)
        }
    }

    private func halves(_ values: [Float]) -> [UInt16] {
        KVBlock(heads: 1, tokens: 1, channels: values.count, values: values).bits
    }
}
