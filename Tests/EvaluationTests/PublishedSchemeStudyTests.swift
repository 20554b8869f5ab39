import Capture
import Evaluation
import Foundation
import Inference
import Kernels
import Quantization
import TensorCore
import Testing

/// Schemes that learn, store keys before RoPE, look at the layer before or at attention, in an error study.
@Suite struct PublishedSchemeStudyTests {
    private func withCaptures<Result>(
        _ synthetic: [SyntheticCapture],
        _ body: (URL, [CaptureFile]) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kvatlas-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try synthetic.enumerated().map { place, capture in
            let path = folder.appendingPathComponent("\(place).h5").path
            try capture.write(to: path)
            return try CaptureFile(path: path)
        }
        return try body(folder, files)
    }

    private static let tensors: Set<CapturedTensor> = [.query, .key, .keyPreRope, .value]
    private static func capture(seed: UInt64, tokens: Int = 200, headDim: Int = 32) -> SyntheticCapture {
        SyntheticCapture(headDim: headDim, sequenceLengths: [tokens], tensors: tensors, seed: seed)
    }

    private func schemes(_ ids: [String]) throws -> [CacheScheme] { try ids.map { try CacheScheme(parsing: $0) } }

    @Test func whatIsLearntComesBackFromItsFile() throws {
        try withCaptures([Self.capture(seed: 1), Self.capture(seed: 2)]) { folder, files in
            let wanted = try schemes(["kvquant-2", "oscar-2", "aqua-kv-2", "cq-4c8b", "kvtc-1", "cachegen", "skvq-2"])
            let set = try CalibrationStudy.run(files[1], schemes: wanted)
            #expect(set.origin.tokens == 200 && set.arrays.values.allSatisfy { $0.count == 2 })
            let path = folder.appendingPathComponent("calibration.h5").path
            try CalibrationFile.write(set, to: path, command: "test")
            #expect(try CalibrationFile.read(path) == set)
            #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
            // Schemes that need nothing have nothing to learn.
            let plain = try schemes(["kivi-2-g32-r128"])
            #expect(throws: ErrorStudyError.self) { try CalibrationStudy.run(files[1], schemes: plain) }
            #expect(throws: CalibrationFileError.self) { try CalibrationFile.read(files[0].path) }
        }
    }

    @Test func everyListedSchemeRunsInOneStudy() throws {
        try withCaptures([1, 2].map { Self.capture(seed: $0, tokens: 100, headDim: 64) }) { _, files in
            let all = try schemes(SchemeCatalogue.all.filter { $0.kind == .cache }.map { $0.id })
            let set = try CalibrationStudy.run(files[1], schemes: all.filter { $0.needsCalibration })
            var settings = ErrorStudySettings(schemes: all, metrics: ["relative_frobenius", "output_error_pair"])
            settings.equalWindow = try WindowPolicy(equal: "equal(sink: 4, recent: 32)")
            // Synthetic captures claim one text.
            var other = set
            other.origin.textSHA256s = []
            let result = try ErrorStudy.run(files[0], settings: settings, calibration: other)
            let values = result.errors.rowViews.compactMap { $0.number("value") }
            #expect(values.count == result.errors.rows.count && values.allSatisfy { $0.isFinite })
            let windows = Set(result.errors.rowViews.compactMap { $0.string("window") })
            #expect(windows == ["none", "window=32+sink=4"])
            // One id a pair, whatever the names' own windows.
            #expect(result.schemes.count > 90)
            #expect(result.warnings.isEmpty, "\(result.warnings)")
        }
    }

