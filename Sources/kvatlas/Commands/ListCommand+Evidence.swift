import Capture
import Evaluation
import Foundation
import Quantization
import TensorCore

extension ListCommand {
    /// What an evidence table says of a scheme.
    private struct Evidence: Encodable {
        let id: String
        let keyBits, valueBits: Double
        var errors: [String: Double] = [:]
    }

    private static let metrics: [(tensor: String, metric: String, title: String)] = [
        ("key", "relative_frobenius", "keys"), ("key", "key_query_weighted_error", "keys seen"),
        ("value", "relative_frobenius", "values"), ("key", "score_relative_frobenius", "scores"),
        ("pair", "output_error_pair", "output"),
    ]

    /// Every listed scheme with its errors on the first, middle and last layer of a capture.
    func printEvidence(_ path: String) throws {
        Interruption.install()
        let capture = try CaptureFile(path: path), learnt = try calibration.map { try CalibrationFile.read($0) }
        let hasQueries = capture.tensorsPresent.contains(.query), present = capture.layersPresent
        let hasPreRoPE = capture.tensorsPresent.contains(.keyPreRope)
        let layers = Set([0, present.count / 2, present.count - 1]).filter { present.indices.contains($0) }
            .map { present[$0] }.sorted()
        var leftOut: [String] = []
        let schemes = try SchemeCatalogue.all.map { try CacheScheme(parsing: $0.id) }.filter { scheme in
            // A layer that is predicted from the one before needs all of them.
            let isPossible =
                (!scheme.needsCalibration || learnt != nil) && !scheme.needsAllLayers
                && (scheme.key.ropeSide == .after || hasPreRoPE) && (hasQueries || !scheme.needsSaliency)
            if !isPossible { leftOut.append(scheme.id) }
            return isPossible
        }
        let chosen = Self.metrics.filter { hasQueries || $0.metric == "relative_frobenius" }
        let settings = ErrorStudySettings(
            schemes: schemes,
            metrics: Set(chosen.map { $0.metric }).sorted(),
            layers: layers
        )
        let bar = ProgressBar("errors of \(schemes.count) schemes", isQuiet: quiet)
        let result = try ErrorStudy.run(capture, settings: settings, calibration: learnt, progress: bar.update)
        bar.finish("layers \(layers.map { "\($0)" }.joined(separator: ", "))")
        for warning in result.warnings { Terminal.printError("warning: \(warning)") }
        if !leftOut.isEmpty {
            Terminal.printError(
                "left out: \(leftOut.joined(separator: ", ")); they need --calibration, tensors that the capture lacks, "
                    + "or all layers ('kvatlas error')"
            )
        }
        let evidence = Self.evidence(result)
        if json { return try printJSON(evidence) }
        func text(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "-" }
        try printList(
            evidence,
            header: ["id", "key bits", "value bits"] + chosen.map { $0.title },
            footer: "relative norms of errors (kvatlas list metrics); bits with all metadata, without the window"
        ) { entry in
            [entry.id, String(format: "%.3f", entry.keyBits), String(format: "%.3f", entry.valueBits)]
                + chosen.map { text(entry.errors[$0.title]) }
        }
    }

    /// Means over layers and heads, fewest bits first.
    private static func evidence(_ result: ErrorStudyResult) -> [Evidence] {
        var sums: [String: [String: (sum: Double, count: Double)]] = [:], bits: [String: [String: Double]] = [:]
        for row in result.errors.rowViews {
            guard let scheme = row.string("scheme"), let tensor = row.string("tensor"),
                let metric = row.string("metric"), let value = row.number("value")
            else { continue }
            bits[scheme, default: [:]][tensor] = row.number("bits_asymptotic")
            guard let title = metrics.first(where: { $0.tensor == tensor && $0.metric == metric })?.title else {
                continue
            }
            let old = sums[scheme]?[title] ?? (0, 0)
            sums[scheme, default: [:]][title] = (old.sum + value, old.count + 1)
        }
        let all = result.schemes.map { scheme in
            Evidence(
                id: scheme.id,
                keyBits: bits[scheme.id]?["key"] ?? 0,
                valueBits: bits[scheme.id]?["value"] ?? 0,
                errors: (sums[scheme.id] ?? [:]).mapValues { $0.sum / $0.count }
            )
        }
        return all.sorted { ($0.keyBits + $0.valueBits, $0.id) < ($1.keyBits + $1.valueBits, $1.id) }
    }
}
