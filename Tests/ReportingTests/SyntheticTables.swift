import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Seeded tables shaped like those of a real run, in two flavours: a model
/// without outlier channels and one with channels 80 times the median.
struct SyntheticTables {
    let layers: Int
    let heads: Int
    let channels: Int
    let hasOutliers: Bool
    let seed: UInt64

    /// Shaped like SmolLM2-135M.
    static let plain = SyntheticTables(layers: 30, heads: 3, channels: 64, hasOutliers: false, seed: 1)
    /// Shaped like Qwen2.5-Coder 0.5B.
    static let outliers = SyntheticTables(layers: 24, heads: 2, channels: 64, hasOutliers: true, seed: 2)

    var all: [String: Table] {
        Dictionary(
            uniqueKeysWithValues: [
                magnitude, statisticsChannel, errorsByLayer, perTokenVersusPerChannel, paperTable2, outlierChannels,
            ].map { ($0.name, $0) }
        )
    }

    /// How much wider than the others a key channel is.
    private func gain(layer: Int, head: Int, channel: Int) -> Double {
        guard hasOutliers else { return 1 + 0.9 * Double((channel * 7 + head * 3 + layer) % 11) / 10 }
        let strength = layer == 17 ? 1.0 : layer == 0 ? 0.6 : 0.15 + 0.3 * Double(layer % 5) / 5
        switch (head, channel) {
        case (0, 34): return 80 * strength
        case (0, 2): return 31 * strength
        case (1, 50): return 47 * strength
        case (1, 51): return 22 * strength
        case (1, 18): return 14 * strength
        default: return 1 + 0.6 * Double((channel * 5 + layer) % 7) / 6
        }
    }

    var magnitude: Table {
        var table = Table(
            name: "magnitude",
            meaning: "Largest |x| of one channel over a bin of tokens.",
            columns: [
                Table.Column("layer", .integer, "Layer."), Table.Column("tensor", .string, "key or value."),
                Table.Column("head", .integer, "KV head."),
                Table.Column("token_first", .integer, "First token of the bin."),
                Table.Column("token_last", .integer, "Last token of the bin."),
                Table.Column("channel", .integer, "Channel."),
                Table.Column("absolute_maximum", .number, "Largest |x|."),
            ]
        )
        var random = SeededGenerator(seed: seed)
        let (bins, tokensPerBin) = (32, 64)
        for layer in [0, hasOutliers ? 17 : layers / 2, layers - 1] {
            for tensor in ["key", "value"] {
                for head in 0..<min(heads, 2) {
                    for bin in 0..<bins {
                        for channel in 0..<channels {
                            let noise = 1 + 0.45 * abs(random.nextGaussian())
                            var value = 1.6 * noise
                            if tensor == "key" {
                                value *= gain(layer: layer, head: head, channel: channel)
                                if hasOutliers, channel == 2 || channel == 18 {
                                    value *= 0.35 + 0.65 * abs(cos(Double(bin) * 0.21 + Double(channel)))
                                }
                            } else {
                                value *= bin == 0 ? 0.3 : 0.7 + 0.5 * Double((bin * 13) % 17) / 16
                            }
                            table.append([
                                .integer(layer), .string(tensor), .integer(head), .integer(bin * tokensPerBin),
                                .integer((bin + 1) * tokensPerBin - 1), .integer(channel), .number(value),
                            ])
                        }
                    }
                }
            }
        }
        return table
    }

