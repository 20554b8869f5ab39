import Foundation
import Statistics
import Testing

@Suite struct StatisticCatalogueTests {
    @Test func everyConformingTypeIsListed() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Statistics/Statistics").standardized
        let listed = Set(StatisticCatalogue.all.map { String(describing: type(of: $0)) })
        var found: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            let source = try String(contentsOf: file, encoding: .utf8)
            found.formUnion(source.matches(of: /struct (\w+): Statistic\b/).map { String($0.1) })
        }
        #expect(!found.isEmpty)
        #expect(found == listed)
    }

    @Test func columnsOfTheTablesAreThoseAgreedOn() {
        let agreed = [
            "count", "minimum", "maximum", "mean", "standard_deviation", "absolute_maximum", "mean_absolute",
            "excess_kurtosis", "quantile_001", "quantile_01", "quantile_25", "quantile_50", "quantile_75",
            "quantile_99", "quantile_999",
            "outlier_share_6sigma", "range_to_median_channel", "nonfinite",
        ]
        for (grain, origin) in [
            (Grain.channel, ["layer", "tensor", "head", "channel"]), (.token, ["layer", "tensor", "head", "token"]),
            (.head, ["layer", "tensor", "head"]), (.layer, ["layer", "tensor"]),
        ] {
            let table = StatisticsTable.empty(grain)
            let names = table.columns.map { $0.name }
            #expect(table.name == "statistics-\(grain.rawValue)")
            #expect(Array(names.prefix(origin.count + agreed.count)) == origin + agreed)
        }
        #expect(StatisticsTable.empty(.layer).index(of: "outlier_channels_5x") != nil)
        #expect(StatisticsTable.empty(.layer).index(of: "outlier_channels_10x") != nil)
        #expect(StatisticsTable.empty(.channel).index(of: "outlier_channels_10x") == nil)
    }

    @Test func everyStatisticSaysWhatItIs() {
        for statistic in StatisticCatalogue.all {
            #expect(statistic.id.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "\(statistic.id)")
            #expect(statistic.definition.hasSuffix("."), "\(statistic.id)")
            #expect(statistic.kind != .string, "\(statistic.id)")
        }
    }

    @Test func aTypoGetsTheNearestName() throws {
        #expect(try StatisticCatalogue.statistic(id: "mean").id == "mean")
        let error = #expect(throws: StatisticsError.self) { try StatisticCatalogue.statistic(id: "exess_kurtosis") }
        #expect(error == .unknownStatistic("exess_kurtosis", nearest: "excess_kurtosis"))
        #expect(error?.description.contains("kvatlas list statistics") == true)
    }
}
