import Capture
import Inference
import Quantization

/// What schemes need beside keys and values, checked before anything is computed.
enum SchemeRequirements {
    /// - Returns: warnings for people.
    /// - Throws: `ErrorStudyError`, `SchemeError` for a scheme whose needs are not met.
    static func check(
        _ schemes: [CacheScheme],
        layers: [Int],
        calibration: CalibrationSet?,
        source: some AttentionSource
    ) throws -> [String] {
        var warnings: [String] = []
        if schemes.contains(where: { $0.key.ropeSide == .before }), !source.tensors.contains(.keyPreRope) {
            throw ErrorStudyError.missingTensor(
                CapturedTensor.keyPreRope.rawValue,
                captured: source.tensors.map { $0.rawValue }.sorted()
            )
        }
        if let scheme = schemes.first(where: { $0.needsSaliency }), !source.tensors.contains(.query) {
            throw SchemeError.needsQueries(scheme: scheme.id)
        }
        let predicted = schemes.first { $0.needsAllLayers }
        if let predicted, let first = source.layers.first, layers != Array(first..<first + layers.count) {
            throw ErrorStudyError.setting(
                name: "layers",
                value: layers.map { "\($0)" }.joined(separator: ", "),
                expected: "all from \(first) on: '\(predicted.id)' predicts a layer from the one before"
            )
        }
        let calibrated = schemes.filter { $0.needsCalibration }
        guard let scheme = calibrated.first else { return warnings }
        guard let calibration else { throw SchemeError.notCalibrated(scheme: scheme.id) }
        for scheme in calibrated {
            for side in CacheSide.allCases where scheme.scheme(for: side).calibration == .required {
                let own = scheme.scheme(for: side)
                guard layers.allSatisfy({ !calibration.arrays(of: own, side: side, layer: $0).isEmpty }) else {
                    throw SchemeError.notCalibrated(scheme: scheme.id)
                }
            }
        }
        if calibration.origin.weightsSHA256 != source.weightsSHA256 {
            throw SchemeError.calibration(
                scheme: scheme.id,
                problem: "it is of '\(calibration.origin.modelName)', whose weights are not those of this capture"
            )
        }
        if !Set(calibration.origin.textSHA256s).isDisjoint(with: source.textSHA256s) {
            warnings.append(
                "schemes were calibrated on a text that they are evaluated on (\(calibration.origin.texts.joined(separator: ", "))); "
                    + "their errors are too small"
            )
        }
        return warnings
    }
}

extension CacheScheme {
    func needsPreviousLayer(_ side: CacheSide) -> Bool {
        (scheme(for: side) as? PipelineScheme)?.needsPreviousLayer ?? false
    }

    /// Whether a side must be calibrated.
    public var needsCalibration: Bool { key.calibration == .required || value.calibration == .required }

    /// Whether a layer is predicted from the one before.
    public var needsAllLayers: Bool { CacheSide.allCases.contains { needsPreviousLayer($0) } }

    /// Whether it must know which tokens get attention.
    public var needsSaliency: Bool {
        CacheSide.allCases.contains { (scheme(for: $0) as? PipelineScheme)?.needsSaliency ?? false }
    }
}
