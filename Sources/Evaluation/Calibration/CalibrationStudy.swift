import Capture
import Inference
import Quantization
import TensorCore

/// Lets schemes learn what they must know of a model from a capture.
public enum CalibrationStudy {
    /// Calibrates each scheme's sides that need it.
    ///
    /// All sequences of the capture are one sample; of layers, what the capture has.
    /// - Parameter progress: told the share that is done.
    /// - Throws: `ErrorStudyError` if tensors are missing or nothing needs calibration; `SchemeError` from a scheme;
    ///   `CaptureError`.
    /// - Complexity: that of the schemes, a layer at a time; memory of a layer and of what is learnt.
    public static func run(
        _ capture: CaptureFile,
        schemes: [CacheScheme],
        progress: (Double) throws -> Void = { _ in }
    ) throws -> CalibrationSet {
        var wanted: [(side: CacheSide, scheme: PipelineScheme)] = [], seen: Set<CalibrationSet.Key> = []
        for scheme in schemes {
            for side in CacheSide.allCases {
                guard let pipeline = scheme.scheme(for: side) as? PipelineScheme, pipeline.calibration == .required,
                    seen.insert(.init(side: side, schemeID: pipeline.id)).inserted
                else { continue }
                wanted.append((side, pipeline))
            }
        }
        guard !wanted.isEmpty else {
            throw ErrorStudyError.setting(
                name: "scheme",
                value: schemes.map { $0.id }.joined(separator: ", "),
                expected: "one that must be calibrated; 'kvatlas list schemes' says which"
            )
        }
        try check(capture, wanted.map { $0.scheme })
        let metadata = capture.metadata
        var set = CalibrationSet(
            origin: .init(
                modelName: metadata.name,
                weightsSHA256: metadata.weightsSHA256,
                texts: capture.sequences.map { $0.name }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } },
                textSHA256s: metadata.textSHA256s,
                tokens: capture.tokenCount
            )
        )
        let layers = capture.layersPresent
        var previous: [CapturedTensor: FloatBlock] = [:]
        for (place, layer) in layers.enumerated() {
            let loaded = try LoadedLayer(
                capture,
                layer,
                needsPreRoPE: wanted.contains { $0.scheme.ropeSide == .before }
            )
            let isNext = place > 0 && layers[place - 1] == layer - 1
            let results = try parallelMap(wanted.count) { item -> CalibrationArrays in
                let (side, scheme) = wanted[item], tensor = CapturedTensor(side: side, rope: scheme.ropeSide)
                guard let block = loaded.blocks[tensor], let keys = loaded.blocks[.key],
                    let values = loaded.blocks[.value]
                else { return [:] }
                let sample = CalibrationSample(
                    side: side,
                    keys: keys,
                    values: values,
                    queries: loaded.blocks[.query],
                    previous: isNext ? previous[tensor] : nil,
                    layer: layer,
                    ropeSide: scheme.ropeSide
                )
                return try scheme.calibrate(block, sample)
            }
            for (item, arrays) in results.enumerated() {
                let key = CalibrationSet.Key(side: wanted[item].side, schemeID: wanted[item].scheme.id)
                set.arrays[key, default: [:]][layer] = arrays
            }
            previous = loaded.blocks
            try progress(Double(place + 1) / Double(layers.count))
        }
        return set
    }

    private static func check(_ capture: CaptureFile, _ schemes: [PipelineScheme]) throws {
        var needed: [CapturedTensor] = [.key, .value]
        if schemes.contains(where: { $0.ropeSide == .before }) { needed.append(.keyPreRope) }
        for tensor in needed where !capture.tensorsPresent.contains(tensor) {
            throw ErrorStudyError.missingTensor(
                tensor.rawValue,
                captured: capture.tensorsPresent.map { $0.rawValue }
            )
        }
        guard capture.tokenCount > 0 else { throw ErrorStudyError.emptyCapture }
    }
}

/// One layer in float32, `[head, token, channel]`, without the first tokens of each sequence: attention sinks, which are
/// large, few, and kept exact by the schemes that learn (KVQuant leaves them out alike).
private struct LoadedLayer {
    private static let sinkTokens = 4
    var blocks: [CapturedTensor: FloatBlock] = [:]

    init(_ capture: CaptureFile, _ layer: Int, needsPreRoPE: Bool) throws {
        for tensor in capture.tensorsPresent where tensor != .keyPreRope || needsPreRoPE {
            let heads = tensor == .query ? capture.metadata.heads : capture.metadata.kvHeads
            var bits: [UInt16] = [], tokens = 0
            for sequence in capture.sequences {
                let skipped = sequence.length > 2 * Self.sinkTokens ? Self.sinkTokens : 0
                let range = sequence.start + skipped..<sequence.start + sequence.length
                bits += try capture.readHalf(tensor, layer: layer, tokens: range)
                tokens += range.count
            }
            blocks[tensor] = FloatBlock(
                KVBlock(
                    tokenMajor: bits,
                    tokens: tokens,
                    heads: heads,
                    channels: capture.metadata.headDim
                )
            )
        }
    }
}

extension CapturedTensor {
    /// What a scheme of a side stores.
    init(side: CacheSide, rope: RoPESide) {
        self = side == .value ? .value : rope == .before ? .keyPreRope : .key
    }
}
