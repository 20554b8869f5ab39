import Foundation
import Statistics
import TensorCore

/// What a comparison found, in sentences, and the largest relative difference among it.
struct ComparisonFindings {
    private(set) var sentences: [String] = []
    /// What was looked at, for two that are identical.
    private(set) var compared: [String] = []
    private(set) var largest = 0.0
    private(set) var largestOf: String?
    private let pairing: LayerPairing
    /// Tensors of which nothing more is to be said.
    private var equalTensors: [String] = []

    /// Statistics that the sentences are about; the table has all.
    private static let told = ["absolute_maximum", "standard_deviation"]
    /// Facts that say the same of two captures of one model and text.
    private static let unimportant: Set<String> = ["texts", "weight_type", "weights_sha256"]
    /// Lines about schemes before the rest is left to the table.
    private static let mostSchemes = 12
    /// Measures of one table of the structure study that a sentence names.
    private static let mostMeasures = 3
    /// Tables that a sentence was said of.
    private var toldTables: Set<String> = []

    init(pairing: LayerPairing) { self.pairing = pairing }

    private mutating func note(_ difference: Double, _ what: @autoclosure () -> String) {
        guard difference > largest else { return }
        largest = difference
        largestOf = what()
    }

    // MARK: - What it is of

    mutating func add(_ facts: [Comparison.FactDifference]) {
        compared += ["model", "text", "settings"]
        for fact in facts where !fact.isSetting {
            sentences.append("\(fact.key): \(shown(fact, fact.a)) against \(shown(fact, fact.b))")
            if !Self.unimportant.contains(fact.key) { note(.infinity, "\(fact.key)") }
        }
        let settings = facts.filter { $0.isSetting }
        guard !settings.isEmpty else { return }
        let shown = settings.prefix(8).map { "\($0.key) \(self.shown($0, $0.a)) against \(self.shown($0, $0.b))" }
        sentences.append(
            "settings: \(shown.joined(separator: "; "))"
                + (settings.count > shown.count ? "; and \(settings.count - shown.count) more" : "")
        )
    }

    private func shown(_ fact: Comparison.FactDifference, _ value: String?) -> String {
        guard let value, !value.isEmpty else { return "nothing" }
        let limit = fact.key.hasSuffix("sha256") ? 12 : 60
        return value.count > limit ? String(value.prefix(limit - 1)) + "…" : value
    }

    mutating func add(_ elements: ElementComparison?, obstacle: String?) {
        if let obstacle {
            sentences.append("elements are not compared one by one: \(obstacle)")
            note(.infinity, obstacle)
        }
        guard let elements else { return }
        compared.append("every element of \(elements.tensors) tensors")
        guard let worst = elements.differing.max(by: { ($0.relative ?? .infinity) < ($1.relative ?? .infinity) }) else {
            sentences.append("elements: those of all \(elements.tensors) tensors that both have are equal")
            return
        }
        let error = worst.relative ?? .infinity
        let place = "\(worst.tensor.rawValue) of layer \(worst.layer)"
        sentences.append(
            "elements: \(elements.differing.count) of \(elements.tensors) tensors differ; at most, in \(place), "
                + "\(worst.count) elements"
                + (worst.relative.map { " by \(text($0)) of their norm" } ?? ", of which no norm can be taken")
        )
        let damaged = elements.differing.filter { $0.nonfiniteInA > 0 || $0.nonfiniteInB > 0 }
        if let first = damaged.first {
            let (a, b) = damaged.reduce((0, 0)) { ($0.0 + $1.nonfiniteInA, $0.1 + $1.nonfiniteInB) }
            sentences.append(
                "NaN or infinite, and left out of norms: \(a) elements of the first and \(b) of the second in tensors that "
                    + "differ, \(first.tensor.rawValue) of layer \(first.layer)"
                    + (damaged.count > 1 ? " and \(damaged.count - 1) more" : "")
            )
            note(.infinity, "NaN or infinite elements")
        }
        note(error, "elements of \(place)")
    }

    // MARK: - Numbers

