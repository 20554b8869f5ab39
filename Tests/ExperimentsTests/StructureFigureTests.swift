import Evaluation
import Experiments
import Foundation
import Reporting
import Testing

@Suite struct StructureFigureTests {
    private static let usual = FigureCatalogue.ids

    @Test func theStructureStudyBringsItsFigures() throws {
        try TestRun.with { run in
            let all = FigureCatalogue.structure.map { $0.id }
            let withStudy = try run.load("analyses: {structure: {}}\n").figures.map(\.id)
            #expect(withStudy == Self.usual + all)
            let without = try run.load("analyses: {statistics: {}}\n").figures.map(\.id)
            #expect(without == Self.usual)
        }
    }

    @Test func onlyFiguresOfTheAnalysesAskedForAreDrawn() throws {
        try TestRun.with { run in
            let text = "analyses: {structure: {analyses: [spectrum]}, statistics: {grains: [channel]}}\n"
            let manifest = try run.load(text)
            #expect(manifest.figures.map(\.id) == Self.usual + ["spectrum"])
            try run.write(try manifest.resolvedYAML(), to: "resolved.yaml")
            let resolved = try Manifest.load(run.path("resolved.yaml"))
            #expect(resolved.figures == manifest.figures)
        }
    }

    @Test func aStatisticIsReadResolvedAndChecked() throws {
        try TestRun.with { run in
            let manifest = try run.load("figures: [{id: layer-head-heatmap, statistic: excess_kurtosis}]\n")
            #expect(manifest.figures.first?.selection.statistic == "excess_kurtosis")
            try run.write(try manifest.resolvedYAML(), to: "resolved.yaml")
            let resolved = try Manifest.load(run.path("resolved.yaml"))
            #expect(resolved.figures == manifest.figures)
            let mistyped = try run.complaints("figures: [{id: layer-head-heatmap, statistic: kurtosis}]\n")
            #expect(mistyped.first?.key == "figures[0].statistic")
            #expect(mistyped.first?.description.contains("excess_kurtosis") == true)
            let unheeded = try run.complaints("figures: [{id: spectrum, statistic: mean}]\n")
            #expect(unheeded.first?.problem == "the figure 'spectrum' takes no statistic")
        }
    }
}
