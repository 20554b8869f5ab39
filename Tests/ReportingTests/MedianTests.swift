import Reporting
import TensorCore
import Testing

/// One channel has one ratio, whichever figure names it.
struct MedianTests {
    private static let context = FigureContext(model: "m", text: "t", tokens: 4)

    /// Two heads of which the second is four times as wide: its median is not the layer's.
    private static func maximum(_ head: Int, _ channel: Int) -> Double {
        head == 0 ? 1 : channel == 3 ? 25 : 4
    }

    private static func tables() -> [String: Table] {
        var statistics = Table(
            name: "statistics-channel",
            meaning: "",
            columns: SyntheticTables.plain.statisticsChannel.columns
        )
        var outliers = Table(
            name: "outlier-channels",
            meaning: "",
            columns: SyntheticTables.plain.outlierChannels.columns
        )
        var magnitude = Table(name: "magnitude", meaning: "", columns: SyntheticTables.plain.magnitude.columns)
        for head in 0..<2 {
            for channel in 0..<8 {
                let value = maximum(head, channel)
                statistics.append([
                    .integer(0), .string("key"), .integer(head), .integer(channel), .integer(4), .number(value),
                    .number(value / 2),
                ])
                // The median of eight ones, seven fours and a 25.
                outliers.append([
                    .integer(0), .string("key"), .integer(head), .integer(channel), .number(value),
                    .number(value / 2.5), .integer(1),
                ])
                for token in 0..<4 where head == 1 {
                    magnitude.append([
                        .integer(0), .string("key"), .integer(head), .integer(token), .integer(token),
                        .integer(channel), .number(token == 2 ? value : value / 2),
                    ])
                }
            }
        }
        return ["statistics-channel": statistics, "outlier-channels": outliers, "magnitude": magnitude]
    }

    private static func figure(_ id: String, _ tables: [String: Table]) throws -> String {
        try FigureCatalogue.figure(id: id, tables: tables, context: context)
    }

    @Test(arguments: ["magnitude-surface", "magnitude-heatmap", "channel-profile"])
    func figuresAgreeOnTheRatioOfAChannel(id: String) throws {
        #expect(try Self.figure(id, Self.tables()).contains("10× the layer's median channel"))
        #expect(try Verdict.all(Self.tables())[0].sentence.contains("is 10× that of the layer's median channel"))
    }

    @Test(arguments: ["magnitude-surface", "magnitude-heatmap"])
    func theOutlierTableTellsTheMedianToo(id: String) throws {
        var tables = Self.tables()
        tables["statistics-channel"] = nil
        #expect(try Self.figure(id, tables).contains("10× the layer's median channel"))
    }

    @Test(arguments: ["magnitude-surface", "magnitude-heatmap"])
    func withoutStatisticsTheHeadsMedianIsNamedAsSuch(id: String) throws {
        let svg = try Self.figure(id, Self.tables().filter { $0.key == "magnitude" })
        #expect(svg.contains("6.3× the head's median channel"))
        #expect(!svg.contains("layer's"))
    }

    @Test func aSurfaceNamesEachRidgeOnce() throws {
        var table = Table(name: "magnitude", meaning: "", columns: SyntheticTables.plain.magnitude.columns)
        for token in 0..<8 {
            for channel in 0..<64 {
                let value: Double = channel == 10 ? 60 : channel == 11 ? 50 : channel == 50 ? 40 : 1
                table.append([
                    .integer(0), .string("key"), .integer(0), .integer(token), .integer(token), .integer(channel),
                    .number(value),
                ])
            }
        }
        let svg = try Self.figure("magnitude-surface", ["magnitude": table])
        #expect(svg.contains(">channel 10, 60× the median<") && svg.contains(">channel 50, 40×<"))
        #expect(!svg.contains(">channel 11"))
    }

    @Test func queriesHaveQueryHeads() throws {
        var table = Table(
            name: "statistics-channel",
            meaning: "",
            columns: SyntheticTables.plain.statisticsChannel.columns
        )
        for head in 0..<2 {
            for channel in 0..<8 {
                table.append([
                    .integer(0), .string("query"), .integer(head), .integer(channel), .integer(4),
                    .number(Double(channel + 1)), .number(0.5),
                ])
            }
        }
        let svg = try Self.figure("channel-profile", ["statistics-channel": table])
        #expect(svg.contains("Query head (h) and channel (c)") && svg.contains("all query heads"))
        #expect(!svg.contains("KV head"))
    }
}