    @Test func needsThatAreNotMetAreSaid() throws {
        try withCaptures([Self.capture(seed: 1), Self.capture(seed: 2)]) { _, files in
            let learnt = try CalibrationStudy.run(files[1], schemes: try schemes(["kvquant-2", "aqua-kv-2"]))
            func study(_ id: String, _ set: CalibrationSet?, layers: [Int]? = nil) throws -> ErrorStudyResult {
                var settings = ErrorStudySettings(schemes: try schemes([id]), metrics: ["relative_frobenius"])
                settings.layers = layers
                return try ErrorStudy.run(files[0], settings: settings, calibration: set)
            }
            #expect(throws: SchemeError.notCalibrated(scheme: "kvquant-2")) { try study("kvquant-2", nil) }
            #expect(throws: SchemeError.notCalibrated(scheme: "oscar-2@window=16")) {
                try study("oscar-2@window=16", learnt)
            }
            var foreign = learnt
            foreign.origin.weightsSHA256 = "another"
            #expect {
                try study("kvquant-2", foreign)
            } throws: { error in
                "\(error)".contains("whose weights are not those of this capture")
            }
            var same = learnt
            same.origin.textSHA256s = files[0].metadata.textSHA256s
            if !same.origin.textSHA256s.isEmpty {
                #expect(try study("kvquant-2", same).warnings.contains { $0.contains("evaluated on") })
            }
            let gap = "aqua-kv-2@window=16"
            #expect(throws: ErrorStudyError.self) { try study(gap, learnt, layers: [1]) }
            #expect(try study(gap, learnt).schemes.count == 2)
        }
        let poor = SyntheticCapture(headDim: 32, sequenceLengths: [64], tensors: [.key, .value])
        try withCaptures([poor]) { _, files in
            for id in ["zipcache-4-2", "kvquant-2"] {
                let settings = ErrorStudySettings(schemes: try schemes([id]), metrics: ["relative_frobenius"])
                #expect {
                    try ErrorStudy.run(files[0], settings: settings)
                } throws: { error in
                    "\(error)".contains("query") || "\(error)".contains("key_pre_rope")
                }
            }
        }
    }

    /// Keys stored before RoPE are turned to where the model reads them; eight bits then cost next to nothing.
    @Test func keysBeforeRoPEAreRotatedWhenTheyAreRead() throws {
        let tokens = 90, heads = 2, channels = 32
        var source = PreRoPESource(
            base: .gaussian(heads: 4, kvHeads: heads, headDim: channels, sequences: [0..<tokens])
        )
        let before = source.base.floats(.key)
        var rotated = before
        let table = RotaryTable(positions: 0..<tokens, channels: channels, base: source.ropeBase)
        rotated.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            table.rotate(
                base,
                tokens: tokens,
                heads: heads,
                headStride: channels,
                tokenStride: heads * channels
            )
        }
        source.before = HalfConversion.toHalf(before)
        source.base.key[0] = HalfConversion.toHalf(rotated)
        let settings = try ErrorStudySettings.terms(
            ["pre-rope:uniform-8-token-whole+window=20+sink=3", "uniform-8-token-whole+window=20+sink=3"],
            metrics: ["relative_frobenius"]
        )
        let result = try ErrorStudy.run(source: source, settings: settings)
        let ids = result.schemes.dropFirst().map { $0.id }
        for id in ids {
            let error = try #require(result.error("relative_frobenius", "key", id))
            #expect(error > 0 && error < 0.01, "\(id): \(error)")
        }
        let sides = Set(
            result.errors.rowViews.filter { $0.string("scheme") != "identity" }.compactMap { $0.string("key_rope") }
        )
        #expect(sides == ["pre-rope", "post-rope"])
    }

    /// Against its definition: the mean over queries and tokens of (q·δk)² over that of (q·k)².
    @Test func theErrorThatQueriesSeeIsThatOfTheirProducts() throws {
        let source = ArraySource.gaussian(heads: 4, kvHeads: 2, headDim: 16, sequences: [0..<40], outlier: 3)
        let settings = try ErrorStudySettings.terms(["rtn-int2-token-g16"], metrics: ["key_query_weighted_error"])
        let result = try ErrorStudy.run(source: source, settings: settings)
        let queries = source.floats(.query), keys = source.floats(.key),
            scheme = try CacheScheme(parsing: "rtn-int2-token-g16")
        let block = KVBlock(tokenMajor: source.half(.key, layer: 0, tokens: 0..<40), tokens: 40, heads: 2, channels: 16)
        let cached = try scheme.roundTripKeys(block).tensor.elements
        for head in 0..<2 {
            var error = 0.0, size = 0.0
            for token in 0..<40 {
                for position in 0..<40 {
                    for query in 2 * head..<2 * head + 2 {
                        var lost = 0.0, whole = 0.0
                        for channel in 0..<16 {
                            let q = Double(queries[(position * 4 + query) * 16 + channel])
                            let k = Double(keys[(token * 2 + head) * 16 + channel])
                            lost += q * (Double(cached[(head * 40 + token) * 16 + channel]) - k)
                            whole += q * k
                        }
                        error += lost * lost
                        size += whole * whole
                    }
                }
            }
            let got = try #require(result.error("key_query_weighted_error", "key", "rtn-int2-token-g16", head: head))
            #expect(abs(got - (error / size).squareRoot()) < 1e-5)
        }
    }
}

/// Arrays with keys before RoPE.
private struct PreRoPESource: AttentionSource {
    var base: ArraySource
    var before: [UInt16] = []

    var layers: [Int] { base.layers }
    var heads: Int { base.heads }
    var kvHeads: Int { base.kvHeads }
    var headDim: Int { base.headDim }
    var sequences: [Range<Int>] { base.sequences }
    var tensors: Set<CapturedTensor> { base.tensors.union([.keyPreRope]) }
    var ropeBase: Double { 10000 }

    init(base: ArraySource) { self.base = base }

    func half(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) -> [UInt16] {
        guard tensor == .keyPreRope else { return base.half(tensor, layer: layer, tokens: tokens) }
        let width = kvHeads * headDim
        return Array(before[tokens.lowerBound * width..<tokens.upperBound * width])
    }
}
