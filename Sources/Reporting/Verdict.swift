import Plotting
import TensorCore

/// One finding in words, computed from tables.
public struct Verdict: Sendable, Equatable {
    public enum Outcome: String, Sendable {
        /// In every layer.
        case holds
        /// On average, but not in every layer.
        case holdsMostly = "holds on average"
        /// In some layers, but not on average.
        case holdsPartly = "holds in some layers"
        case doesNotHold = "does not hold"
    }

    /// What the paper claims.
    public let claim: String
    public let outcome: Outcome
    /// What this run shows, with the numbers.
    public let sentence: String

    /// All verdicts that the tables support, in the paper's order.
    ///
    /// - Throws: ``ReportingError/missingColumn(table:column:present:)``.
    public static func all(_ tables: [String: Table]) throws -> [Verdict] {
        var verdicts: [Verdict] = []
        let widest = try WidestChannel.all(tables)
        if let keys = outliers(widest.filter { $0.tensor == "key" }) { verdicts.append(keys) }
        if let values = noOutliers(widest.filter { $0.tensor == "value" }) { verdicts.append(values) }
        guard let table = tables["per-token-vs-per-channel"] else { return verdicts }
        for column in PairedErrors.columns where table.index(of: column) == nil {
            throw ReportingError.missingColumn(
                table: table.name,
                column: column,
                present: table.columns.map { $0.name }
            )
        }
        let pairs = PairedErrors.read(table)
        func pair(_ tensor: String, _ metric: String) -> PairedErrors? {
            pairs.first { $0.tensor == tensor && $0.metric == metric }
        }
        if let keys = pair("key", "mean_absolute_relative_error") {
            verdicts.append(
                direction(
                    keys,
                    norm: pair("key", "relative_frobenius"),
                    favoursChannel: true,
                    claim: "Keys want per-channel quantization",
                    what: "relative error of the keys",
                    paper: (13.67, 4.55)
                )
            )
        }
        if let scores = pair("key", "score_relative_error") {
            verdicts.append(
                direction(
                    scores,
                    norm: pair("key", "score_relative_frobenius"),
                    favoursChannel: true,
                    claim: "Attention scores suffer less when keys are quantized per channel",
                    what: "relative error of the attention scores",
                    paper: (47.00, 9.60)
                )
            )
        }
        let elementwise = pair("value", "output_error_value_elementwise")
        let norm = pair("value", "output_error_value")
        if let values = elementwise ?? norm {
            verdicts.append(
                direction(
                    values,
                    norm: elementwise == nil ? nil : norm,
                    favoursChannel: false,
                    claim: "Values want per-token quantization",
                    what: "attention output error of quantized values",
                    paper: (3.55, 49.89)
                )
            )
        }
        return verdicts
    }

    /// An element-wise relative error beyond this says how small the denominators are, not how large the errors.
    private static let dominatedFrom = 1000.0

    /// Per token against per channel, over layers.
    ///
    /// - Parameter norm: the same error as a relative norm. It is judged in place of the element-wise
    ///   mean where entries near zero have made that meaningless.
    private static func direction(
        _ elementwise: PairedErrors,
        norm: PairedErrors?,
        favoursChannel: Bool,
        claim: String,
        what: String,
        paper: (token: Double, channel: Double)
    ) -> Verdict {
        let isDominated = max(elementwise.meanPerToken, elementwise.meanPerChannel) > dominatedFrom
        let pair = isDominated ? norm ?? elementwise : elementwise
        let isNormJudged = isDominated && norm != nil
        let (token, channel) = (pair.meanPerToken, pair.meanPerChannel)
        let favourable = favoursChannel ? pair.layersForChannel : pair.layersForToken
        let against = pair.layers.filter { !favourable.contains($0) }
        let ratio = favoursChannel ? token / channel : channel / token
        let paperRatio = favoursChannel ? paper.token / paper.channel : paper.channel / paper.token
        let (better, worse) = favoursChannel ? ("per channel", "per token") : ("per token", "per channel")
        // The paper's numbers are element-wise means; its setting is taken to be 2 bits and groups of 32.
        let isPapers = elementwise.bits == 2 && elementwise.groupSize == 32
        let paperNumbers =
            "\(NumberText.short(paper.token, digits: 4)) and \(NumberText.short(paper.channel, digits: 4))"
        var sentence =
            "At \(pair.setting), the mean \(what)\(isNormJudged ? ", as a relative norm," : "") is \(NumberText.short(token)) per token and "
            + "\(NumberText.short(channel)) per channel"
        if ratio.isFinite {
            sentence +=
                ": \(worse) errs \(Wording.times(ratio)) as much as \(better)"
                + (isPapers && !isNormJudged
                    ? " (in the paper, on Llama-2-13B, \(Wording.times(paperRatio)): \(paperNumbers))" : "")
        }
        sentence += ". "
        let outcome: Outcome
        if against.isEmpty {
            outcome = .holds
            sentence +=
                pair.layers.count == 1
                ? "Only layer \(pair.layers[0]) was measured."
                : "\(Wording.capitalized(better)) errs less in all \(pair.layers.count) layers."
        } else if favourable.isEmpty {
            outcome = .doesNotHold
            sentence += "This model does not show the effect in any of its \(pair.layers.count) layers."
        } else {
            outcome = ratio > 1 ? .holdsMostly : .holdsPartly
            sentence +=
                (ratio > 1 ? "" : "On average this model does not show the effect. ")
                + "\(Wording.capitalized(better)) errs less in \(favourable.count) of \(pair.layers.count) layers "
                + "(\(Wording.ranges(favourable))), not in \(Wording.ranges(against))."
        }
        if isNormJudged {
            sentence +=
                " The element-wise mean is dominated by entries near zero here: "
                + "\(NumberText.short(elementwise.meanPerToken)) per token and "
                + "\(NumberText.short(elementwise.meanPerChannel)) per channel"
                + (isPapers ? " (in the paper, on Llama-2-13B, \(paperNumbers))." : ".")
        } else if let norm {
            let layers = favoursChannel ? norm.layersForChannel : norm.layersForToken
            sentence +=
                " As a relative norm: \(NumberText.short(norm.meanPerToken)) per token and "
                + "\(NumberText.short(norm.meanPerChannel)) per channel; \(better) errs less in \(layers.count) of "
                + "\(norm.rows.count) layers."
        }
        return Verdict(claim: claim, outcome: outcome, sentence: sentence)
    }

