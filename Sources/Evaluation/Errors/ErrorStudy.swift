import Capture
import Inference
import Kernels
import Quantization
import TensorCore

/// What each cache scheme does to captured keys and values, and to the attention that they feed.
///
/// For each layer the keys and values of a sequence are stored by each scheme and
/// read back; the captured queries then attend to the result, causally and at
/// their true positions, with grouped heads. Every query attends to the cache as
/// it is after the whole sequence, quantized tokens included: the table calls
/// this prefill mode `in-place`. Sequences are evaluated one by one and
/// averaged, weighted by the elements compared.
///
/// The identity scheme always runs and must change nothing. A lossy scheme that
/// changes nothing is an error too, unless its window is why: where the window
/// holds every token, the scheme is left out with a warning, as long as another
/// lossy scheme remains.
public enum ErrorStudy {
    /// Reconstructions held at a time; more schemes than fit are evaluated in several passes.
    private static let passBudgetBytes = 512 << 20

    /// Evaluates a capture.
    ///
    /// - Parameter calibration: what schemes have learnt of the model, if one must.
    /// - Parameter progress: called with the share that is done, from 0 to 1, after each sequence of each layer;
    ///   what it throws stops the study.
    /// - Throws: `ErrorStudyError` for settings that do not suit the capture and for failed controls,
    ///   `CaptureError` from reading, `SchemeError` if the tensors do not suit a scheme.
    /// - Complexity: time O(layers · heads · queries · tokens · head_dim · schemes); memory about one layer's
    ///   tensors and their reconstructions by every scheme, these up to 512 MB at a time.
    public static func run(
        _ capture: CaptureFile,
        settings: ErrorStudySettings = ErrorStudySettings(),
        calibration: CalibrationSet? = nil,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> ErrorStudyResult {
        var result = try run(
            source: CaptureFileSource(capture: capture),
            settings: settings,
            calibration: calibration,
            progress: progress
        )
        let subjects = try MetricCatalogue.metrics(settings.metrics).map { $0.subject }
        if subjects.contains(where: { $0.needsQueries }), let warning = capture.warningOfUnknownAttention {
            result.warnings.append(warning)
        }
        return result
    }

    package static func run(
        source: some AttentionSource,
        settings: ErrorStudySettings = ErrorStudySettings(),
        calibration: CalibrationSet? = nil,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> ErrorStudyResult {
        let metrics = try MetricCatalogue.metrics(settings.metrics)
        try check(settings, against: source, metrics: metrics)
        let sequences = source.sequences.filter { !$0.isEmpty }
        let requested = settings.requestedSchemes
        let selection = try SchemeSelection(requested, sequenceLengths: sequences.map { $0.count })
        let warnings = try SchemeRequirements.check(
            selection.schemes,
            layers: settings.layers ?? source.layers,
            calibration: calibration,
            source: source
        )
        let plan = EvaluationPlan(schemes: selection.schemes)
        let subjects = Set(metrics.map { $0.subject })
        let layers = settings.layers ?? source.layers

        var collector = ErrorCollector(
            plan: plan,
            metrics: metrics,
            layers: layers,
            kvHeads: source.kvHeads,
            headDim: source.headDim,
            sequenceLengths: sequences.map { $0.count }
        )
        let total = Double(layers.count * sequences.count)
        var done = 0.0
        let needsQueries = subjects.contains { $0.needsQueries } || selection.schemes.contains { $0.needsSaliency }
        let needsPreRoPE = selection.schemes.contains { $0.key.ropeSide == .before }
        // Of each sequence, what was decoded of the layer before.
        var previous = [[CalibrationSet.Key: FloatBlock]](repeating: [:], count: sequences.count)
        for (place, layer) in layers.enumerated() {
            for (sequence, tokens) in sequences.enumerated() {
                let sample = try sample(
                    source,
                    layer,
                    tokens,
                    settings,
                    needsQueries: needsQueries,
                    needsPreRoPE: needsPreRoPE
                )
                var decoded: [CalibrationSet.Key: FloatBlock] = [:]
                let bytesPerSide = sample.key.elementCount * MemoryLayout<Float>.size
                let passes = plan.passes(bytesPerSide: bytesPerSide, budget: passBudgetBytes)
                for (index, pass) in passes.enumerated() {
                    let errors = try LayerErrors(
                        sample,
                        plan: pass,
                        subjects: subjects,
                        calibration: calibration,
                        previous: previous[sequence]
                    )
                    decoded.merge(errors.decoded) { $1 }
                    collector.add(errors, of: pass, layer: place)
                    try progress((done + Double(index + 1) / Double(passes.count)) / total)
                }
                previous[sequence] = decoded
                done += 1
            }
        }
        try collector.checkControls()
        return ErrorStudyResult(
            collector,
            settings: settings,
            calibration: calibration,
            warnings: selection.warnings + warnings
        )
    }

    private static func sample(
        _ source: some AttentionSource,
        _ layer: Int,
        _ tokens: Range<Int>,
        _ settings: ErrorStudySettings,
        needsQueries: Bool,
        needsPreRoPE: Bool
    ) throws -> LayerSample {
        func block(_ tensor: CapturedTensor) throws -> KVBlock {
            KVBlock(
                tokenMajor: try source.half(tensor, layer: layer, tokens: tokens),
                tokens: tokens.count,
                heads: source.kvHeads,
                channels: source.headDim
            )
        }
        return LayerSample(
            key: try block(.key),
            value: try block(.value),
            query: needsQueries ? try source.half(.query, layer: layer, tokens: tokens) : [],
            heads: source.heads,
            layer: layer,
            keyBeforeRoPE: needsPreRoPE ? try block(.keyPreRope) : nil,
            rotation: needsPreRoPE
                ? source.rotation(layer: layer).table(positions: 0..<tokens.count, channels: source.headDim) : nil,
            reach: source.reach(layer: layer),
            positions: QuerySample.positions(
                tokens: tokens.count,
                maximum: settings.maximumQueries,
                stride: settings.queryStride
            )
        )
    }

    private static func check(
        _ settings: ErrorStudySettings,
        against source: some AttentionSource,
        metrics: [any ErrorMetric.Type]
    ) throws {
        for (name, value) in [("maximum_queries", settings.maximumQueries), ("query_stride", settings.queryStride)]
        where value < 1 {
            throw ErrorStudyError.setting(name: name, value: "\(value)", expected: "1 or more")
        }
        guard !metrics.isEmpty else {
            throw ErrorStudyError.setting(name: "metrics", value: "empty", expected: "one metric id or more")
        }
        let captured = CapturedTensor.allCases.filter { source.tensors.contains($0) }.map { $0.rawValue }
        for tensor in [CapturedTensor.key, .value] where !source.tensors.contains(tensor) {
            throw ErrorStudyError.missingTensor(tensor.rawValue, captured: captured)
        }
        let needy = metrics.filter { $0.subject.needsQueries }
        if !needy.isEmpty {
            guard source.tensors.contains(.query) else {
                let others = MetricCatalogue.all.filter { !$0.needsQueries }
                throw ErrorStudyError.missingQueries(metrics: needy.map { $0.id }, others: others.map { $0.id })
            }
            guard source.kvHeads > 0, source.heads.isMultiple(of: source.kvHeads) else {
                throw ErrorStudyError.headCounts(query: source.heads, keyValue: source.kvHeads)
            }
        }
        for layer in settings.layers ?? [] where !source.layers.contains(layer) {
            throw ErrorStudyError.noLayer(layer, captured: source.layers)
        }
        guard source.sequences.contains(where: { !$0.isEmpty }) else { throw ErrorStudyError.emptyCapture }
    }
}
