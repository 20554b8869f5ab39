import Foundation
import Reporting
import TensorCore
import Testing

/// What figures of the structure study say, and what they do with little or damaged data.
struct StructureFigureTests {
    private static let outliers = FigureSnapshotTests.outliers
    private static let plain = FigureSnapshotTests.plain

    private func svg(
        _ id: String,
        _ tables: [String: Table],
        _ selection: FigureSelection = FigureSelection()
    ) throws -> String {
        try FigureCatalogue.figure(
            id: id,
            tables: tables,
            context: FigureSnapshotTests.plainContext,
            selection: selection
        )
    }

    private static func title(_ svg: String) -> String {
        guard let match = svg.firstMatch(of: #/<title[^>]*>([^<]*)<\/title>/#) else { return "" }
        return String(match.1)
    }

    @Test(arguments: [
        ("letter-values", "Tails of the keys of layer 17 reach", "No heavy tails: even"),
        ("ecdf", "One in 1,000 elements of the keys of layer 17 is beyond", "No heavy tails: one in 1,000"),
        ("quantile-quantile", "Not Gaussian: the outermost quantile shown, of the keys", "Close to a Gaussian:"),
        (
            "layer-head-heatmap", "Widest channel against the median one: 59.3 in KV head",
            "Widest channel against the median one:"
        ),
        (
            "outlier-consistency", "are the same in every text: at least Jaccard",
            "depend on the text: on average over layers Jaccard"
        ),
        (
            "rotation-effect", "A Hadamard rotation brings the widest channel of the keys from",
            "changes the keys little"
        ),
        ("attention-sinks", "Token 0 (&lt;|im_start|&gt;) draws", "No token is an attention sink in most layers"),
        ("spectrum", "% of the energy of the keys lies in", "No low rank: the keys need"),
        (
            "redundancy", "Less the mean, neighbouring tokens have a median cosine of 0.78 in their keys before RoPE",
            "the layer before explains 5"
        ),
    ])
    func theTitleIsWhatIsSeen(id: String, withOutliers: String, plain: String) throws {
        let striking = Self.title(try svg(id, Self.outliers))
        #expect(striking.contains(withOutliers), "\(striking)")
        let neutral = Self.title(try svg(id, Self.plain))
        #expect(neutral.contains(plain), "\(neutral)")
    }

    @Test func theNumberInATitleIsThatOfTheTable() throws {
        let table = try #require(Self.outliers["outlier-definitions"])
        let shares = table.rowViews.filter { $0.string("tensor") == "key" && $0.string("definition") == "llm-int8" }
            .compactMap { $0.number("element_share") }
        let percent = 100 * shares.reduce(0, +) / Double(shares.count)
        let title = Self.title(try svg("outlier-definitions", Self.outliers))
        let number = try #require(title.firstMatch(of: #/llm-int8 ([\d.]+) %/#)).1
        #expect(abs((Double(number) ?? 0) - percent) < 0.06)
        #expect(title.contains("massive-activations takes none"))
    }

    /// One layer, head, token and part: every figure draws or says why not.
    @Test(arguments: FigureCatalogue.structure.map { $0.id })
    func oneLayerAndHeadDraw(id: String) throws {
        let tables = Self.outliers.mapValues { table in
            table.filter { row in
                let place = ["layer": 17, "head": 0].allSatisfy { name, only in
                    table.index(of: name) == nil || row.integer(name) == only
                }
                let isFirst = table.index(of: "token") == nil || row.integer("token") == 0
                return place && isFirst
            }
        }
        let drawn = try svg(id, tables)
        #expect(!drawn.contains("nan") && !drawn.contains("inf"))
        let labels = FigureLayoutTests.labels(drawn)
        for label in labels {
            #expect(label.left >= 0 && label.right <= 800, "\(label.text) leaves the page")
        }
    }

    /// Missing and not finite numbers are left out; a table of nothing else is refused by name.
    @Test(arguments: FigureCatalogue.structure.map { $0.id }, [Table.Value.missing, .number(.nan), .number(.infinity)])
    func missingNumbersAreNoEmptyPanel(id: String, hole: Table.Value) throws {
        let name = try FigureCatalogue.figure(id).tables[0]
        let full = try #require(Self.outliers[name])
        let numbers = full.columns.indices.filter { full.columns[$0].kind == .number }
        func damaged(every step: Int) -> Table {
            var table = Table(name: name, meaning: "", columns: full.columns)
            for (index, row) in full.rows.enumerated() {
                var row = row
                if index.isMultiple(of: step) { for column in numbers { row[column] = hole } }
                table.append(row)
            }
            return table
        }
        let drawn = try svg(id, Self.outliers.merging([name: damaged(every: 3)]) { $1 })
        #expect(!drawn.contains("nan") && !drawn.contains("inf"))
        let error = #expect(throws: ReportingError.self) { try svg(id, [name: damaged(every: 1)]) }
        #expect(error?.description.contains("finds nothing to show in table '\(name)'") == true, "\(error as Any)")
    }

    @Test(arguments: FigureCatalogue.structure.map { $0.id })
    func aMissingTableSaysWhichAnalysisMakesIt(id: String) throws {
        let error = #expect(throws: ReportingError.self) { try svg(id, [:]) }
        let text = error?.description ?? ""
        #expect(text.contains("kvatlas stats FILE.h5"), "\(text)")
        #expect(id == "layer-head-heatmap" || text.contains("under analyses.structure"), "\(text)")
    }

    /// A statistic of any table with layers and heads; several rows a head come to one, and the caption says how.
    @Test(arguments: [
        ("effective_rank", "Effective rank:", ""), ("neighbour_cosine_centred", "Neighbour cosine centred:", ""),
        ("attention-profile.entropy", "Entropy:", ""), ("singular_value", "Singular value:", "Mean of the 64 rows"),
        ("statistics-channel.absolute_maximum", "Largest |x|:", "Largest of the 64 rows of a head"),
        ("errors.value", "Value:", "Of scheme kivi-8-g32-r128, metric relative_frobenius, window residual=128."),
    ])
    func anyStatisticOfHeadsIsAMap(statistic: String, title: String, note: String) throws {
        var tables = Self.outliers
        tables["statistics-head"] = nil
        if statistic.hasPrefix("statistics-channel") { tables["outlier-channels"] = nil }
        let drawn = try svg("layer-head-heatmap", tables, FigureSelection(layer: nil, statistic: statistic))
        #expect(Self.title(drawn).hasPrefix(title), "\(Self.title(drawn))")
        // Captions break between words.
        let words = drawn.replacing(#/<[^>]*>/#, with: " ").split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let isNoted = note.isEmpty || words.contains(note)
        #expect(isNoted, "\(words.suffix(600))")
    }

    @Test func aNumberOutOfRangeIsNotGuessed() throws {
        let selection = FigureSelection(layer: 99)
        let error = #expect(throws: ReportingError.self) { try svg("spectrum", Self.outliers, selection) }
        let text = error?.description ?? ""
        #expect(text.contains("layers 0…23") && !text.contains("Did you mean"), "\(text)")
    }

    @Test func elementsThatAreNotFiniteAreInEveryCaption() throws {
        let context = FigureContext(model: "m", text: "t", tokens: 5, nonfinite: 12_345)
        for id in FigureCatalogue.every.map({ $0.id }) {
            let drawn = try FigureCatalogue.figure(id: id, tables: Self.outliers, context: context)
            let words = drawn.replacing(#/<[^>]*>/#, with: " ").split(whereSeparator: \.isWhitespace)
                .joined(separator: " ")
            let isTold = words.contains("12,345 elements are NaN or infinite and left out.")
            #expect(isTold, "\(id)")
        }
        var layers = Table(
            name: "statistics-layer",
            meaning: "",
            columns: [.init("layer", .integer, ""), .init("nonfinite", .integer, "")]
        )
        for layer in 0..<3 { layers.append([.integer(layer), .integer(layer == 1 ? 1 : 0)]) }
        let drawn = try svg("spectrum", Self.outliers.merging(["statistics-layer": layers]) { $1 })
        let isOne = drawn.contains("1 element is NaN or infinite")
        #expect(isOne)
    }

    @Test func aMistypedStatisticIsGuessed() throws {
        let selection = FigureSelection(layer: nil, statistic: "excess_kurtosi")
        let error = #expect(throws: ReportingError.self) { try svg("layer-head-heatmap", Self.plain, selection) }
        #expect(error?.description.contains("Did you mean 'excess_kurtosis'?") == true)
    }

    /// Constant elements have no middle half, no deviation and no energy.
    @Test func constantTensorsAreRefusedOrDrawn() throws {
        var quantiles = Table(
            name: "distribution-quantiles",
            meaning: "",
            columns: SyntheticTables.plain.distributionQuantiles.columns
        )
        for row in SyntheticTables.plain.distributionQuantiles.rows.prefix(61) {
            var row = row
            row[3] = .number(2)
            row[5] = .number(2)
            row[6] = .number(0)
            quantiles.append(row)
        }
        let tables = [quantiles.name: quantiles]
        let boxes = try svg("letter-values", tables)
        #expect(boxes.contains("Distribution of the elements of every layer"))
        let magnitudes = try svg("ecdf", tables)
        #expect(!magnitudes.contains("nan"))
        let error = #expect(throws: ReportingError.self) { try svg("quantile-quantile", tables) }
        #expect(error?.description.contains("constant") == true)
    }

    @Test func aModelOfManyLayersAndHeadsStaysASmallFile() throws {
        let large = SyntheticTables(layers: 96, heads: 16, channels: 128, hasOutliers: true, seed: 9)
        for (id, table) in [
            ("layer-head-heatmap", large.statisticsHead), ("attention-profile", large.attentionProfile),
            ("letter-values", large.distributionQuantiles), ("spectrum", large.spectrum),
            ("rotation-effect", large.transformEffects), ("redundancy", large.locality),
        ] {
            let bytes = try svg(id, [table.name: table]).utf8.count
            #expect(bytes < 500_000, "\(id) has \(bytes) bytes")
        }
    }

    @Test func partsBeyondTheLimitAreCounted() throws {
        var table = Table(
            name: "outlier-stability",
            meaning: "",
            columns: SyntheticTables.plain.outlierStability.columns
        )
        for second in 1..<12 {
            for first in 0..<second {
                table.append([
                    .integer(0), .string("key"), .string("block"), .string("block \(first)"),
                    .string("block \(second)"), .integer(64), .integer(64), .number(-0.5), .integer(4), .integer(4),
                    .number(0.25),
                ])
            }
        }
        let drawn = try svg("outlier-consistency", [table.name: table])
        #expect(drawn.contains("The first 9 of 12 parts.") && drawn.contains("depend on the block of tokens"))
        #expect(drawn.contains(">-0.50<") || drawn.contains(">−0.50<"))
    }

    /// Most layers without an outlier pull the mean below the least share of any layer: still right of zero.
    @Test func aSmallMeanIsNotLeftOfZero() throws {
        var table = Table(
            name: "outlier-definitions",
            meaning: "",
            columns: SyntheticTables.plain.outlierDefinitions.columns
        )
        for layer in 0..<32 {
            let share = layer == 7 ? 0.01 : 0
            table.append([
                .integer(layer), .string("key"), .string("sigma-6"), .string("rule"), .number(6), .number(share),
                .integer(0), .number(share), .number(share),
            ])
        }
        let drawn = try svg("outlier-definitions", [table.name: table])
        let zero = try #require(drawn.firstMatch(of: #/x="([\d.]+)" y="[\d.]+">0<\/text>/#)).1
        let circle = try #require(drawn.matches(of: #/<path class="f0" d="M([\d.]+) /#).last).1
        let (left, mean) = (try #require(Double(zero)), try #require(Double(circle)))
        #expect(mean > left + 2)
    }

    /// Layers without outlier channels have no Jaccard index: they are counted, not averaged as 0.
    @Test func layersWithoutOutliersAreCounted() throws {
        let drawn = try svg("outlier-consistency", Self.outliers)
        #expect(drawn.contains("24 of 24 for keys"))
        #expect(drawn.contains("8 of 24 for values"))
        #expect(drawn.contains("Keys before RoPE against after"))
        let stability = SyntheticTables.plain.outlierStability
        var none = Table(name: stability.name, meaning: "", columns: stability.columns)
        for row in stability.rows {
            var row = row
            row[8] = .integer(0)
            row[9] = .integer(0)
            row[10] = .missing
            none.append(row)
        }
        let without = try svg("outlier-consistency", [none.name: none])
        #expect(Self.title(without).contains("No channel is 5 times the median one in any text"))
        #expect(without.contains("0 of 30 for keys") && without.contains("Neither before nor after RoPE"))
    }

    @Test func aHalfAgreementIsCalledMostlyTheSame() throws {
        let stability = SyntheticTables.plain.outlierStability
        var table = Table(name: stability.name, meaning: "", columns: stability.columns)
        for row in stability.rows {
            var row = row
            if row[2].string != "rope" { row[10] = .number(0.6) }
            table.append(row)
        }
        let title = Self.title(try svg("outlier-consistency", [table.name: table]))
        #expect(title.contains("mostly the same in every text: on average over layers at least"), "\(title)")
        #expect(title.contains("Jaccard index 0.60, between"), "\(title)")
    }

    /// Tables that were edited by hand are refused or drawn, never a crash.
    @Test(arguments: [("head", -1), ("head", 1 << 40), ("layer", 1 << 40), ("layer", -(1 << 40))])
    func absurdPlacesAreNoCrash(column: String, place: Int) throws {
        for name in ["statistics-head", "attention-profile"] {
            let full = try #require(Self.plain[name])
            var table = Table(name: name, meaning: "", columns: full.columns)
            for (index, row) in full.rows.enumerated() {
                var row = row
                if index == 5, let at = full.index(of: column) { row[at] = .integer(place) }
                table.append(row)
            }
            let id = name == "statistics-head" ? "layer-head-heatmap" : name
            do {
                let drawn = try svg(id, [name: table])
                #expect(!drawn.contains("nan"))
            } catch let error as ReportingError {
                #expect(error.description.contains("more layers and heads than a map shows"))
            }
        }
    }

    @Test func sharesAboveOneAreDrawnInside() throws {
        let full = SyntheticTables.plain.outlierDefinitions
        var table = Table(name: full.name, meaning: "", columns: full.columns)
        for row in full.rows {
            var row = row
            for column in [5, 7, 8] { row[column] = .number(40) }
            table.append(row)
        }
        let drawn = try svg("outlier-definitions", [table.name: table])
        for label in FigureLayoutTests.labels(drawn) { #expect(label.left >= 0 && label.right <= 800) }
    }

    @Test func bitsComeFromErrorsElseFromGeneration() throws {
        var tables = Self.outliers
        #expect(try svg("quality-against-bits", tables).contains("as in the error study"))
        tables["errors"] = nil
        let decode = SyntheticTables.table("decode", "cache batch compression")
        var measured = decode
        measured.append([.string("kivi-2-g32-r128"), .integer(1), .number(5)])
        tables["decode"] = measured
        let drawn = try svg("quality-against-bits", tables)
        #expect(drawn.contains("generation study") && drawn.contains("Bits unknown, so not drawn: kivi-4-g32-r128"))
        tables["decode"] = nil
        let error = #expect(throws: ReportingError.self) { try svg("quality-against-bits", tables) }
        #expect(error?.description.contains("analyses.errors") == true)
    }

    @Test func aReportHasTheFiguresThatItsTablesAllow() throws {
        let run = try RunFolder(.plain)
        #expect(try Report.build(runDirectory: run.path).missingFigures.isEmpty)
        let spectrum = SyntheticTables.plain.spectrum
        try CSV.write(spectrum, to: "\(run.path)/tables/spectrum.csv")
        let content = try Report.build(runDirectory: run.path)
        #expect(content.missingFigures.isEmpty)
        #expect(content.figures.map { $0.id } == FigureCatalogue.ids + ["spectrum"])
        try Report.write(requests: [FigureRequest(id: "redundancy")], runDirectory: run.path)
        let asked = try Report.build(runDirectory: run.path)
        #expect(asked.missingFigures.map { $0.id } == ["redundancy"])
    }
}