    mutating func addLayers(_ a: ComparisonSubject, _ b: ComparisonSubject) {
        if !pairing.isByNumber, let layersA = a.modelLayers, let layersB = b.modelLayers {
            sentences.append(
                "models of \(layersA) and \(layersB) layers: each layer of the first is held beside the one of the "
                    + "second at the nearest relative depth"
            )
        }
        for (layers, side) in [(pairing.onlyInA, "first"), (pairing.onlyInB, "second")] where !layers.isEmpty {
            let names = layers.map { "\($0)" }.joined(separator: ", ")
            sentences.append("layers only in the \(side): \(names)")
            note(.infinity, "layers \(names)")
        }
    }

    mutating func add(_ statistics: StatisticsComparison) {
        for (tensors, side) in [(statistics.onlyInA, "first"), (statistics.onlyInB, "second")] where !tensors.isEmpty {
            sentences.append("tensors only in the \(side): \(tensors.joined(separator: ", "))")
            note(.infinity, "tensors \(tensors.joined(separator: ", "))")
        }
        if !statistics.table.rows.isEmpty {
            compared.append("statistics of \(statistics.tensors.joined(separator: ", "))")
        }
        addLargest(of: statistics.table) {
            "\($0.string("statistic") ?? "") of \($0.string("tensor") ?? "") in layer \($0.integer("layer_a") ?? 0)"
        }
        equalTensors = statistics.tensors.filter { tensor in
            statistics.table.rowViews.allSatisfy {
                $0.string("tensor") != tensor || $0.number("relative_difference") == 0
            }
        }
        if !equalTensors.isEmpty {
            sentences.append("\(equalTensors.joined(separator: ", ")): all statistics are equal in every layer")
        }
        for tensor in statistics.tensors where !equalTensors.contains(tensor) {
            for statistic in Self.told { tell(statistic, of: tensor, statistics) }
        }
    }

    private mutating func tell(_ statistic: String, of tensor: String, _ statistics: StatisticsComparison) {
        let ratios = pairing.pairs.compactMap { pair in
            statistics.difference(statistic, tensor, pair)?.ratio.map { (pair, $0) }
        }.filter { $0.1.isFinite && $0.1 > 0 }
        guard let extreme = ratios.max(by: { abs(log($0.1)) < abs(log($1.1)) }) else { return }
        let words = statistic.replacing("_", with: " ")
        guard extreme.1 != 1 else {
            sentences.append("\(tensor): the \(words) is the same in every layer")
            return
        }
        let sorted = ratios.map { $0.1 }.sorted()
        sentences.append(
            "\(tensor): the \(words) of the second is \(text(sorted[(sorted.count - 1) / 2])) times that of the first "
                + "in the median layer, \(text(extreme.1)) times in layer \(extreme.0.a)"
                + (extreme.0.a == extreme.0.b ? "" : " beside layer \(extreme.0.b)")
        )
    }

    mutating func add(_ channels: ChannelComparison) {
        for entry in channels.incomparable {
            sentences.append(
                "\(entry.tensor): channels are not compared, \(entry.a) against \(entry.b); layers are"
            )
        }
        if !channels.table.rows.isEmpty { compared.append("large channels") }
        var tensors: [String] = []
        for row in channels.table.rowViews {
            if let tensor = row.string("tensor"), !tensors.contains(tensor) { tensors.append(tensor) }
        }
        for tensor in tensors where !equalTensors.contains(tensor) {
            let rows = channels.table.rowViews.filter { $0.string("tensor") == tensor }
            func sum(_ column: String) -> Int { rows.reduce(0) { $0 + ($1.integer(column) ?? 0) } }
            let (one, other, common) = (sum("outliers_a"), sum("outliers_b"), sum("outliers_common"))
            var sentence = "\(tensor): "
            if one + other == 0 {
                sentence += "no channel exceeds \(Int(OutlierChannel.threshold)) times the median one in either"
            } else {
                sentence += "\(one) outlier channels against \(other), \(common) of them the same"
            }
            let ranks = rows.compactMap { row in row.number("spearman").map { (row.integer("layer_a") ?? 0, $0) } }
            if let lowest = ranks.min(by: { $0.1 < $1.1 }) {
                let sorted = ranks.map { $0.1 }.sorted()
                sentence +=
                    "; the order of channels agrees by a rank correlation of \(text(sorted[(sorted.count - 1) / 2])) in "
                    + "the median layer, \(text(lowest.1)) in layer \(lowest.0)"
            }
            sentences.append(sentence)
        }
    }

