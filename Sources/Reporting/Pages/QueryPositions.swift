import Plotting
import TensorCore

/// How many query positions attention errors were measured at, in words.
enum QueryPositions {
    /// From `max_queries` and `query_stride` of the manifest; `nil` where a run has no attention errors or
    /// no manifest that says.
    static func sentence(_ content: ReportContent) -> String? {
        guard let manifest = content.manifest, hasAttentionErrors(content.tables),
            let queries = number("max_queries", in: manifest)
        else { return nil }
        var sentence =
            "Errors of attention scores and outputs are measured at up to \(NumberText.short(Double(queries), digits: 7)) "
            + "query positions of each sequence, evenly spaced, the last included"
        if let stride = number("query_stride", in: manifest), stride > 1 {
            sentence += ", at least \(stride) tokens apart"
        }
        return sentence + "; errors of keys and values at every token."
    }

    private static func hasAttentionErrors(_ tables: [String: Table]) -> Bool {
        for name in ["errors-by-layer", "per-token-vs-per-channel", "errors"] {
            guard let table = tables[name], table.index(of: "metric") != nil else { continue }
            return table.rowViews.contains {
                let metric = $0.string("metric") ?? ""
                return metric.hasPrefix("score_") || metric.hasPrefix("output_error")
            }
        }
        return false
    }

    /// The number of a line `key: 256` of YAML.
    private static func number(_ key: String, in manifest: String) -> Int? {
        for line in manifest.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map { part in
                part.drop { $0 == " " }.prefix { $0 != " " && $0 != "#" && $0 != "\r" }
            }
            if parts.count == 2, parts[0] == key { return Int(parts[1]) }
        }
        return nil
    }
}
