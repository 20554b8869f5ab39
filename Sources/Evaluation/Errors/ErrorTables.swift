import Quantization
import TensorCore

/// The tables `errors` and `errors-by-layer`.
enum ErrorTables {
    /// Every query attends to the cache as it is after the whole text.
    private static let prefillMode = "in-place"

    static let errorColumns: [Table.Column] = [
        .init("layer", .integer, "layer, from 0"),
        .init("head", .integer, "key/value head, from 0"),
        .init("tensor", .string, "what was quantized: key, value or pair (both)"),
        .init("scheme", .string, "cache scheme id; identity is the zero control"),
        .init("metric", .string, "metric id; 'kvatlas list metrics' prints definitions and units"),
        .init(
            "value",
            .number,
            "the metric; mean over the query heads of the kv head, inf for the SQNR of an exact copy"
        ),
        .init("key_axis", .string, "what shares a scale of keys: per-token, per-channel or none"),
        .init("value_axis", .string, "what shares a scale of values: per-token, per-channel or none"),
        .init("bits", .number, unit: "bit", "bits of one code, metadata not counted; mean of both sides for a pair"),
        .init(
            "group_size",
            .integer,
            unit: "element",
            "elements that share a scale, no more than the axis has: 64 for g128 per token on heads of 64 channels; "
                + "missing if there is no scale, or sides or sequences differ"
        ),
        .init("key_rope", .string, "whether keys are stored before RoPE (pre-rope) or after it (post-rope)"),
        .init("scale_type", .string, "how scales are stored, of keys and values if they differ; none without any"),
        .init("calibration", .string, "texts that the scheme has learnt from; none if it learns nothing"),
        .init("window", .string, "tokens kept in float16, in the words of a scheme term; none if all are quantized"),
        .init("prefill_mode", .string, "in-place: every query attends to the cache as it is after the whole text"),
        .init("bits_asymptotic", .number, unit: "bit", "8 x packed bytes / elements, codes and metadata, no window"),
        .init(
            "bits_at_length",
            .number,
            unit: "bit",
            "8 x bytes / elements with the window's float16 tokens, at this length"
        ),
        .init("tokens", .integer, unit: "token", "tokens of all sequences"),
    ]

    static func errors(
        _ collector: ErrorCollector,
        settings: ErrorStudySettings,
        _ calibration: CalibrationSet?
    ) -> Table {
        var table = Table(
            name: "errors",
            meaning:
                "What one cache scheme did to one head of one layer, by one metric; attention metrics over at most "
                + "\(settings.maximumQueries) query positions of a sequence, evenly spaced.",
            columns: errorColumns
        )
        for (layerPlace, layer) in collector.layers.enumerated() {
            for (place, scheme) in collector.plan.schemes.enumerated() {
                let suffix = QuantizedPart.allCases.map { part in
                    description(of: scheme, part: part, collector, calibration)
                        + bits(collector.bits(layer: layerPlace, scheme: place, part: part))
                        + [.integer(collector.tokens)]
                }
                for (number, series) in collector.series.enumerated() {
                    for head in 0..<collector.kvHeads {
                        guard let value = collector.value(layer: layerPlace, scheme: place, series: number, head: head)
                        else { continue }
                        table.append(
                            [
                                .integer(layer), .integer(head), .string(series.part.rawValue), .string(scheme.id),
                                .string(series.metric.id), .number(value),
                            ] + suffix[series.part.place]
                        )
                    }
                }
            }
        }
        return table
    }

    static func byLayer(_ collector: ErrorCollector) -> Table {
        var table = Table(
            name: "errors-by-layer",
            meaning: "What one cache scheme did to one layer, by one metric: the mean over its key/value heads.",
            columns: [
                .init("layer", .integer, "layer, from 0"),
                .init("tensor", .string, "what was quantized: key, value or pair (both)"),
                .init("scheme", .string, "cache scheme id; identity is the zero control"),
                .init("metric", .string, "metric id"),
                .init("value", .number, "mean of the metric over key/value heads"),
            ]
        )
        for (layerPlace, layer) in collector.layers.enumerated() {
            for (place, scheme) in collector.plan.schemes.enumerated() {
                for (number, series) in collector.series.enumerated() {
                    guard let value = collector.meanOverHeads(layer: layerPlace, scheme: place, series: number) else {
                        continue
                    }
                    table.append([
                        .integer(layer), .string(series.part.rawValue), .string(scheme.id), .string(series.metric.id),
                        .number(value),
                    ])
                }
            }
        }
        return table
    }

    /// From `key_axis` to `prefill_mode`.
    private static func description(
        of scheme: CacheScheme,
        part: QuantizedPart,
        _ collector: ErrorCollector,
        _ calibration: CalibrationSet?
    ) -> [Table.Value] {
        func axis(_ scheme: any TensorScheme) -> Table.Value { .string(scheme.scaleSharing?.rawValue ?? "none") }
        let sides: [CacheSide] =
            switch part {
            case .key: [.key]
            case .value: [.value]
            case .pair: [.key, .value]
            }
        let groupSizes = Set(sides.map { collector.effectiveGroupSize(of: scheme, side: $0) })
        var groupSize = Table.Value.missing
        if groupSizes.count == 1, case .some(.some(let count)) = groupSizes.first { groupSize = .integer(count) }
        return [
            axis(scheme.key), axis(scheme.value),
            .number(sides.reduce(0) { $0 + scheme.scheme(for: $1).bits } / Double(sides.count)), groupSize,
            .string(scheme.key.ropeSide.rawValue), .string(scaleType(scheme, sides)),
            .string(
                sides.contains { scheme.scheme(for: $0).calibration == .required }
                    ? calibration?.origin.texts.joined(separator: "; ") ?? "none" : "none"
            ), .string(scheme.window == .none ? "none" : scheme.window.term), .string(prefillMode),
        ]
    }

    private static func scaleType(_ scheme: CacheScheme, _ sides: [CacheSide]) -> String {
        let types = sides.map { scheme.scheme(for: $0).scaleType }
        return Set(types).count == 1 ? types[0] : types.joined(separator: "/")
    }

    private static func bits(_ stored: StoredBits) -> [Table.Value] {
        [.number(stored.bitsAsymptotic), .number(stored.bitsAtLength)]
    }
}

extension QuantizedPart {
    fileprivate var place: Int {
        switch self {
        case .key: 0
        case .value: 1
        case .pair: 2
        }
    }
}
