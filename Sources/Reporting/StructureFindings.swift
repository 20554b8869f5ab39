import Plotting
import TensorCore

/// What the structure study found, in sentences with the numbers that carry them.
public struct StructureFinding: Sendable, Equatable {
    /// What it is about, such as `Attention sinks`.
    public let topic: String
    public let sentence: String

    /// Those that the tables support: sinks, stability, rotation, rank, likeness.
    public static func all(_ tables: [String: Table]) -> [StructureFinding] {
        let numbers = StructureNumbers(tables)
        let sentences = [
            ("Attention sinks", sinks(numbers)), ("Outlier channels", stability(numbers)),
            ("Rotation", rotation(numbers)), ("Rank", rank(numbers)), ("Likeness", likeness(numbers)),
        ]
        return sentences.compactMap { topic, sentence in sentence.map { StructureFinding(topic: topic, sentence: $0) } }
    }

    private static func short(_ value: Double) -> String { NumberText.short(value, digits: 2) }
    private static func index(_ value: Double) -> String { NumberText.fixed(value, decimals: 2) }

    private static func sinks(_ numbers: StructureNumbers) -> String? {
        guard let sinks = numbers.sinks else { return nil }
        let piece = sinks.piece.isEmpty ? "" : " (\(sinks.piece))"
        var sentence =
            "\(sinks.layersWithSinks) of \(sinks.layers) layers have a token that draws more than a tenth of the attention "
            + "that can see it. Most goes to token \(sinks.token)\(piece), "
            + (sinks.position == 0 ? "the first of its text" : "at position \(sinks.position) of its text")
            + ": \(Wording.percent(sinks.share)) over all layers"
        let norms = [("key", sinks.keyNorm), ("value", sinks.valueNorm)].compactMap { name, norm in
            norm.map { "its \(name) is \(Wording.times($0))" }
        }
        if !norms.isEmpty { sentence += "; \(norms.joined(separator: " and ")) as long as the median token’s" }
        sentence += "."
        if let first = numbers.median("attention-profile", "first_4_share") {
            sentence += " The median head spends \(Wording.percent(first)) on the first 4 tokens"
            if let held = numbers.median("attention-profile", "tokens_for_90") {
                sentence += ", and \(Wording.percent(held)) of the visible tokens hold 90 % of its attention"
            }
            sentence += "."
        }
        return sentence
    }

    private static func stability(_ numbers: StructureNumbers) -> String? {
        let parts = ["key_pre_rope", "key", "value"].compactMap { tensor -> String? in
            guard let own = numbers.stability(of: tensor) else { return nil }
            let name = Wording.capitalized(Wording.plural(tensor))
            guard own.layersWithOutliers > 0, let jaccard = own.jaccard else {
                let order = own.spearman.map { "; their order correlates by \(index($0)) between \(own.part)s" } ?? ""
                return "\(name) have no channel beyond 5 times the median one in any of \(own.layers) layers\(order)."
            }
            return "\(name) have channels beyond 5 times the median one in \(own.layersWithOutliers) of \(own.layers) "
                + "layers, in one \(own.part) at least; between \(own.part)s they are the same by a Jaccard index of "
                + "\(index(jaccard)), mean over layers."
        }
        guard !parts.isEmpty else { return nil }
        let rope = numbers.jaccardAcrossRope.map {
            " Before against after RoPE the index is \(index($0)), mean over layers."
        }
        return parts.joined(separator: " ") + (rope ?? "")
    }

    private static func rotation(_ numbers: StructureNumbers) -> String? {
        let parts = ["key", "value"].compactMap { tensor -> String? in
            guard
                let before = numbers.effect("range_to_median_channel", tensor: tensor, transform: "none"),
                let after = numbers.effect("range_to_median_channel", tensor: tensor, transform: "hadamard")
            else { return nil }
            var part =
                "the widest channel of the \(Wording.plural(tensor)) from \(Wording.times(before)) to "
                + "\(Wording.times(after)) the median one"
            if let kurtosis = numbers.effect("excess_kurtosis", tensor: tensor, transform: "none"),
                let rotated = numbers.effect("excess_kurtosis", tensor: tensor, transform: "hadamard")
            {
                part += " (excess kurtosis from \(short(kurtosis)) to \(short(rotated)))"
            }
            return part
        }
        return parts.isEmpty
            ? nil : "A Hadamard rotation of each head brings \(parts.joined(separator: ", and ")), in the median layer."
    }

    private static func rank(_ numbers: StructureNumbers) -> String? {
        let parts = ["key_pre_rope", "key", "value"].compactMap { tensor -> String? in
            guard let rank = numbers.median("spectrum-summary", "effective_rank", tensor: tensor) else { return nil }
            let needed = numbers.median("spectrum-summary", "components_90", tensor: tensor)
            return "\(short(rank)) of the \(Wording.plural(tensor))"
                + (needed.map { " (\(NumberText.fixed($0, decimals: 0)) components hold 90 % of the energy)" } ?? "")
        }
        guard !parts.isEmpty else { return nil }
        let of = numbers.channels.map { ", of \($0) channels" } ?? ""
        return "The effective rank of the median head\(of), is \(parts.joined(separator: ", "))."
    }

    private static func likeness(_ numbers: StructureNumbers) -> String? {
        let tensors = ["key_pre_rope", "key", "value"]
        let cosines = tensors.compactMap { tensor in
            numbers.median("locality", "neighbour_cosine_centred", tensor: tensor).map { (tensor, $0) }
        }
        let explained = tensors.compactMap { tensor in
            numbers.median("cross-layer", "unexplained_variance", tensor: tensor).map { (tensor, 1 - $0) }
        }
        var sentences: [String] = []
        if !cosines.isEmpty {
            let parts = cosines.map { "\(index($1)) for \(Wording.plural($0))" }
            sentences.append(
                "Less the mean, neighbouring tokens of the median head have a cosine of "
                    + "\(parts.joined(separator: ", "))."
            )
        }
        if !explained.isEmpty {
            let parts = explained.map { tensor, share in
                "\(share > 0 ? Wording.percent(share) : "none") for \(Wording.plural(tensor))"
            }
            sentences.append(
                "Of a layer’s variance, the layer before explains in the median layer \(parts.joined(separator: ", "))."
            )
        }
        return sentences.isEmpty ? nil : sentences.joined(separator: " ")
    }
}
