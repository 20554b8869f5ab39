import Evaluation
import Inference
import Quantization
import TensorCore

extension Manifest {
    /// A text that schemes learn from before they are evaluated on the experiment's own.
    public struct Calibration: Sendable, Equatable {
        public var texts: [Text]
        public var maximumTokensPerText: Int?
        public var tokensPerSequence: Int?
    }

    static func readCalibration(_ value: YAMLValue?, _ reader: ManifestReader) -> Calibration? {
        guard let value else { return nil }
        let fields = reader.mapping(value, "calibration", allowed: ["texts", "max_tokens", "sequence_tokens"])
        guard let texts = readTexts(fields["texts"], in: value, reader, key: "calibration.texts") else { return nil }
        return Calibration(
            texts: texts,
            maximumTokensPerText: reader.integer(fields["max_tokens"], "calibration.max_tokens", in: 1...Int.max),
            tokensPerSequence: reader.integer(
                fields["sequence_tokens"],
                "calibration.sequence_tokens",
                in: 1...Int.max
            )
        )
    }

    /// Each scheme once, however it is spelled: a term, or a mapping with `pipeline`, or `keys` and `values`.
    static func readSchemes(_ value: YAMLValue?, _ key: String, _ reader: ManifestReader) -> [CacheScheme]? {
        var seen: Set<String> = []
        return reader.list(value, key) { item, itemKey -> CacheScheme? in
            guard let text = readTerm(item, itemKey, reader),
                let scheme = reader.attempt(item, itemKey, { try CacheScheme(parsing: text) })
            else { return nil }
            guard seen.insert(scheme.id).inserted else {
                reader.complain(item, itemKey, "'\(text)' is listed twice", remedy: "Remove one of them.")
                return nil
            }
            return scheme
        }
    }

    /// `{pipeline: [hadamard, uniform-3-token-g64], window: window=128}` as the term that it stands for.
    private static func readTerm(_ item: YAMLValue, _ key: String, _ reader: ManifestReader) -> String? {
        guard case .mapping = item.content else { return reader.string(item, key) }
        let fields = reader.mapping(item, key, allowed: ["pipeline", "keys", "values", "window"])
        func steps(_ name: String) -> String? {
            reader.list(fields[name], "\(key).\(name)") { reader.string($0, $1) }?.joined(separator: ":")
        }
        let sides: [String?]
        if fields["pipeline"] != nil {
            for other in ["keys", "values"] {
                guard let extra = fields[other] else { continue }
                reader.complain(
                    extra,
                    "\(key).\(other)",
                    "stands beside 'pipeline', which is of both sides",
                    expected: "either 'pipeline', or 'keys' and 'values'"
                )
            }
            sides = [steps("pipeline")]
        } else {
            for name in ["keys", "values"] where fields[name] == nil {
                reader.complain(item, "\(key).\(name)", "the key is missing", expected: "a list of steps")
            }
            sides = [steps("keys"), steps("values")]
        }
        let window = reader.string(fields["window"], "\(key).window")
        let terms = sides.compactMap { $0 }
        guard terms.count == sides.count else { return nil }
        return terms.joined(separator: "/") + (window.map { "+\($0)" } ?? "")
    }

    static func readEqualWindow(_ value: YAMLValue?, _ reader: ManifestReader) -> WindowPolicy? {
        guard let value, let text = reader.string(value, "analyses.errors.window") else { return nil }
        return reader.attempt(value, "analyses.errors.window") { try WindowPolicy(equal: text) }
    }

    /// What schemes need beside keys and values must be there before anything is captured.
    static func checkNeeds(
        _ schemes: [CacheScheme],
        _ value: YAMLValue?,
        _ scope: CaptureScope,
        _ calibration: Calibration?,
        _ reader: ManifestReader
    ) {
        guard let value else { return }
        let key = "analyses.errors.schemes"
        if let scheme = schemes.first(where: { $0.needsCalibration }), calibration == nil {
            reader.complain(
                value,
                key,
                "'\(scheme.id)' must be calibrated",
                expected: "a text to learn from",
                remedy: "Add 'calibration: {texts: [FILE]}' with another text than those of 'texts'."
            )
        }
        if let scheme = schemes.first(where: { $0.key.ropeSide == .before }), !scope.tensors.contains(.keyPreRope) {
            reader.complain(
                value,
                key,
                "'\(scheme.id)' stores keys before RoPE, which are not captured",
                remedy: "Add 'key_pre_rope' to capture.tensors."
            )
        }
    }
}
