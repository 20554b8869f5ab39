import Foundation
import Reporting
import TensorCore
import Testing

struct ReportTests {
    @Test func aReportIsRebuiltFromFilesAlone() throws {
        let run = try RunFolder(.outliers)
        let content = try Report.write(runDirectory: run.path)
        #expect(content.missingFigures.isEmpty)
        #expect(content.figures.count == FigureCatalogue.all.count)
        let page = try run.read("report.html")
        for figure in content.figures {
            #expect(page.contains(figure.svg))
            #expect(try run.read(figure.file) == figure.svg)
        }
        #expect(content.context == FigureContext(model: "synthetic 24-layer model", text: "seeded noise", tokens: 2048))
        #expect(content.tables.mapValues { $0.rows.count } == SyntheticTables.outliers.all.mapValues { $0.rows.count })
        try Report.write(runDirectory: run.path)
        let again = try run.read("report.html")
        // The folder's name is in the page, and only that may differ between runs.
        #expect(again == page)
    }

    @Test func thePageNeedsNothingFromElsewhere() throws {
        let run = try RunFolder(.plain)
        let page = HTMLReport.html(try Report.build(runDirectory: run.path))
        let addresses = page.replacing("http://www.w3.org/2000/svg", with: "")
        #expect(!addresses.contains("http://") && !addresses.contains("https://") && !addresses.contains("//"))
        #expect(!page.contains("<script src") && !page.contains("<link") && !page.contains("@import"))
        let targets = page.matches(of: #/href="([^"]*)"/#).map { String($0.1) }
        for target in targets where !target.hasPrefix("#") {
            #expect(target.hasPrefix("tables/") || target.hasPrefix("figures/"), "\(target)")
        }
    }

    @Test func idsAreUniqueAndLinksLeadSomewhere() throws {
        let run = try RunFolder(.plain)
        let page = HTMLReport.html(try Report.build(runDirectory: run.path))
        let ids = page.matches(of: #/ id="([^"]*)"/#).map { String($0.1) }
        #expect(Set(ids).count == ids.count)
        for match in page.matches(of: #/(?:href="|url\()#([^")]*)/#) { #expect(ids.contains(String(match.1))) }
    }

    @Test func whatStandsInFilesIsEscaped() throws {
        let run = try RunFolder(.plain)
        let page = HTMLReport.html(try Report.build(runDirectory: run.path))
        #expect(page.contains("data/models/&lt;synthetic&gt; &amp; more.gguf"))
        #expect(page.contains("runs/&lt;x&gt;"))
        #expect(page.contains("avx2, fma, f16c"))
    }

    @Test func aFigureWithoutItsTableIsReportedAndTheRestIsDrawn() throws {
        let run = try RunFolder(.plain, leavingOut: ["magnitude"])
        let content = try Report.build(runDirectory: run.path)
        #expect(content.missingFigures.map { $0.id } == ["magnitude-surface", "magnitude-heatmap"])
        #expect(HTMLReport.html(content).contains("needs table 'magnitude'"))
        #expect(content.figures.count == FigureCatalogue.all.count - 2)
    }

    @Test func aRunSaysWhichFiguresItWants() throws {
        let run = try RunFolder(.plain)
        let requests = [
            FigureRequest(id: "channel-profile", selection: FigureSelection(layer: 3, tensor: "key")),
            FigureRequest(id: "channel-profile", selection: FigureSelection(layer: 4, tensor: "key")),
        ]
        try Report.write(requests: requests, runDirectory: run.path)
        let content = try Report.build(runDirectory: run.path)
        #expect(content.figures.map { $0.id } == ["channel-profile-layer-3-key", "channel-profile-layer-4-key"])
        try run.write("{\"id\": 3}", to: "figures.json")
        #expect(throws: ReportingError.self) { try Report.build(runDirectory: run.path) }
    }

    @Test func aFolderWithoutTablesIsNoRun() throws {
        #expect(throws: ReportingError.notARun(directory: "/nowhere")) { try Report.build(runDirectory: "/nowhere") }
    }

    @Test func aDamagedTableIsNamed() throws {
        let run = try RunFolder(.plain)
        try run.write("layer,tensor\n1\n", to: "tables/errors-by-layer.csv")
        let error = #expect(throws: ReportingError.self) { try Report.build(runDirectory: run.path) }
        #expect(error?.description.contains("errors-by-layer.csv:2") == true)
    }

    @Test(arguments: [
        ("{\"a\": 1, \"b\": [true, null, \"x\\u00e9\\n\"]}", true), ("[]", true), ("-1.5e3", true), ("{", false),
        ("[1,]", false), ("{\"a\" 1}", false), ("\"open", false), ("nul", false), ("1 2", false), ("", false),
    ])
    func provenanceIsParsedOrRefused(text: String, isValid: Bool) {
        let value = try? JSONValue.parse(text)
        #expect((value != nil) == isValid)
    }

    @Test func membersKeepTheirOrderAndNumbersTheirDigits() throws {
        let value = try JSONValue.parse("{\"z\": 0.10, \"a\": {\"k\": 12345678901234567890}}")
        #expect(
            value
                == .object([
                    .init("z", .number("0.10")), .init("a", .object([.init("k", .number("12345678901234567890"))])),
                ])
        )
        #expect(throws: ReportingError.self) { try JSONValue.parse(String(repeating: "[", count: 100_000)) }
    }
}
