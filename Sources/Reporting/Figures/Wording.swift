import Foundation
import Plotting

/// Names of tensors and metrics as figures and reports print them.
enum Wording {
    /// `key` → `keys`.
    static func plural(_ tensor: String) -> String {
        switch tensor {
        case "key": "keys"
        case "key_pre_rope": "keys before RoPE"
        case "value": "values"
        case "query": "queries"
        case "pair": "keys and values"
        case "key_rotated": "rotated keys"
        case "value_rotated": "rotated values"
        default: tensor.replacingOccurrences(of: "_", with: " ")
        }
    }

    static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    /// `key` → `|K|`.
    static func magnitude(_ tensor: String) -> String {
        switch tensor {
        case "key", "key_pre_rope", "key_rotated": "|K|"
        case "value", "value_rotated": "|V|"
        case "query": "|Q|"
        default: "|x|"
        }
    }

    /// The heads that tensors have: queries have more of them than keys and values.
    static func head(_ tensors: [String]) -> String {
        tensors.allSatisfy { $0 == "query" } ? "query head" : tensors.contains("query") ? "head" : "KV head"
    }

    /// What the values of a metric are, with their unit, beside an axis.
    static func axis(_ metric: String) -> String {
        switch metric {
        case "mse": "Squared error"
        case "sqnr_db": "SQNR (dB)"
        case "attention_sparsity": "Share of entries"
        case "relative_frobenius", "score_relative_frobenius": "Relative norm of the error"
        case "output_error_key", "output_error_value", "output_error_pair", "key_query_weighted_error":
            "Relative norm of the error"
        default: metric.hasSuffix("_db") ? "dB" : metric.contains("error") ? "Relative error" : self.metric(metric)
        }
    }

    /// A metric in words; its id stays the id in tables.
    static func metric(_ id: String) -> String {
        switch id {
        case "mean_absolute_relative_error": "Mean absolute relative error"
        case "relative_frobenius": "Relative Frobenius norm of the error"
        case "mse": "Mean squared error"
        case "sqnr_db": "SQNR (dB)"
        case "score_relative_error": "Relative error of attention scores"
        case "score_relative_frobenius": "Attention scores, relative Frobenius"
        case "key_query_weighted_error": "Error that queries see"
        case "output_error_key": "Attention output error, keys quantized"
        case "output_error_value": "Attention output error, values quantized"
        case "output_error_pair": "Attention output error, both quantized"
        case "output_error_key_elementwise": "Attention output error, keys quantized, element-wise"
        case "output_error_value_elementwise": "Attention output error, values quantized, element-wise"
        case "output_error_pair_elementwise": "Attention output error, both quantized, element-wise"
        case "attention_sparsity": "Attention sparsity"
        default: capitalized(id.replacingOccurrences(of: "_", with: " "))
        }
    }

    /// Title of a panel: the tensor is named where the metric does not.
    static func panel(tensor: String, metric id: String) -> String {
        let isNamed = id.hasPrefix("output_error") || id.hasPrefix("score_")
        return isNamed ? metric(id) : "\(capitalized(plural(tensor))): \(metric(id).lowercasedFirst)"
    }

    /// `80×`, `3.1×`.
    static func times(_ ratio: Double) -> String { NumberText.short(ratio, digits: ratio >= 10 ? 2 : 2) + "×" }

    /// `0–4, 7, 29`.
    static func ranges(_ numbers: [Int]) -> String {
        var parts: [String] = []
        var run: ClosedRange<Int>?
        func text(_ range: ClosedRange<Int>) -> String {
            range.count == 1
                ? "\(range.lowerBound)"
                : range.count == 2
                    ? "\(range.lowerBound), \(range.upperBound)"
                    : "\(range.lowerBound)–\(range.upperBound)"
        }
        for number in numbers.sorted() {
            if let last = run, number <= last.upperBound + 1 {
                run = last.lowerBound...max(number, last.upperBound)
            } else {
                if let run { parts.append(text(run)) }
                run = number...number
            }
        }
        if let run { parts.append(text(run)) }
        return parts.joined(separator: ", ")
    }
}

/// The middle of an unsorted list; the mean of the two middle ones if even; `nan` if empty.
func median(_ values: [Double]) -> Double {
    let sorted = values.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
