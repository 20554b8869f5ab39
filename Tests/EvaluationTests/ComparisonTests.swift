import Capture
import Evaluation
import Foundation
import Inference
import TensorCore
import Testing

/// Two captures or tables side by side.
@Suite struct ComparisonTests {
    private let folder: CaptureFolder

    init() throws { folder = try CaptureFolder() }

    private func subject(_ synthetic: SyntheticCapture, _ name: String) throws -> ComparisonSubject {
        try ComparisonSubject(capture: try folder.open(synthetic, name: name), name: name)
    }

    private func table(_ name: String, _ comparison: Comparison) throws -> Table {
        try #require(comparison.tables.first { $0.name == name })
    }

    @Test func theSameTwiceIsIdentical() throws {
        let synthetic = SyntheticCapture(sequenceLengths: [40, 3])
        let comparison = try Comparison(try subject(synthetic, "a"), try subject(synthetic, "b"))
        #expect(comparison.isIdentical && comparison.largestDifference == 0 && comparison.largestDifferenceOf == nil)
        #expect(comparison.sentences.count == 1 && comparison.sentences[0].hasPrefix("identical: "))
        #expect(comparison.facts.isEmpty)
        let statistics = try table("compare-statistics", comparison)
        #expect(statistics.rowViews.allSatisfy { $0.number("relative_difference") == 0 })
        let channels = try table("compare-channels", comparison)
        #expect(channels.rows.count == 2 * 3)
        #expect(channels.rowViews.allSatisfy { $0.number("spearman") == 1 && $0.number("jaccard_top") == 1 })
    }

    @Test func damagedElementsAreCountedInWords() throws {
        let plain = SyntheticCapture(layers: 3, sequenceLengths: [200])
        var damaged = plain
        damaged.outliers = [.init(.key, head: 1, channel: 7, factor: .nan, layers: [1])]
        let comparison = try Comparison(try subject(plain, "a"), try subject(damaged, "b"))
        let sentence = try #require(comparison.sentences.first { $0.hasPrefix("NaN or infinite") })
        #expect(sentence.contains(": 0 elements of the first and 200 of the second"), "\(sentence)")
        #expect(sentence.hasSuffix("key of layer 1"), "\(sentence)")
        #expect(comparison.largestDifference == .infinity)
    }

