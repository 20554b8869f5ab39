import Foundation
import Reporting
import TensorCore
import Testing

@Suite struct QualityByCacheTests {
    private static let columns: [Table.Column] = [
        .init("cache", .string, ""), .init("perplexity", .number, ""), .init("divergence_mean", .number, ""),
        .init("divergence_median", .number, ""), .init("divergence_p99", .number, ""),
        .init("non_finite_tokens", .integer, ""),
    ]

    private static func tables(_ caches: [(String, Double)], text: String? = nil) -> [String: Table] {
        let textColumn = text.map { _ in [Table.Column("text", .string, "")] } ?? []
        let textCell = text.map { [Table.Value.string($0)] } ?? []
        var quality = Table(name: "quality", meaning: "", columns: textColumn + columns)
        var byPosition = Table(
            name: "quality-by-position",
            meaning: "",
            columns: textColumn + [
                .init("cache", .string, ""), .init("first_position", .integer, ""), .init("end_position", .integer, ""),
                .init("divergence_mean", .number, ""),
            ]
        )
        for (name, mean) in caches {
            quality.append(
                textCell + [
                    .string(name), .number(20), .number(mean), .number(mean / 2), .number(mean * 9), .integer(0),
                ]
            )
            for first in stride(from: 256, to: 512, by: 64) {
                byPosition.append(
                    textCell + [
                        .string(name), .integer(first), .integer(first + 64), .number(mean * Double(first) / 300),
                    ]
                )
            }
        }
        return ["quality": quality, "quality-by-position": byPosition]
    }

    private func svg(_ tables: [String: Table]) throws -> String {
        let context = FigureContext(model: "SmolLM2", text: "wiki", tokens: nil)
        return try FigureCatalogue.figure(id: "quality-by-cache", tables: tables, context: context)
    }

    @Test func theTitleTellsTheNearestAndTheFarthest() throws {
        let svg = try svg(Self.tables([("full-f32", 0), ("kivi-4-g32-r128", 0.0037), ("kivi-2-g32-r128", 0.17)]))
        #expect(svg.contains("kivi-4-g32-r128 stays within 0.0037 nats of full precision, kivi-2-g32-r128 within 0.17"))
        #expect(svg.contains("By position in the window") && svg.contains("median") && svg.contains("99 %"))
    }

    @Test func eachTextHasItsPanels() throws {
        let svg = try svg(Self.tables([("kivi-4-g32-r128", 0.0037), ("kivi-2-g32-r128", 0.17)], text: "prose"))
        #expect(svg.contains("All scored tokens, prose") && svg.contains("By position in the window, prose"))
    }

    @Test func aCacheWithoutNumbersIsNotLeftOutInSilence() throws {
        var tables = Self.tables([("kivi-4-g32-r128", 0.0037), ("kivi-2-g32-r128", 0.17)])
        tables["quality"]?.append(
            [.string("rtn-int2-token-g32")] + [.missing, .missing, .missing, .missing, .integer(7)]
        )
        let svg = try svg(tables)
        #expect(svg.contains("Left out, since some of their logits are not finite: rtn-int2-token-g32."))
        #expect(try !self.svg(Self.tables([("kivi-2-g32-r128", 0.17)])).contains("Left out"))
    }

    @Test func cachesAtNoDistanceAreNoFigure() {
        #expect(throws: ReportingError.self) { try svg(Self.tables([("full-f32", 0)])) }
        #expect(throws: ReportingError.self) { try svg([:]) }
    }
}
