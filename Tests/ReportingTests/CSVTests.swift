import Foundation
import Reporting
import TensorCore
import Testing

/// A folder of its own that goes away with it.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("kvatlas-csv-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String, _ content: String) throws -> String {
        try Data(content.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}

struct CSVTests {
    private static let schema = Table(
        name: "sample",
        meaning: "A row is a sample | with a bar.",
        columns: [
            Table.Column("name", .string, "Any text, a|b."),
            Table.Column("count", .integer, unit: "token", "How many."),
            Table.Column("value", .number, unit: "dB", "How much."),
        ]
    )

    private static func sample() -> Table {
        var table = schema
        let texts = ["plain", "comma, inside", "quote \" inside", "two\nlines", "", "ünï ✓", " space ", "a\r\nb"]
        let numbers = [0, -0.0, 0.1, 1 / 3, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity, -.infinity]
        for (index, text) in texts.enumerated() {
            table.append([.string(text), .integer(index - 3), .number(numbers[index])])
        }
        table.append([.missing, .missing, .missing])
        return table
    }

    @Test func tablesReadBackToTheSameBits() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/deep/down/sample.csv"
        try CSV.write(Self.sample(), to: path)
        let back = try CSV.read(path, like: Self.schema)
        #expect(back == Self.sample())
        #expect(back[1, "value"].number?.sign == .minus)
    }

    @Test func notANumberReadsBack() throws {
        var table = Self.schema
        table.append([.string("x"), .integer(1), .number(.nan)])
        let folder = try TemporaryFolder()
        try CSV.write(table, to: "\(folder.path)/sample.csv")
        let back = try CSV.read("\(folder.path)/sample.csv", like: Self.schema)
        #expect(back[0, "value"].number?.isNaN == true)
    }

    @Test(arguments: 0...33)
    func anyNumberOfRowsReadsBack(count: Int) throws {
        var table = Self.schema
        for row in 0..<count { table.append([.string("r\(row)"), .integer(row), .number(Double(row) / 7)]) }
        let folder = try TemporaryFolder()
        try CSV.write(table, to: "\(folder.path)/sample.csv")
        #expect(try CSV.read("\(folder.path)/sample.csv", like: Self.schema) == table)
    }

    @Test func writingLeavesNoOtherFile() throws {
        let folder = try TemporaryFolder()
        try CSV.write(Self.sample(), to: "\(folder.path)/sample.csv")
        try CSV.write(Self.schema, to: "\(folder.path)/sample.csv")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["sample.csv"])
        #expect(try CSV.read("\(folder.path)/sample.csv", like: Self.schema).rows.isEmpty)
    }

    @Test func columnsMayStandInAnyOrderWithOtherLineEnds() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("a.csv", "\u{FEFF}value,name,count\r\n1.5,x,2\r\n")
        #expect(try CSV.read(path, like: Self.schema).rows == [[.string("x"), .integer(2), .number(1.5)]])
    }

    @Test func kindsAreInferredWithoutASchema() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("b.csv", "a,b,c,d\n1,1,x,\n2,1.5,3,\n,inf,,\n")
        let table = try CSV.read(path)
        #expect(table.name == "b")
        #expect(table.columns.map { $0.kind } == [.integer, .number, .string, .string])
        #expect(table[2, "b"] == .number(.infinity))
        #expect(table[2, "a"] == .missing)
    }

    @Test func documentationGivesUnitsAndMeanings() throws {
        let folder = try TemporaryFolder()
        try CSV.write(Self.sample(), to: "\(folder.path)/sample.csv")
        try TableDocumentation.write([Self.sample()], to: "\(folder.path)/README.md")
        let read = try TableDocumentation.read("\(folder.path)/README.md")
        #expect(read == ["sample": TableDocumentation(Self.schema)])
        #expect(try Report.tables(in: folder.path)["sample"] == Self.sample())
    }

    @Test func documentationHasNoDoubleBlankLines() throws {
        let folder = try TemporaryFolder()
        let bare = Table(name: "bare", meaning: "", columns: Self.schema.columns)
        try TableDocumentation.write([Self.sample(), bare], to: "\(folder.path)/README.md")
        let text = try String(contentsOf: URL(fileURLWithPath: "\(folder.path)/README.md"), encoding: .utf8)
        #expect(text.contains("## bare\n\n| column |") && !text.contains("\n\n\n"))
        #expect(try TableDocumentation.read("\(folder.path)/README.md")["bare"] == TableDocumentation(bare))
    }

    @Test(arguments: [
        ("name,count,value\nx,1.5,2\n", "2, column count", "an integer"),
        ("name,count,value\nx,1,2\ny,2,two\n", "3, column value", "a number"),
        ("name,count,value\n\"a\nb\",1,2\nx,y,2\n", "4, column count", "an integer"),
        ("name,count,value\nx,1\n", "2: 2 fields", "3, as the header has"),
        ("name,count,value\n\"x,1,2\n", "2: a quote is opened", "never closed"),
        ("name,count,value\n\"x\"y,1,2\n", "2: text after a closing quote", "doubled"),
        ("name,count\nx,1\n", "there is no column 'value'", "name,count,value"),
        ("name,cuont,value\nx,1,2\n", "unknown column 'cuont'", "Did you mean 'count'?"),
        ("", "there is no column 'name'", "name,count,value"),
    ])
    func badFilesAreRefusedWithTheirPlace(content: String, place: String, expected: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("bad.csv", content)
        let error = #expect(throws: ReportingError.self) { try CSV.read(path, like: Self.schema) }
        let text = try #require(error).description
        #expect(text.contains(place) && text.contains(expected) && text.contains(path), "\(text)")
    }

    @Test func filesThatCannotBeReadOrWrittenSayWhy() throws {
        let folder = try TemporaryFolder()
        let missing = #expect(throws: ReportingError.self) { try CSV.read("\(folder.path)/none.csv") }
        #expect(missing?.description.contains("No such file") == true, "\(String(describing: missing))")
        try Data([0x61, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: "\(folder.path)/latin.csv"))
        #expect(throws: ReportingError.unreadable(file: "\(folder.path)/latin.csv", reason: "it is not UTF-8 text")) {
            try CSV.read("\(folder.path)/latin.csv")
        }
        let file = try folder.file("file", "x")
        #expect(throws: ReportingError.self) { try CSV.write(Self.schema, to: "\(file)/sample.csv") }
        #expect(throws: ReportingError.self) { try CSV.read(try folder.file("empty.csv", "")) }
    }
}
