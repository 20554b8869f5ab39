import Foundation
import Reporting
import TensorCore
import Testing

@Suite struct MemoryThroughputTests {
    private static let columns: [Table.Column] = [
        .init("cache", .string, ""), .init("batch", .integer, ""), .init("prompt_tokens", .integer, ""),
        .init("tokens_per_second", .number, ""), .init("peak_bytes", .integer, ""), .init("weights", .string, ""),
    ]

    private static func table(weights: String = "real") -> Table {
        var table = Table(name: "decode", meaning: "", columns: columns)
        for prompt in [161, 8000] {
            for batch in [1, 4, 16] {
                for (cache, speed) in [("full-f16", 50.0), ("kivi-2-g32-r128", 50.0 + Double(batch) * 5)] {
                    table.append([
                        .string(cache), .integer(batch), .integer(prompt), .number(speed * Double(batch).squareRoot()),
                        .integer(98_000_000 + batch * prompt * (cache == "full-f16" ? 23_040 : 4_500)),
                        .string(weights),
                    ])
                }
            }
        }
        return table
    }

    private func svg(_ table: Table, _ selection: FigureSelection = FigureSelection()) throws -> String {
        try FigureCatalogue.figure(
            id: "memory-throughput",
            tables: ["decode": table],
            context: FigureContext(model: "SmolLM2", text: "wiki", tokens: nil),
            selection: selection
        )
    }

    @Test func theTitleTellsTheLargestGain() throws {
        let svg = try svg(Self.table())
        // 130 over 50 at a batch of 16.
        #expect(svg.contains("kivi-2-g32-r128 generates 2.6"))
        for text in ["Memory, 161 tokens", "Speed, 8000 tokens", "Batch (sequences)", "full-f16"] {
            #expect(svg.contains(text), "\(text)")
        }
        #expect(!svg.contains("Weights:"))
    }

    @Test func randomWeightsAreNamed() throws {
        #expect(try svg(Self.table(weights: "random, seed 1")).contains("Weights: random, seed 1."))
    }

    @Test func whatIsBeyondTheBudgetIsCounted() throws {
        var table = Self.table()
        table.append([.string("full-f16"), .integer(64), .integer(161), .missing, .missing, .string("real")])
        #expect(try svg(table).contains("1 batch without times is left out: beyond the memory budget."))
        #expect(try !svg(Self.table()).contains("left out"))
    }

    @Test func whatIsNotThereIsNamed() throws {
        let empty = Table(name: "decode", meaning: "", columns: Self.columns)
        #expect(throws: ReportingError.self) { try svg(empty) }
        #expect(throws: ReportingError.self) { try svg(Self.table(), FigureSelection(layer: nil, scheme: "kivi-3")) }
    }
}