    private static func outliers(_ widest: [WidestChannel]) -> Verdict? {
        guard let top = widest.max(by: { $0.ratio < $1.ratio }) else { return nil }
        let (wide, veryWide) = (widest.filter { $0.ratio >= 5 }, widest.filter { $0.ratio >= 10 })
        let outcome: Outcome = wide.isEmpty ? .doesNotHold : wide.count == widest.count ? .holds : .holdsPartly
        var sentence =
            "The widest key channel is channel \(top.channel) of KV head \(top.head) in layer \(top.layer): its largest "
            + "|K| is \(Wording.times(top.ratio)) that of the layer's median channel. "
        sentence +=
            wide.isEmpty
            ? "No layer has a key channel of 5× the median or more: this model does not show the effect."
            : "A key channel of 5× the median or more is found in \(wide.count) of \(widest.count) layers "
                + "(\(Wording.ranges(wide.map { $0.layer })))"
                + (veryWide.isEmpty
                    ? "." : ", of 10× or more in \(veryWide.count) (\(Wording.ranges(veryWide.map { $0.layer }))).")
        return Verdict(claim: "Some key channels are outliers", outcome: outcome, sentence: sentence)
    }

    private static func noOutliers(_ widest: [WidestChannel]) -> Verdict? {
        guard let top = widest.max(by: { $0.ratio < $1.ratio }) else { return nil }
        let wide = widest.filter { $0.ratio >= 5 }
        let outcome: Outcome = wide.isEmpty ? .holds : wide.count == widest.count ? .doesNotHold : .holdsPartly
        return Verdict(
            claim: "Values have no outlier channels",
            outcome: outcome,
            sentence:
                "The widest value channel is channel \(top.channel) of KV head \(top.head) in layer \(top.layer), "
                + "\(Wording.times(top.ratio)) the median. "
                + (wide.isEmpty
                    ? "No layer has one of 5× or more."
                    : "\(wide.count) of \(widest.count) layers have one of 5× or more (\(Wording.ranges(wide.map { $0.layer }))).")
        )
    }
}

/// The channel with the largest absolute maximum of one layer and tensor.
struct WidestChannel {
    let layer: Int
    let tensor: String
    let head: Int
    let channel: Int
    /// To the median over all channels of the layer.
    let ratio: Double

    /// From `statistics-channel`, or from `outlier-channels` if there is only that.
    static func all(_ tables: [String: Table]) throws -> [WidestChannel] {
        if let table = tables["statistics-channel"] {
            return try ChannelProfile.read(table, head: nil).compactMap { profile in
                profile.widest.map {
                    WidestChannel(
                        layer: profile.layer,
                        tensor: profile.tensor,
                        head: $0.entry.head,
                        channel: $0.entry.channel,
                        ratio: $0.ratio
                    )
                }
            }
        }
        guard let table = tables["outlier-channels"], table.index(of: "ratio_to_median") != nil else { return [] }
        var best: [String: WidestChannel] = [:]
        for row in table.rowViews {
            guard let layer = row.integer("layer"), let tensor = row.string("tensor"), let head = row.integer("head"),
                let channel = row.integer("channel"), let ratio = row.number("ratio_to_median"), ratio.isFinite
            else { continue }
            let key = "\(tensor) \(layer)"
            if ratio > best[key]?.ratio ?? 0 {
                best[key] = WidestChannel(layer: layer, tensor: tensor, head: head, channel: channel, ratio: ratio)
            }
        }
        return best.values.sorted { ($0.tensor, $0.layer) < ($1.tensor, $1.layer) }
    }
}
