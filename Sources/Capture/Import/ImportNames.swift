import Foundation
import Inference
import TensorCore

/// Which layer and tensor an array's name stands for: a pattern such as `layer_{layer}_{tensor}`.
struct ImportNames: Sendable {
    let pattern: String
    private let expression: NSRegularExpression
    private let layerGroup: Int?
    private let tensorGroup: Int

    /// How the usual programs name what they dump, tried in this order.
    ///
    /// The first is this project's own, of captures and of the hook for transformers; `past_key_values` and
    /// `present` are ONNX exports' names.
    static let usual = [
        "layers/{layer}/{tensor}", "layer_{layer}_{tensor}", "layer_{layer}/{tensor}", "layer{layer}_{tensor}",
        "layers.{layer}.{tensor}", "layers_{layer}_{tensor}", "model.layers.{layer}.self_attn.{tensor}",
        "{tensor}_{layer}", "{tensor}.{layer}", "{tensor}/{layer}", "{tensor}_layer_{layer}",
        "past_key_values.{layer}.{tensor}", "present.{layer}.{tensor}", "{layer}/{tensor}", "{layer}.{tensor}",
        "{layer}_{tensor}",
    ]
    static let usualWithoutLayer = ["{tensor}"]

    /// Words for each tensor. A projection's output is none of them: models that normalize keys do it afterwards.
    static let words: [String: CapturedTensor] = {
        let all: [CapturedTensor: [String]] = [
            .query: ["query", "queries", "q", "query_states", "q_rope", "query_post_rope"],
            .key: ["key", "keys", "k", "key_states", "key_cache", "k_cache", "past_key", "k_rope", "key_post_rope"],
            .keyPreRope: ["key_pre_rope", "keys_pre_rope", "k_pre_rope", "key_before_rope", "pre_rope_key"],
            .value: ["value", "values", "v", "value_states", "value_cache", "v_cache", "past_value"],
        ]
        var words: [String: CapturedTensor] = [:]
        for (tensor, names) in all { for name in names { words[name] = tensor } }
        return words
    }()

    /// - Throws: `ImportError` for a pattern without `{tensor}`, or with anything else in braces.
    init(pattern: String) throws {
        self.pattern = pattern
        var source = "^"
        var rest = pattern[...]
        var groups: [String] = []
        while let open = rest.firstIndex(of: "{") {
            source += NSRegularExpression.escapedPattern(for: String(rest[..<open]))
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw Self.unusable(pattern, "a { is not closed")
            }
            let word = String(rest[rest.index(after: open)..<close])
            guard word == "layer" || word == "tensor", !groups.contains(word) else {
                throw Self.unusable(pattern, "{\(word)} \(groups.contains(word) ? "stands twice" : "is unknown")")
            }
            source += word == "layer" ? "([0-9]{1,5})" : "([A-Za-z][A-Za-z0-9_-]*)"
            groups.append(word)
            rest = rest[rest.index(after: close)...]
        }
        source += NSRegularExpression.escapedPattern(for: String(rest)) + "$"
        guard let tensor = groups.firstIndex(of: "tensor") else { throw Self.unusable(pattern, "{tensor} is missing") }
        guard let expression = try? NSRegularExpression(pattern: source) else {
            throw Self.unusable(pattern, "it is no pattern")
        }
        self.expression = expression
        tensorGroup = tensor + 1
        layerGroup = groups.firstIndex(of: "layer").map { $0 + 1 }
    }

    private static func unusable(_ pattern: String, _ problem: String) -> ImportError {
        ImportError(
            "--pattern \(pattern)",
            problem,
            expected: "{tensor} once, and {layer} once unless --axes has a layer axis",
            remedy: "for example --pattern 'layer_{layer}_{tensor}'"
        )
    }

    var hasLayer: Bool { layerGroup != nil }

    /// What a name says; `tensor` is `nil` for a word that stands for none.
    func match(_ name: String) -> (layer: Int?, word: String, tensor: CapturedTensor?)? {
        let whole = NSRange(name.startIndex..., in: name)
        guard let result = expression.firstMatch(in: name, range: whole),
            let wordRange = Range(result.range(at: tensorGroup), in: name)
        else { return nil }
        let word = name[wordRange].lowercased()
        var layer: Int?
        if let layerGroup {
            guard let range = Range(result.range(at: layerGroup), in: name), let number = Int(name[range]) else {
                return nil
            }
            layer = number
        }
        return (layer, word, Self.words[word])
    }

    /// The name that a tensor of a layer would have.
    func name(layer: Int?, word: String) -> String {
        pattern.replacing("{tensor}", with: word).replacing("{layer}", with: layer.map { "\($0)" } ?? "")
    }

    /// The given pattern, or that of the usual ones which fits the most names.
    ///
    /// - Throws: `ImportError` for a pattern that contradicts the axes, or where none fits any name.
    static func choose(_ given: String?, stacked: Bool, names: [String], path: String) throws -> ImportNames {
        if let given {
            let names = try ImportNames(pattern: given)
            guard names.hasLayer != stacked else {
                throw ImportError(
                    "--pattern \(given)",
                    stacked ? "{layer} stands here, and --axes has a layer axis" : "{layer} is missing",
                    expected: "layers either in names or along an axis",
                    remedy: stacked ? "leave one of them out" : "or name the layer axis in --axes"
                )
            }
            return names
        }
        var best: (names: ImportNames, count: Int)?
        for pattern in stacked ? usualWithoutLayer : usual {
            let candidate = try ImportNames(pattern: pattern)
            let count = names.count { candidate.match($0)?.tensor != nil }
            if count > best?.count ?? 0 { best = (candidate, count) }
        }
        if let best { return best.names }
        throw ImportError(
            path,
            "no array has a name that is understood: \(shownNames(names))",
            expected: "names such as \(stacked ? "key and value" : "layer_0_key, layers/0/key or key_0")",
            remedy: "say how they are named: --pattern 'layer_{layer}_{tensor}'"
        )
    }
}
