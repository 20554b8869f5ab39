import Foundation
import Reporting
import TensorCore
import Testing

struct FigureErrorTests {
    private static let tables = SyntheticTables.outliers.everything
    private static let context = FigureContext(model: "m", text: "t", tokens: 1)

    private func message(_ id: String, _ tables: [String: Table], _ selection: FigureSelection = FigureSelection())
        -> String
    {
        do {
            _ = try FigureCatalogue.figure(id: id, tables: tables, context: Self.context, selection: selection)
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    private static func ids(heeding parameter: FigureParameter) -> [String] {
        FigureCatalogue.every.filter { $0.parameters.contains(parameter) }.map { $0.id }
    }

    @Test(arguments: FigureSnapshotTests.ids)
    func aMissingTableIsNamedWithAWayToGetIt(id: String) throws {
        let text = message(id, [:])
        #expect(text.contains("needs table '\(try FigureCatalogue.figure(id).tables[0])'"))
        #expect(text.contains("kvatlas"))
    }

    /// Numbers that a study may find: of tensors that are constant, damaged, tiny or huge.
    static let strangeNumbers: [Table.Value] = [
        .number(0), .number(2), .number(-1), .missing, .number(.nan), .number(.infinity),
        .number(.leastNonzeroMagnitude), .number(1e300),
    ]

    /// Drawn or refused by name, and never a crash.
    @Test(arguments: FigureSnapshotTests.ids, strangeNumbers)
    func strangeNumbersAreDrawnOrRefused(id: String, number: Table.Value) throws {
        let tables = Self.tables.mapValues { table in
            var strange = Table(name: table.name, meaning: table.meaning, columns: table.columns)
            for row in table.rows {
                strange.append(zip(table.columns, row).map { $0.kind == .number ? number : $1 })
            }
            return strange
        }
        check(id, tables)
    }

    /// One layer, head, channel, token.
    @Test(arguments: FigureSnapshotTests.ids)
    func oneRowIsDrawnOrRefused(id: String) throws {
        let tables = Self.tables.mapValues { table in
            var short = Table(name: table.name, meaning: table.meaning, columns: table.columns)
            if let row = table.rows.first { short.append(row) }
            return short
        }
        check(id, tables)
    }

    private func check(_ id: String, _ tables: [String: Table]) {
        do {
            let svg = try FigureCatalogue.figure(id: id, tables: tables, context: Self.context)
            let hasNumbers = !svg.contains("nan ") && !svg.contains("=\"nan") && !svg.contains("inf ")
            #expect(svg.hasSuffix("</svg>\n") || svg.hasSuffix("</svg>"), "\(id)")
            #expect(hasNumbers, "\(id)")
        } catch {
            #expect(error is ReportingError && "\(error)".contains(id), "\(id): \(error)")
        }
    }

    @Test(arguments: FigureSnapshotTests.ids)
    func aTableWithoutRowsIsNoEmptyPanel(id: String) throws {
        let name = try FigureCatalogue.figure(id).tables[0]
        let full = try #require(Self.tables[name])
        let empty = Table(name: name, meaning: "", columns: full.columns)
        #expect(message(id, [name: empty]).contains("finds nothing to show in table '\(name)'"))
    }

    @Test(arguments: FigureSnapshotTests.ids)
    func aMissingColumnIsNamed(id: String) throws {
        let name = try FigureCatalogue.figure(id).tables[0]
        let bare = Table(name: name, meaning: "", columns: [Table.Column("layers", .integer, "")])
        let text = message(id, [name: bare])
        #expect(text.contains("there is no column '"))
        guard text.contains("there is no column 'layer'") else { return }
        #expect(text.contains("Did you mean 'layers'?"))
    }

    @Test func aMistypedFigureIsGuessed() {
        #expect(message("channel-profil", Self.tables).contains("Did you mean 'channel-profile'?"))
    }

    @Test(arguments: ids(heeding: .layer))
    func aLayerThatIsNotThereIsRefused(id: String) {
        let text = message(id, Self.tables, FigureSelection(layer: 99))
        #expect(text.contains("has no layer 99") && text.contains("layers 0"), "\(text)")
    }

    @Test(arguments: ids(heeding: .tensor))
    func aTensorThatIsNotThereIsRefused(id: String) {
        let text = message(id, Self.tables, FigureSelection(layer: nil, tensor: "kee"))
        #expect(text.contains("has no tensor kee") && text.contains("key"), "\(text)")
    }

    @Test func aHeadThatIsNotThereIsRefused() {
        #expect(message("channel-profile", Self.tables, FigureSelection(layer: nil, head: 7)).contains("has no head 7"))
        #expect(
            message("magnitude-surface", Self.tables, FigureSelection(layer: nil, head: 7)).contains("has no head 7")
        )
    }

    @Test func aSchemeThatIsNotThereIsRefused() {
        let text = message("error-by-layer", Self.tables, FigureSelection(layer: nil, scheme: "kivi-2-g32-r12"))
        #expect(text.contains("Did you mean 'kivi-2-g32-r128'?"), "\(text)")
    }

    @Test func errorsThatAreAllZeroAreNotDrawn() throws {
        let table = try #require(Self.tables["errors-by-layer"]).filter { $0.string("scheme") == "identity" }
        #expect(message("error-by-layer", ["errors-by-layer": table]).contains("every error is zero or missing"))
    }

    /// A type in the folder that is not in the catalogue would never be drawn.
    @Test func everyFigureIsInTheCatalogue() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/Reporting/Figures")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
        var declared: Set<String> = []
        for file in files {
            let source = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
            for match in source.matches(of: #/public (?:enum|struct) (\w+): Figure\b/#) {
                declared.insert(String(match.1))
            }
        }
        #expect(declared == Set(FigureCatalogue.every.map { "\($0)" }))
        #expect(
            FigureCatalogue.every.allSatisfy { !$0.summary.isEmpty && !$0.tables.isEmpty && !$0.parameters.isEmpty }
        )
    }

    @Test func aPeakOfOneTokenSurvivesTheReduction() throws {
        let columns = try #require(Self.tables["magnitude"]).columns
        var table = Table(name: "magnitude", meaning: "", columns: columns)
        for token in 0..<1000 {
            for channel in 0..<8 {
                let value = token == 777 && channel == 5 ? 123.0 : 1
                table.append([
                    .integer(3), .string("key"), .integer(0), .integer(token), .integer(token), .integer(channel),
                    .number(value),
                ])
            }
        }
        for id in ["magnitude-surface", "magnitude-heatmap"] {
            let svg = try FigureCatalogue.figure(id: id, tables: ["magnitude": table], context: Self.context)
            #expect(svg.contains("Channel 5 of the keys in layer 3, head 0, is 123× the head's median"))
            #expect(svg.contains("maximum over up to"))
        }
    }

    /// The worst case: noise in wide heads, where no two neighbours look alike.
    @Test func largeTablesStaySmallFigures() throws {
        var table = Table(name: "magnitude", meaning: "", columns: SyntheticTables.plain.magnitude.columns)
        var random = SeededGenerator(seed: 3)
        for layer in 0..<4 {
            for tensor in ["key", "value"] {
                for token in 0..<128 {
                    for channel in 0..<128 {
                        table.append([
                            .integer(layer), .string(tensor), .integer(0), .integer(token), .integer(token),
                            .integer(channel), .number(random.nextUniform()),
                        ])
                    }
                }
            }
        }
        for id in ["magnitude-surface", "magnitude-heatmap"] {
            let svg = try FigureCatalogue.figure(id: id, tables: ["magnitude": table], context: Self.context)
            #expect(svg.utf8.count < 500_000, "\(id) has \(svg.utf8.count) bytes")
        }
    }

    @Test(arguments: [1, 2, 3, 33])
    func fewTokensAndChannelsDraw(count: Int) throws {
        let columns = try #require(Self.tables["magnitude"]).columns
        var table = Table(name: "magnitude", meaning: "", columns: columns)
        for token in 0..<count {
            for channel in 0..<count {
                let value: Double = token == 0 && channel == 1 ? .nan : channel == 2 ? .infinity : 1
                table.append([
                    .integer(0), .string("value"), .integer(0), .integer(token), .integer(token), .integer(channel),
                    .number(value),
                ])
            }
        }
        for id in ["magnitude-surface", "magnitude-heatmap"] {
            let svg = try FigureCatalogue.figure(id: id, tables: ["magnitude": table], context: Self.context)
            #expect(!svg.contains("nan") && !svg.contains("inf"))
        }
    }
}