    @Test func aScaledChannelIsSeenInEveryTable() throws {
        let plain = SyntheticCapture(layers: 3, sequenceLengths: [200])
        var scaled = plain
        scaled.outliers = [.init(.key, head: 1, channel: 7, factor: 80, layers: [1])]
        let comparison = try Comparison(try subject(plain, "a"), try subject(scaled, "b"))
        #expect(!comparison.isIdentical)
        // Only the key of layer 1 differs, by 79 of 80 times a channel of 64.
        #expect(
            comparison.sentences.contains {
                $0.hasPrefix("elements: 1 of 9 tensors differ; at most, in key of layer 1")
            }
        )
        let statistics = try table("compare-statistics", comparison)
        for row in statistics.rowViews where row.string("statistic") == "absolute_maximum" {
            let isScaled = row.string("tensor") == "key" && row.integer("layer_a") == 1
            let ratio = try #require(row.number("ratio"))
            #expect(isScaled ? ratio > 20 : ratio == 1)
            #expect(row.integer("layer_b") == row.integer("layer_a"))
        }
        let channels = try table("compare-channels", comparison)
        let row = try #require(
            channels.rowViews.first { $0.string("tensor") == "key" && $0.integer("layer_a") == 1 }
        )
        #expect(row.integer("outliers_a") == 0 && row.integer("outliers_b") == 1 && row.integer("outliers_common") == 0)
        #expect(row.string("largest_b") == "1:7" && row.number("jaccard_outliers") == 0)
        let multiple = try #require(row.number("largest_multiple_b"))
        #expect(multiple > 50 && multiple < 120)
        #expect(comparison.sentences.contains { $0.hasPrefix("key: 0 outlier channels against 1, 0 of them the same") })
        #expect(comparison.sentences.contains("query, value: all statistics are equal in every layer"))
    }

    @Test func elementsOfOneTextDifferByTheirNorm() throws {
        // float16 against float32 of the same numbers: rounded by at most 2^-11 of each.
        var precise = SyntheticCapture(sequenceLengths: [64])
        precise.elementType = .float32
        var rounded = precise
        rounded.elementType = .float16
        let comparison = try Comparison(try subject(precise, "a"), try subject(rounded, "b"))
        #expect(comparison.sentences.contains { $0.hasPrefix("elements: 6 of 6 tensors differ") })
        #expect(comparison.facts.map { $0.key } == ["element_type"] && comparison.facts[0].isSetting)
        #expect(comparison.largestDifference < 0.1 && comparison.largestDifference > 0)
        #expect(comparison.sentences.contains("settings: element_type f32 against f16"))
    }

    @Test func modelsOfOtherShapesAreComparedByDepth() throws {
        let small = SyntheticCapture(layers: 3, heads: 4, kvHeads: 2, headDim: 16, sequenceLengths: [50])
        let large = SyntheticCapture(layers: 5, heads: 8, kvHeads: 1, headDim: 32, sequenceLengths: [70])
        let comparison = try Comparison(try subject(small, "a"), try subject(large, "b"))
        let statistics = try table("compare-statistics", comparison)
        let pairs = Set(statistics.rowViews.map { "\($0.integer("layer_a") ?? -1)-\($0.integer("layer_b") ?? -1)" })
        #expect(pairs == ["0-0", "1-2", "2-4"])
        #expect(!comparison.tables.contains { $0.name == "compare-channels" })
        #expect(comparison.sentences.contains { $0.hasPrefix("models of 3 and 5 layers") })
        #expect(
            comparison.sentences.contains(
                "key: channels are not compared, 2 heads of 16 channels against 1 head of 32 channels; layers are"
            )
        )
        #expect(comparison.sentences.contains("layers: 3 against 5"))
        #expect(comparison.largestDifference == .infinity)
    }

    @Test func missingLayersAndTensorsAreNamed() throws {
        let all = SyntheticCapture(layers: 4, sequenceLengths: [20])
        var less = all
        less.tensors = [.key]
        var b = try subject(less, "b")
        b.tables["statistics-layer"] = b.tables["statistics-layer"]?.filter { $0.integer("layer") != 2 }
        let comparison = try Comparison(try subject(all, "a"), b)
        #expect(comparison.sentences.contains("layers only in the first: 2"))
        #expect(comparison.sentences.contains("tensors only in the first: query, value"))
        #expect(comparison.largestDifference == .infinity)
    }

    @Test func textsThatDifferAreToldFromTheFirstToken() throws {
        let path = folder.url.appending(path: "other.h5").path
        let synthetic = SyntheticCapture(sequenceLengths: [9])
        let recorder = try synthetic.makeRecorder(path: path)
        var ids = (0..<9).map { Int32($0) }
        ids[6] = 77
        try recorder.beginSequence(name: "synthetic-0", tokens: ids, tokenTexts: ids.map { "\($0)" })
        for layer in 0..<synthetic.layers {
            for tensor in CapturedTensor.allCases where synthetic.tensors.contains(tensor) {
                try synthetic.values(tensor, layer: layer).withUnsafeBufferPointer {
                    try recorder.record(
                        tensor,
                        layer: layer,
                        firstToken: 0,
                        tokens: 9,
                        heads: tensor == .query ? 4 : 2,
                        headDim: 32,
                        values: try #require($0.baseAddress)
                    )
                }
            }
        }
        try recorder.finish()
        let other = try ComparisonSubject(capture: try CaptureFile(path: path), name: "b")
        let comparison = try Comparison(try subject(synthetic, "a"), other)
        #expect(
            comparison.sentences.contains("elements are not compared one by one: the texts differ from token 6 on")
        )
        #expect(!comparison.isIdentical && comparison.largestDifference == .infinity)
    }

    private func errors(_ values: [(layer: Int, scheme: String, value: Double)]) -> Table {
        var table = Table(
            name: "errors-by-layer",
            meaning: "",
            columns: [
                .init("layer", .integer, ""), .init("tensor", .string, ""), .init("scheme", .string, ""),
                .init("metric", .string, ""), .init("value", .number, ""),
            ]
        )
        for entry in values {
            table.append([
                .integer(entry.layer), .string("key"), .string(entry.scheme), .string("relative_frobenius"),
                .number(entry.value),
            ])
        }
        return table
    }

    @Test func errorsAreJoinedByScheme() throws {
        let a = ComparisonSubject(
            name: "a",
            modelLayers: 2,
            tables: ["errors-by-layer": errors([(0, "kivi-2", 0.2), (1, "kivi-2", 0.4), (0, "old", 1)])]
        )
        let b = ComparisonSubject(
            name: "b",
            modelLayers: 2,
            tables: ["errors-by-layer": errors([(1, "kivi-2", 0.2), (0, "kivi-2", 0.2), (0, "new", 1)])]
        )
        let comparison = try Comparison(a, b)
        let table = try table("compare-errors", comparison)
        #expect(table.rows.count == 3)
        #expect(table.rowViews.map { $0.integer("layer_a") } == [0, 1, nil])
        #expect(table.rowViews.map { $0.number("ratio") }[1] == 0.5)
        let mean = try #require(table.rowViews.last)
        #expect(abs((mean.number("value_a") ?? 0) - 0.3) < 1e-15 && mean.number("value_b") == 0.2)
        #expect(comparison.sentences.contains("schemes and caches only in the first: old"))
        #expect(comparison.sentences.contains("kivi-2: relative_frobenius of key 0.3 against 0.2"))
        #expect(try Comparison(a, a).isIdentical)
    }

    @Test(arguments: [
        (Double.nan, Double.nan, 0), (.nan, 1, .infinity), (.infinity, .infinity, 0), (.infinity, 1, .infinity),
        (0, 0, 0), (0, 2, 1), (-1, 1, 2), (4, 3, 0.25), (3, 4, 0.25),
    ])
    func differencesAreRelativeToTheLarger(a: Double, b: Double, relative: Double) throws {
        let one = ComparisonSubject(name: "a", tables: ["errors-by-layer": errors([(0, "x", a)])])
        let other = ComparisonSubject(name: "b", tables: ["errors-by-layer": errors([(0, "x", b)])])
        let comparison = try Comparison(one, other)
        #expect(comparison.largestDifference == relative)
        #expect(try table("compare-errors", comparison)[0, "relative_difference"] == .number(relative))
    }

    @Test func qualityIsJoinedByCacheAndConditions() throws {
        func quality(_ rows: [(String, Int, Double?)]) -> Table {
            var table = Table(
                name: "quality",
                meaning: "",
                columns: [
                    .init("cache", .string, ""), .init("window", .integer, ""), .init("perplexity", .number, ""),
                    .init("loss", .number, ""),
                ]
            )
            for (cache, window, perplexity) in rows {
                let value = perplexity.map { Table.Value.number($0) } ?? .missing
                table.append([.string(cache), .integer(window), value, .missing])
            }
            return table
        }
        let a = ComparisonSubject(
            name: "a",
            tables: ["quality": quality([("full", 512, 10), ("kivi", 512, 12), ("nan", 8, nil)])]
        )
        let b = ComparisonSubject(
            name: "b",
            tables: ["quality": quality([("full", 256, 10), ("kivi", 512, 15), ("nan", 8, 3)])]
        )
        let comparison = try Comparison(a, b)
        let table = try table("compare-errors", comparison)
        // Of other windows nothing is joined; what is missing in both is no row.
        #expect(table.rowViews.map { $0.string("scheme") } == ["kivi", "nan"])
        #expect(table[0, "conditions"] == .string("window=512") && table[0, "relative_difference"] == .number(0.2))
        #expect(table[1, "value_a"] == .missing && table[1, "relative_difference"] == .number(.infinity))
        #expect(comparison.sentences.contains("kivi: perplexity 12 against 15"))
    }

    @Test func otherTablesThatDifferAreNamed() throws {
        func subject(_ value: Double, _ names: [String]) -> ComparisonSubject {
            var tables: [String: Table] = [:]
            for name in names {
                var table = Table(name: name, meaning: "", columns: [.init("x", .number, "")])
                table.append([.number(value)])
                tables[name] = table
            }
            return ComparisonSubject(name: "", tables: tables)
        }
        let nan = subject(.nan, ["magnitude"])
        #expect(try Comparison(nan, nan).isIdentical)
        let comparison = try Comparison(subject(1, ["magnitude"]), subject(2, ["decode", "magnitude"]))
        #expect(comparison.sentences == ["tables that also differ: magnitude", "tables only in the second: decode"])
        #expect(!comparison.isIdentical && comparison.largestDifference == 0)
    }

    @Test func everyColumnIsDocumented() throws {
        let comparison = try Comparison(
            try subject(SyntheticCapture(sequenceLengths: [4]), "a"),
            try subject(SyntheticCapture(sequenceLengths: [4]), "b")
        )
        #expect(comparison.tables.map { $0.name } == ["compare-statistics", "compare-channels"])
        for table in comparison.tables {
            #expect(!table.meaning.isEmpty && table.columns.allSatisfy { !$0.meaning.isEmpty })
        }
    }

    // MARK: - Structure

    private func structure(_ cosine: Double, sinks: [Int], layers: Int) -> [String: Table] {
        var locality = StructureTables.empty("locality"), attention = StructureTables.empty("attention-sinks")
        for layer in 0..<layers {
            for (tensor, value) in [("key", cosine), ("value", 0.01)] {
                locality.append([
                    .integer(layer), .string(tensor), .integer(0), .number(value + 0.1 * Double(layer % 2)),
                    .number(0.9), .missing,
                ])
            }
            for token in 0..<3 {
                attention.append([
                    .integer(layer), .integer(token), .integer(token), .string("x"), .number(token == 0 ? 0.5 : 0.01),
                    .number(1), .number(1), .number(1), .number(1), .number(1),
                    .string(sinks.contains(token) ? "yes" : "no"),
                ])
            }
        }
        return ["locality": locality, "attention-sinks": attention]
    }

    @Test func structureIsToldByItsMeans() throws {
        let a = ComparisonSubject(name: "a", tables: structure(0.3, sinks: [0], layers: 2))
        let b = ComparisonSubject(name: "b", tables: structure(0.5, sinks: [0, 2], layers: 4))
        let comparison = try Comparison(a, b)
        let table = try table("compare-structure", comparison)
        let cosine = try #require(
            table.rowViews.first {
                $0.string("tensor") == "key" && $0.string("measure") == "neighbour_cosine_centred"
            }
        )
        #expect(abs(try #require(cosine.number("value_a")) - 0.35) < 1e-12)
        #expect(abs(try #require(cosine.number("value_b")) - 0.55) < 1e-12)
        #expect(abs(try #require(cosine.number("scaled_difference")) - 0.2 / 0.55) < 1e-12)
        // Missing in all rows is no measure.
        #expect(!table.rowViews.contains { $0.string("measure") == "delta_variance_ratio" })
        #expect(
            comparison.sentences.contains(
                "locality, means over layers: neighbour cosine centred of key 0.35 against 0.55"
            )
        )
        #expect(
            comparison.sentences.contains("attention-sinks, means over layers: sinks per layer 1 against 2")
        )
        #expect(!comparison.sentences.contains { $0.hasPrefix("tables that also differ") })
        #expect(comparison.largestDifference == 0.5)
        #expect(try Comparison(a, a).sentences == ["identical: model, text, settings, structure"])
    }

    @Test func measuresBeyondThreeAreCounted() throws {
        func effects(_ factor: Double) -> ComparisonSubject {
            var table = StructureTables.empty("transform-effects")
            for transform in ["none", "hadamard"] {
                table.append(
                    [.integer(0), .string("key"), .string(transform), .number(factor), .number(2 * factor)]
                        + [.number(3 * factor), .integer(Int(factor)), .number(0.1), .missing]
                )
            }
            return ComparisonSubject(name: "", tables: ["transform-effects": table])
        }
        let sentence = try #require(try Comparison(effects(1), effects(4)).sentences.first)
        #expect(sentence.hasPrefix("transform-effects, means over layers: "))
        #expect(sentence.hasSuffix("; 5 more of 10 measures are in the table compare-structure"), "\(sentence)")
    }

    /// Each table that the study makes is compared by each of its measures.
    @Test func everyMeasureIsCompared() throws {
        var planted = PlantedCapture()
        planted.element = { $4 == 3 ? 40 * $5 : $5 }
        let capture = try planted.write(to: folder.url.appending(path: "planted.h5").path)
        let study = try StructureStudy.run(capture)
        let tables = Dictionary(uniqueKeysWithValues: study.tables.map { ($0.name, $0) })
        let side = ComparisonSubject(name: "a", tables: tables)
        let comparison = try table("compare-structure", try Comparison(side, side))
        var measures: [String: Set<String>] = [:]
        for row in comparison.rowViews {
            measures[row.string("table") ?? "", default: []].insert(row.string("measure") ?? "")
            #expect(row.number("difference") == 0)
        }
        let expected = [
            "outlier-definitions": 3, "outlier-stability": 2, "transform-effects": 6, "attention-sinks": 2,
            "attention-profile": 5, "locality": 3, "spectrum-summary": 4, "cross-layer": 2, "code-entropy": 1,
            "tile-imbalance": 2,
        ]
        #expect(measures.mapValues { $0.count } == expected)
    }
}
