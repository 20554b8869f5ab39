import Plotting
import TensorCore

/// Peak memory and tokens a second against the batch, one line a cache, two panels a prompt length.
///
/// The two panels of Figure 5 of Liu et al., KIVI, ICML 2024.
public enum MemoryThroughput: Figure {
    public static let id = "memory-throughput"
    public static let summary = "peak memory and tokens a second against the batch, one line a cache (KIVI, Figure 5)"
    public static let tables = ["decode"]
    public static let parameters: [FigureParameter] = [.scheme]

    private struct Row {
        let cache: String
        let batch: Double
        let prompt: Int
        let gigabytes: Double
        let tokensPerSecond: Double
        let weights: String
    }

    public static func plot(_ input: FigureInput) throws -> Plot {
        let rows = try read(input)
        let caches = unique(rows.map { $0.cache })
        let chosen = try input.chosen("scheme", input.selection.schemes, present: caches, default: caches)
        let prompts = Set(rows.map { $0.prompt }).sorted()
        let panels = try prompts.flatMap { prompt in
            let own = rows.filter { $0.prompt == prompt && chosen.contains($0.cache) }
            let length = NumberText.short(Double(prompt), digits: 7)
            return [
                try panel("Memory, \(length) tokens", "Weights and cache", "GB", own, chosen) { $0.gigabytes },
                try panel("Speed, \(length) tokens", "Generated", "tokens/s", own, chosen) { $0.tokensPerSecond },
            ]
        }
        let weights = unique(rows.map { $0.weights }).filter { $0 != "real" }
        var notes = weights.isEmpty ? [] : ["Weights: \(weights.joined(separator: ", "))."]
        let leftOut = try input.table(tables[0], columns: []).rows.count - rows.count
        if leftOut > 0 {
            let batches = leftOut == 1 ? "batch without times is" : "batches without times are"
            notes.append("\(leftOut) \(batches) left out: beyond the memory budget.")
        }
        return try Plot(
            title: title(rows),
            subtitle:
                "Memory at its peak and tokens a second of a batch, by cache; prompts of the length that a panel names",
            caption: input.caption(notes),
            columns: 2,
            panels: panels
        )
    }

    private static func read(_ input: FigureInput) throws -> [Row] {
        let columns = ["cache", "batch", "prompt_tokens", "tokens_per_second", "peak_bytes", "weights"]
        let table = try input.table(tables[0], columns: columns)
        let rows: [Row] = table.rowViews.compactMap { row in
            guard let cache = row.string("cache"), let batch = row.number("batch"),
                let prompt = row.integer("prompt_tokens"), let speed = row.number("tokens_per_second"),
                let bytes = row.number("peak_bytes"), let weights = row.string("weights")
            else { return nil }
            return Row(
                cache: cache,
                batch: batch,
                prompt: prompt,
                gigabytes: bytes / 1e9,
                tokensPerSecond: speed,
                weights: weights
            )
        }
        guard !rows.isEmpty else {
            throw ReportingError.emptyTable(figure: id, table: tables[0], reason: "it has no complete row")
        }
        return rows
    }

    private static func panel(
        _ title: String,
        _ what: String,
        _ unit: String,
        _ rows: [Row],
        _ caches: [String],
        _ value: (Row) -> Double
    ) throws -> Panel {
        let marks: [any Mark] = try caches.compactMap { cache in
            let line = rows.filter { $0.cache == cache }.sorted { $0.batch < $1.batch }
            guard !line.isEmpty else { return nil }
            return try LineMark(x: line.map { $0.batch }, y: line.map { value($0) }, series: cache, showsPoints: true)
        }
        return try Panel(
            title: title,
            x: Axis("Batch", unit: "sequences", includesZero: true, integersOnly: true, showsGrid: false),
            y: Axis(what, unit: unit, includesZero: true),
            marks: marks,
            height: 236
        )
    }

    /// The largest gain over a float16 cache, where there is one.
    private static func title(_ rows: [Row]) -> String {
        var best: (gain: Double, row: Row)?
        for row in rows where row.cache != "full-f16" {
            let rival = rows.first { $0.cache == "full-f16" && $0.batch == row.batch && $0.prompt == row.prompt }
            guard let rival, rival.tokensPerSecond > 0 else { continue }
            let gain = row.tokensPerSecond / rival.tokensPerSecond
            if gain > best?.gain ?? 1 { best = (gain, row) }
        }
        guard let best else { return "Memory and speed of generation, by cache" }
        return "\(best.row.cache) generates \(Wording.times(best.gain)) as fast as a float16 cache at "
            + "\(NumberText.short(Double(best.row.prompt), digits: 7)) tokens, batch \(Int(best.row.batch))"
    }
}