    var statisticsChannel: Table {
        var table = Table(
            name: "statistics-channel",
            meaning: "Statistics of one channel of one head over all tokens.",
            columns: [
                Table.Column("layer", .integer, "Layer."), Table.Column("tensor", .string, "Tensor."),
                Table.Column("head", .integer, "KV head."), Table.Column("channel", .integer, "Channel."),
                Table.Column("count", .integer, unit: "element", "Elements seen."),
                Table.Column("absolute_maximum", .number, "Largest |x|."),
                Table.Column("mean_absolute", .number, "Mean |x|."),
            ]
        )
        // Where table `magnitude` shows a channel, both tables know its same greatest magnitude.
        var shown: [String: Double] = [:]
        for row in magnitude.rowViews {
            let place = ["layer", "head", "channel"].map { "\(row.integer($0) ?? -1)" } + [row.string("tensor") ?? ""]
            let name = place.joined(separator: " ")
            shown[name] = max(shown[name] ?? 0, row.number("absolute_maximum") ?? 0)
        }
        var random = SeededGenerator(seed: seed &+ 10)
        for layer in 0..<layers {
            for tensor in ["key", "key_pre_rope", "value"] {
                for head in 0..<heads {
                    for channel in 0..<channels {
                        let gain = tensor == "value" ? 1 : self.gain(layer: layer, head: head, channel: channel)
                        let mean = gain * (0.55 + 0.12 * random.nextUniform()) * (tensor == "key" ? 0.9 : 1)
                        let peak = mean * (hasOutliers && gain > 5 ? 1.5 : 3.2 + 1.5 * random.nextUniform())
                        table.append([
                            .integer(layer), .string(tensor), .integer(head), .integer(channel), .integer(2048),
                            .number(shown["\(layer) \(head) \(channel) \(tensor)"] ?? peak), .number(mean),
                        ])
                    }
                }
            }
        }
        return table
    }

    static let schemes = [
        "identity", "rtn-int2-token-g32", "rtn-int2-channel-g32", "rtn-int4-token-g32", "rtn-int4-channel-g32",
        "rtn-int2-channel-g32/rtn-int2-token-g32+window=128+sink=4", "kivi-2-g32-r128", "kivi-4-g32-r128",
    ]

    var errorsByLayer: Table {
        var table = Table(
            name: "errors-by-layer",
            meaning: "Error of one scheme in one layer, mean over KV heads.",
            columns: [
                Table.Column("layer", .integer, "Layer."), Table.Column("tensor", .string, "Tensor."),
                Table.Column("scheme", .string, "Cache scheme."), Table.Column("metric", .string, "Metric id."),
                Table.Column("value", .number, "Mean over KV heads."),
            ]
        )
        var random = SeededGenerator(seed: seed &+ 20)
        let metrics = [
            ("key", "mean_absolute_relative_error", 1.0), ("key", "score_relative_error", 0.4),
            ("value", "output_error_value", 0.3), ("pair", "output_error_pair", 0.5), ("key", "sqnr_db", 1),
        ]
        for (tensor, metric, base) in metrics {
            for (index, scheme) in Self.schemes.enumerated() {
                for layer in 0..<layers {
                    let bits = scheme.contains("4") && !scheme.contains("int2") ? 0.2 : 1.0
                    let direction = scheme.contains("token-g32") && !scheme.contains("/") ? 2.6 : 1.0
                    let drift = 1 + 0.5 * sin(Double(layer) * 0.4 + Double(index))
                    let error = base * bits * direction * drift * (0.9 + 0.2 * random.nextUniform())
                    let value = metric == "sqnr_db" ? 20 - 12 * error : error
                    table.append([
                        .integer(layer), .string(tensor), .string(scheme), .string(metric),
                        .number(index == 0 ? (metric == "sqnr_db" ? .infinity : 0) : value),
                    ])
                }
            }
        }
        return table
    }

    var perTokenVersusPerChannel: Table {
        var table = Table(
            name: "per-token-vs-per-channel",
            meaning: "Error per token against per channel in one layer.",
            columns: [
                Table.Column("layer", .integer, "Layer."), Table.Column("tensor", .string, "Tensor."),
                Table.Column("metric", .string, "Metric id."),
                Table.Column("bits", .integer, unit: "bit", "Code width."),
                Table.Column("group_size", .integer, "Elements that share a scale."),
                Table.Column("per_token", .number, "Error with groups of channels of one token."),
                Table.Column("per_channel", .number, "Error with groups of tokens of one channel."),
                Table.Column("ratio", .number, "per_token / per_channel."),
            ]
        )
        var random = SeededGenerator(seed: seed &+ 30)
        for bits in [4, 2] {
            for (tensor, metric) in [
                ("key", "mean_absolute_relative_error"), ("key", "score_relative_error"),
                ("value", "mean_absolute_relative_error"), ("value", "output_error_value"),
            ] {
                for layer in 0..<layers {
                    let wave = 1 + 0.4 * sin(Double(layer) * 0.5)
                    let scale = bits == 2 ? 4.0 : 0.8
                    let channel = scale * wave * (0.9 + 0.2 * random.nextUniform())
                    // The plain model's keys favour per channel in all layers but the first four.
                    let keyGain = hasOutliers ? 3.2 : layer < 4 ? 0.85 : 1.25
                    let token = channel * (tensor == "key" ? keyGain : metric == "output_error_value" ? 0.2 : 1.05)
                    table.append([
                        .integer(layer), .string(tensor), .string(metric), .integer(bits), .integer(32),
                        .number(token), .number(channel), .number(token / channel),
                    ])
                }
            }
        }
        return table
    }

