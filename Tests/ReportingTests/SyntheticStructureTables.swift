import TensorCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Tables of the structure study, of the statistics of heads and of live models, for the same two synthetic models.
extension SyntheticTables {
    /// Every table that a figure can be drawn from.
    var everything: [String: Table] {
        let more = [
            distributionQuantiles, statisticsHead, outlierDefinitions, outlierStability, transformEffects,
            attentionSinks, attentionProfile, spectrum, spectrumSummary, locality, crossLayer, codeEntropy, quality,
            qualityByPosition,
            errors, decode,
        ]
        return all.merging(more.map { ($0.name, $0) }) { first, _ in first }
    }

    static func table(_ name: String, _ columns: String) -> Table {
        let integers: Set<String> = [
            "layer", "head", "channel", "component", "token", "position", "outliers_a", "outliers_b", "tokens_a",
            "tokens_b", "bits",
            "from_layer", "channel_count", "first_position", "end_position", "non_finite_tokens", "batch",
            "prompt_tokens", "peak_bytes",
        ]
        let strings: Set<String> = [
            "tensor", "definition", "rule", "kind", "part_a", "part_b", "transform", "piece", "is_sink", "scheme",
            "metric", "window", "cache", "weights",
        ]
        return Table(
            name: name,
            meaning: "Synthetic \(name).",
            columns: columns.split(separator: " ").map { column in
                let name = String(column)
                let kind: Table.Kind = integers.contains(name) ? .integer : strings.contains(name) ? .string : .number
                return Table.Column(name, kind, "Synthetic \(name).")
            }
        )
    }