    /// One sentence a table of the structure study: where it differs most.
    mutating func add(_ structure: StructureComparison) {
        if !structure.compared.isEmpty { compared.append("structure") }
        toldTables.formUnion(structure.compared)
        for name in structure.compared {
            let rows = structure.table.rowViews.filter { $0.string("table") == name }
            let differing = rows.filter { $0.number("relative_difference") != 0 }
                .sorted { ($0.number("scaled_difference") ?? 0) > ($1.number("scaled_difference") ?? 0) }
            guard let most = differing.first else { continue }
            let largest = "\(measure(most)), table \(name)"
            note(most.number("scaled_difference") ?? 0, largest)
            let shown = differing.prefix(Self.mostMeasures).map { row in
                "\(measure(row)) \(text(row.number("value_a"))) against \(text(row.number("value_b")))"
            }
            let rest = differing.count - shown.count
            sentences.append(
                "\(name), means over layers: \(shown.joined(separator: "; "))"
                    + (rest > 0 ? "; \(rest) more of \(rows.count) measures are in the table compare-structure" : "")
            )
        }
    }

    /// `neighbour cosine centred of key`, `jaccard of value (block)`.
    private func measure(_ row: Table.RowView) -> String {
        let name = (row.string("measure") ?? "").replacing("_", with: " ")
        let tensor = row.string("tensor").map { " of \($0)" } ?? ""
        return name + tensor + (row.string("series").map { " (\($0))" } ?? "")
    }

    mutating func add(_ errors: ErrorComparison) {
        for (schemes, side) in [(errors.onlyInA, "first"), (errors.onlyInB, "second")] where !schemes.isEmpty {
            sentences.append("schemes and caches only in the \(side): \(schemes.joined(separator: ", "))")
            note(.infinity, "schemes \(schemes.joined(separator: ", "))")
        }
        if !errors.table.rows.isEmpty { compared.append("errors and quality") }
        addLargest(of: errors.table) { "\($0.string("metric") ?? "") of \($0.string("scheme") ?? "")" }
        // Per scheme the one number that most would ask for.
        let wanted = ["output_error_pair", "relative_frobenius", "perplexity"]
        let rows = errors.table.rowViews.filter { row in
            guard let metric = row.string("metric"), wanted.contains(metric),
                row.string("table") != "quality-by-position"
            else { return false }
            return row.integer("layer_a") == nil && row.number("relative_difference") != 0
        }
        for row in rows.prefix(Self.mostSchemes) {
            let tensor = row.string("tensor").map { " of \($0)" } ?? ""
            sentences.append(
                "\(row.string("scheme") ?? ""): \(row.string("metric") ?? "")\(tensor) \(text(row.number("value_a")))"
                    + " against \(text(row.number("value_b")))"
            )
        }
        if rows.count > Self.mostSchemes {
            sentences.append("\(rows.count - Self.mostSchemes) more differences are in the table compare-errors")
        }
    }

    /// Tables that no sentence above is about; times are among them, so that they are no difference of numbers.
    mutating func addTables(differing: [String], a: [String], b: [String]) {
        let told = [Comparison.layerTable, Comparison.channelTable, ErrorComparison.errors, "errors"]
        let others = differing.filter {
            !told.contains($0) && !toldTables.contains($0) && ErrorComparison.qualityKeys[$0] == nil
        }
        if !others.isEmpty { sentences.append("tables that also differ: \(others.joined(separator: ", "))") }
        for (names, side) in [(a.filter { !b.contains($0) }, "first"), (b.filter { !a.contains($0) }, "second")]
        where !names.isEmpty {
            sentences.append("tables only in the \(side): \(names.joined(separator: ", "))")
        }
    }

    private mutating func addLargest(of table: Table, _ what: (Table.RowView) -> String) {
        for row in table.rowViews {
            guard let difference = row.number("relative_difference"), difference > largest else { continue }
            note(difference, what(row))
        }
    }

    private func text(_ value: Double?) -> String {
        guard let value else { return "nothing" }
        return String(format: "%.4g", value)
    }
}