    var paperTable2: Table {
        var table = Table(
            name: "paper-table-2",
            meaning: "KIVI's Table 2 beside this run.",
            columns: [
                Table.Column("metric", .string, "Metric id."), Table.Column("quantity", .string, "K, A, V or AV."),
                Table.Column("reading", .string, "Element-wise mean or relative norm."),
                Table.Column("per_token", .number, "Ours."), Table.Column("per_channel", .number, "Ours."),
                Table.Column("ratio", .number, "per_token / per_channel, ours."),
                Table.Column("paper_per_token", .number, "The paper's."),
                Table.Column("paper_per_channel", .number, "The paper's."),
                Table.Column("paper_ratio", .number, "per_token / per_channel, the paper's."),
                Table.Column("bits", .integer, unit: "bit", "Code width."),
                Table.Column("group_size", .integer, unit: "element", "Elements that share a scale."),
                Table.Column("same_direction", .string, "Whether the ratios lie on one side of 1."),
                Table.Column("layers_same_direction", .integer, unit: "layer", "Layers whose own ratio does."),
                Table.Column("layers", .integer, unit: "layer", "Layers with a ratio."),
            ]
        )
        let pairs = perTokenVersusPerChannel.rowViews.filter { $0.integer("bits") == 2 }
        for (quantity, tensor, metric, paperToken, paperChannel) in [
            ("K", "key", "mean_absolute_relative_error", 13.67, 4.55),
            ("A", "key", "score_relative_error", 47.00, 9.60),
            ("V", "value", "mean_absolute_relative_error", 4.57, 3.73),
            ("AV", "value", "output_error_value", 3.55, 49.89),
        ] {
            let rows = pairs.filter { $0.string("tensor") == tensor && $0.string("metric") == metric }
            func mean(_ column: String) -> Double {
                rows.compactMap { $0.number(column) }.reduce(0, +) / Double(rows.count)
            }
            let (token, channel) = (mean("per_token"), mean("per_channel"))
            let agreeing = rows.filter { (($0.number("ratio") ?? 1) > 1) == (paperToken > paperChannel) }
            table.append([
                .string(metric), .string(quantity), .string("element-wise mean"), .number(token), .number(channel),
                .number(token / channel), .number(paperToken), .number(paperChannel),
                .number(paperToken / paperChannel),
                .integer(2), .integer(32), .string((token > channel) == (paperToken > paperChannel) ? "yes" : "no"),
                .integer(agreeing.count), .integer(rows.count),
            ])
        }
        table.append(
            [.string("attention_sparsity"), .string("A"), .string("share of entries"), .number(0.61), .number(0.61)]
                + [.missing, .number(0.843), .number(0.843)] + [Table.Value](repeating: .missing, count: 6)
        )
        return table
    }

    var outlierChannels: Table {
        var table = Table(
            name: "outlier-channels",
            meaning: "The widest channels of each layer.",
            columns: [
                Table.Column("layer", .integer, "Layer."), Table.Column("tensor", .string, "Tensor."),
                Table.Column("head", .integer, "KV head."), Table.Column("channel", .integer, "Channel."),
                Table.Column("absolute_maximum", .number, "Largest |x|."),
                Table.Column("ratio_to_median", .number, "Against the median channel of the layer."),
                Table.Column("rank", .integer, "1 is the widest."),
            ]
        )
        for layer in 0..<layers {
            let widest = (0..<heads).flatMap { head in
                (0..<channels).map { (head: head, channel: $0, gain: gain(layer: layer, head: head, channel: $0)) }
            }.sorted { $0.gain > $1.gain }.prefix(4)
            for (rank, entry) in widest.enumerated() {
                table.append([
                    .integer(layer), .string("key"), .integer(entry.head), .integer(entry.channel),
                    .number(entry.gain * 2.4), .number(entry.gain), .integer(rank + 1),
                ])
            }
        }
        return table
    }
}