    /// Standard normal distribution function.
    private static func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    private static func inverse(_ probability: Double, _ share: (Double) -> Double) -> Double {
        var (low, high) = (-1e4, 1e4)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if share(middle) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// 61 probabilities: 1/35 … 34/35 but for those that are powers of two, and the tails down to 2⁻¹⁴.
    static let probabilities: [Double] = {
        var found: Set<Double> = []
        for power in 1...14 {
            let tail = 1 / Double(1 << power)
            found.formUnion([tail, 1 - tail])
        }
        for step in 1...34 { found.insert(Double(step) / 35) }
        return found.sorted()
    }()

    /// Width and share of the wide part of a tensor's elements: a mixture of two Gaussians.
    private func mixture(_ tensor: String, _ layer: Int) -> (deviation: Double, wide: Double, share: Double) {
        let deviation = 1.4 + 0.3 * sin(Double(layer) * 0.6)
        guard tensor != "value", hasOutliers else { return (deviation, 1.3 * deviation, 0.2) }
        let ropeless = tensor == "key_pre_rope" ? 0.9 : 1
        return (deviation, deviation * ropeless * (layer == 17 ? 42 : 6 + Double(layer % 5)), 0.03)
    }

    var distributionQuantiles: Table {
        var table = Self.table(
            "distribution-quantiles",
            "layer tensor probability value standard_normal sample_mean sample_standard_deviation"
        )
        for layer in 0..<layers {
            for tensor in ["key_pre_rope", "key", "value"] {
                let scale = tensor == "key_pre_rope" ? 0.8 : 1
                let (deviation, wide, share) = mixture(tensor, layer)
                let mean = tensor == "value" ? 0 : 0.2
                let total = ((1 - share) * deviation * deviation + share * wide * wide).squareRoot()
                for probability in Self.probabilities {
                    let value = Self.inverse(probability) { x in
                        (1 - share) * Self.normal((x - mean) / deviation) + share * Self.normal((x - mean) / wide)
                    }
                    table.append([
                        .integer(layer), .string(tensor), .number(probability), .number(scale * value),
                        .number(Self.inverse(probability, Self.normal)), .number(scale * mean),
                        .number(scale * total),
                    ])
                }
            }
        }
        return table
    }

    var statisticsHead: Table {
        var table = Self.table(
            "statistics-head",
            "layer tensor head absolute_maximum excess_kurtosis range_to_median_channel"
        )
        var random = SeededGenerator(seed: seed &+ 40)
        for layer in 0..<layers {
            for tensor in ["key", "key_pre_rope", "value"] {
                for head in 0..<heads {
                    let isWide = hasOutliers && tensor != "value"
                    let ratio =
                        isWide ? (layer == 17 ? 59.3 : 4 + 9 * random.nextUniform()) : 1.5 + random.nextUniform()
                    table.append([
                        .integer(layer), .string(tensor), .integer(head), .number(ratio * 1.6),
                        .number(isWide ? 3 * ratio : random.nextUniform() - 0.3), .number(ratio),
                    ])
                }
            }
        }
        return table
    }

    static let definitions: [(id: String, rule: String, share: Double)] = [
        ("percentile-99", "Magnitude above the 99th percentile of the tensor's magnitudes.", 0.01),
        ("3-sigma", "More than 3 standard deviations from the mean.", 0.006),
        ("6-sigma", "More than 6 standard deviations from the mean.", 0.0004),
        ("5x-median-channel", "In a channel whose largest |x| is 5 times the median channel's or more.", 0.02),
        ("llm-int8", "|x| of 6 or more in at least 6 % of tokens.", 0.03),
        ("massive-activations", "|x| of 100 or more and 1,000 times the median magnitude.", 0),
    ]

    var outlierDefinitions: Table {
        var table = Self.table(
            "outlier-definitions",
            "layer tensor definition rule threshold element_share channel_count channel_share token_share"
        )
        var random = SeededGenerator(seed: seed &+ 50)
        for layer in 0..<layers {
            for tensor in ["key_pre_rope", "key", "value"] {
                for (id, rule, share) in Self.definitions {
                    let own = hasOutliers && tensor != "value" ? share : id == "percentile-99" ? share : share / 60
                    let elements = own * (0.4 + random.nextUniform())
                    let channels = own == 0 ? 0 : Int((Double(heads * 64) * min(1, own * 6)).rounded())
                    table.append([
                        .integer(layer), .string(tensor), .string(id), .string(rule), .number(6), .number(elements),
                        .integer(channels), .number(Double(channels) / Double(heads * 64)),
                        .number(min(1, elements * 40)),
                    ])
                }
            }
        }
        return table
    }

    var outlierStability: Table {
        var table = Self.table(
            "outlier-stability",
            "layer tensor kind part_a part_b tokens_a tokens_b spearman outliers_a outliers_b jaccard"
        )
        var random = SeededGenerator(seed: seed &+ 60)
        let texts = ["prose-english", "code-python", "prose-german", "wikitext-2-test-with-a-long-name"]
        let blocks = ["tokens 0–511", "tokens 512–1023"]
        for layer in 0..<layers {
            for tensor in ["key_pre_rope", "key", "value"] {
                for (kind, parts) in [("block", blocks), ("sequence", texts)] {
                    for (index, second) in parts.enumerated() {
                        for first in parts[..<index] {
                            let isSteady = hasOutliers && tensor != "value"
                            let jaccard = isSteady ? 0.85 + 0.15 * random.nextUniform() : 0.5 * random.nextUniform()
                            // Values have outlier channels in some layers only.
                            let count = tensor == "value" && layer % 3 > 0 ? 0 : hasOutliers ? 8 : 1
                            table.append([
                                .integer(layer), .string(tensor), .string(kind), .string(first), .string(second),
                                .integer(512), .integer(512),
                                .number(isSteady ? 0.93 + 0.06 * random.nextUniform() : random.nextUniform() - 0.1),
                                .integer(count), .integer(count), count > 0 ? .number(jaccard) : .missing,
                            ])
                        }
                    }
                }
            }
            let turned = hasOutliers ? 0.6 + 0.2 * random.nextUniform() : 0.1
            table.append([
                .integer(layer), .string("key"), .string("rope"), .string("key_pre_rope"), .string("key"),
                .integer(2048), .integer(2048), .number(turned), .integer(7), .integer(8), .number(0.8 * turned),
            ])
        }
        return table
    }

    var transformEffects: Table {
        var table = Self.table(
            "transform-effects",
            "layer tensor transform excess_kurtosis absolute_maximum range_to_median_channel outlier_channels_5x"
                + " ks_distance tail_mass_9973"
        )
        var random = SeededGenerator(seed: seed &+ 70)
        for layer in 0..<layers {
            for tensor in ["key_pre_rope", "key", "value"] {
                for transform in ["none", "hadamard"] {
                    let isWide = hasOutliers && tensor != "value" && transform == "none"
                    let ratio = isWide ? 6 + (layer == 17 ? 60 : 9 * random.nextUniform()) : 1.5 + random.nextUniform()
                    table.append([
                        .integer(layer), .string(tensor), .string(transform),
                        .number(isWide ? 4 * ratio : random.nextUniform() - 0.4), .number(ratio * 1.5), .number(ratio),
                        .number(isWide ? 4 : 0), .number(isWide ? 0.2 + 0.1 * random.nextUniform() : 0.02),
                        .number(0.004),
                    ])
                }
            }
        }
        return table
    }

    var attentionSinks: Table {
        var table = Self.table(
            "attention-sinks",
            "layer token position piece attention_share head_share key_norm value_norm key_norm_to_median"
                + " value_norm_to_median is_sink"
        )
        var random = SeededGenerator(seed: seed &+ 80)
        let pieces = [
            "<|im_start|>", " the", "\n", ".", " <&>", "\tindent", "", "a very long piece indeed", ",", " of", "我",
            "日本",
            "\n\n", " and", "0", "#",
        ]
        for layer in 0..<layers {
            for (token, piece) in pieces.enumerated() {
                let isSink = hasOutliers && token == 0
                let share = (isSink ? 0.4 + 0.3 * random.nextUniform() : 0.004 + 0.02 * random.nextUniform())
                let place = token < 4 ? token : token * 31
                table.append([
                    .integer(layer), .integer(place), .integer(place), .string(piece), .number(share),
                    .number(share / 2), .number(isSink ? 4 : 20), .number(isSink ? 0.4 : 3),
                    .number((isSink ? 0.2 : 1) * (0.9 + 0.2 * random.nextUniform())),
                    .number((isSink ? 0.06 : 1) * (0.9 + 0.2 * random.nextUniform())), .string(isSink ? "yes" : "no"),
                ])
            }
        }
        return table
    }

    var attentionProfile: Table {
        var table = Self.table(
            "attention-profile",
            "layer head entropy sparsity first_4_share recent_64_share tokens_for_90"
        )
        var random = SeededGenerator(seed: seed &+ 90)
        for layer in 0..<layers {
            for head in 0..<heads * 3 {
                let first = hasOutliers ? 0.3 + 0.5 * random.nextUniform() : 0.05 * random.nextUniform()
                table.append([
                    .integer(layer), .integer(head), .number(1 + 4 * random.nextUniform()),
                    .number(random.nextUniform()), .number(first), .number((1 - first) * random.nextUniform()),
                    .number(0.02 + 0.3 * random.nextUniform()),
                ])
            }
        }
        return table
    }

    var spectrum: Table {
        var table = Self.table(
            "spectrum",
            "layer tensor head component singular_value energy_share_cumulative"
        )
        for layer in 0..<layers {
            for (place, tensor) in ["key_pre_rope", "key", "value"].enumerated() {
                for head in 0..<heads {
                    let rate = (hasOutliers ? 0.16 : 0.008) / Double(place + 1) * (1 + 0.3 * sin(Double(layer + head)))
                    let values = (0..<channels).map { 300 * exp(-rate * Double($0)) }
                    let total = values.reduce(0) { $0 + $1 * $1 }
                    var sum = 0.0
                    for (component, value) in values.enumerated() {
                        sum += value * value
                        table.append([
                            .integer(layer), .string(tensor), .integer(head), .integer(component + 1), .number(value),
                            .number(sum / total),
                        ])
                    }
                }
            }
        }
        return table
    }

    var spectrumSummary: Table {
        var table = Self.table(
            "spectrum-summary",
            "layer tensor head effective_rank stable_rank components_90 components_99"
        )
        for layer in 0..<layers {
            for (place, tensor) in ["key_pre_rope", "key", "value"].enumerated() {
                for head in 0..<heads {
                    let rank = (hasOutliers ? 9 : 40) + 5 * Double(place) + 2 * sin(Double(layer + head))
                    table.append([
                        .integer(layer), .string(tensor), .integer(head), .number(rank), .number(rank / 2),
                        .number(rank), .number(2 * rank),
                    ])
                }
            }
        }
        return table
    }

    var locality: Table {
        var table = Self.table(
            "locality",
            "layer tensor head neighbour_cosine_centred neighbour_cosine delta_variance_ratio"
        )
        var random = SeededGenerator(seed: seed &+ 100)
        for layer in 0..<layers {
            for (tensor, cosine) in [("key_pre_rope", 0.8), ("key", hasOutliers ? 0.7 : 0.3), ("value", 0.25)] {
                for head in 0..<heads {
                    let own = cosine + 0.15 * (random.nextUniform() - 0.5)
                    table.append([
                        .integer(layer), .string(tensor), .integer(head), .number(own), .number((1 + own) / 2),
                        .number(2 - 2 * own),
                    ])
                }
            }
        }
        return table
    }

    var crossLayer: Table {
        var table = Self.table(
            "cross-layer",
            "layer tensor from_layer unexplained_variance delta_variance_ratio"
        )
        for layer in 1..<layers {
            for (tensor, error) in [("key_pre_rope", 0.45), ("key", 0.5), ("value", 0.8)] {
                table.append([
                    .integer(layer), .string(tensor), .integer(layer - 1),
                    .number(error + 0.1 * sin(Double(layer))), .number(1.3),
                ])
            }
        }
        return table
    }

    var codeEntropy: Table {
        var table = Self.table("code-entropy", "layer tensor scheme bits entropy_bits entropy_share")
        for layer in 0..<layers {
            for tensor in ["key", "value"] {
                for bits in [2, 4] {
                    for (scheme, share) in [("rtn-int\(bits)-token-g32", 0.86), ("rtn-int\(bits)-channel-g32", 0.95)] {
                        let own = share + 0.03 * sin(Double(layer)) - (tensor == "key" ? 0.1 : 0)
                        table.append([
                            .integer(layer), .string(tensor), .string(scheme), .integer(bits),
                            .number(Double(bits) * own), .number(own),
                        ])
                    }
                }
            }
        }
        return table
    }

    /// Caches of a quality study with their bits and their mean divergence.
    static let caches: [(id: String, bits: Double, divergence: Double)] = [
        ("full-f32", 32, 0), ("kivi-8-g32-r128", 9, 0.0004), ("kivi-4-g32-r128", 5, 0.0041),
        ("rtn-int4-token-g32+window=128", 5, 0.03), ("kivi-2-g32-r128", 3, 0.17),
        ("rtn-int2-token-g32+window=128", 3, 1.9), ("rtn-int4-channel-g32/rtn-int2-token-g32+residual=128", 4, 0.06),
    ]

    var quality: Table {
        var table = Self.table(
            "quality",
            "cache perplexity divergence_mean divergence_median divergence_p99 non_finite_tokens"
        )
        for (cache, _, divergence) in Self.caches {
            table.append([
                .string(cache), .number(14.2 * exp(divergence * (hasOutliers ? 1.4 : 1))), .number(divergence),
                .number(divergence / 3), .number(divergence * 9), .integer(0),
            ])
        }
        return table
    }

    var qualityByPosition: Table {
        var table = Self.table("quality-by-position", "cache first_position end_position divergence_mean")
        for (cache, _, divergence) in Self.caches {
            for first in stride(from: 256, to: 512, by: 64) {
                table.append([
                    .string(cache), .integer(first), .integer(first + 64), .number(divergence * Double(first) / 300),
                ])
            }
        }
        return table
    }

    var errors: Table {
        var table = Self.table("errors", "layer head tensor scheme metric value bits_asymptotic window")
        for (cache, bits, divergence) in Self.caches.dropFirst() {
            for (tensor, metric) in [("key", "relative_frobenius"), ("pair", "output_error_pair")] {
                table.append([
                    .integer(0), .integer(0), .string(tensor), .string(cache), .string(metric),
                    .number(divergence.squareRoot() / 2), .number(bits), .string("residual=128"),
                ])
            }
        }
        return table
    }

    var decode: Table {
        var table = Self.table("decode", "cache batch prompt_tokens tokens_per_second peak_bytes weights")
        for prompt in [161, 8000] {
            for batch in [1, 4, 16] {
                for (cache, speed) in [("full-f16", 50.0), ("kivi-2-g32-r128", 50.0 + Double(batch) * 5)] {
                    table.append([
                        .string(cache), .integer(batch), .integer(prompt), .number(speed * Double(batch).squareRoot()),
                        .integer(98_000_000 + batch * prompt * (cache == "full-f16" ? 23_040 : 4_500)),
                        .string("real"),
                    ])
                }
            }
        }
        return table
    }

    /// Keys of the most striking layer before RoPE, as cached, and rotated, for figures that share a scale.
    var magnitudeStates: Table {
        var table = Table(name: "magnitude", meaning: "", columns: magnitude.columns)
        let keys = magnitude.rowViews.filter { $0.string("tensor") == "key" && $0.integer("head") == 0 }
        for row in keys {
            let value = row.number("absolute_maximum") ?? 0
            let channel = row.integer("channel") ?? 0
            for tensor in ["key_pre_rope", "key", "key_rotated"] {
                let factor = tensor == "key_pre_rope" ? 0.9 : 1
                // What a rotation leaves: the wide channels' energy, spread over all.
                let spread = (hasOutliers ? 9.0 : 1.9) * (1 + 0.1 * Double((channel * 11) % 7))
                table.append([
                    .integer(row.integer("layer") ?? 0), .string(tensor), .integer(0),
                    .integer(row.integer("token_first") ?? 0), .integer(row.integer("token_last") ?? 0),
                    .integer(channel), .number(tensor == "key_rotated" ? spread : value * factor),
                ])
            }
        }
        return table
    }
}
