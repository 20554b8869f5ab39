import Evaluation
import Foundation
import Quantization
import Testing

@Suite struct ErrorCatalogueTests {
    @Test func everyMetricIsInTheCatalogue() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/Evaluation")
        var declared: Set<String> = []
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /(?:struct|enum|class|extension) (\w+): [^{\n]*\bErrorMetric\b/) {
                declared.insert(String(match.1))
            }
        }
        #expect(declared == Set(MetricCatalogue.metrics.map { "\($0)" }))
    }

    @Test func metricsAreDefined() {
        for metric in MetricCatalogue.all {
            #expect(!metric.definition.isEmpty)
            #expect(metric.id.allSatisfy { $0.isASCII && ($0.isLowercase || $0 == "_") })
            #expect(metric.needsQueries == (metric.subject != .reconstruction))
        }
    }

    @Test func theIssuesMetricsAreListed() {
        let ids = Set(MetricCatalogue.all.map { $0.id })
        let wanted = [
            "mean_absolute_relative_error", "relative_frobenius", "mse", "sqnr_db", "score_relative_error",
            "output_error_key", "output_error_value", "output_error_pair", "attention_sparsity",
        ]
        #expect(ids.isSuperset(of: wanted))
    }

    @Test func everyDefaultSchemeIsRead() {
        #expect(ErrorStudySettings.defaultSchemes.count == 13)
    }

    @Test func settingsSurviveCodingAndFillInDefaults() throws {
        var settings = ErrorStudySettings(layers: [0, 7], maximumQueries: 9, queryStride: 3)
        settings.schemes = [try CacheScheme(parsing: "kivi-2-g32-r128+sink=4")]
        let copy = try JSONDecoder().decode(ErrorStudySettings.self, from: JSONEncoder().encode(settings))
        #expect(copy == settings)
        let empty = try JSONDecoder().decode(ErrorStudySettings.self, from: Data("{}".utf8))
        #expect(empty == ErrorStudySettings())
        #expect(ErrorStudySettings.keys.contains("maximum_queries"))
    }

    @Test func aSchemeTypoInSettingsIsNamed() {
        #expect {
            try JSONDecoder().decode(ErrorStudySettings.self, from: Data(#"{"schemes":["kivi-2-g32-r130"]}"#.utf8))
        } throws: { error in
            "\(error)".contains("multiple of the group size 32")
        }
    }

    @Test func queryPositionsAreSpreadAndEndAtTheLastToken() {
        for tokens in 1...40 {
            for maximum in [1, 3, 7, 40, 100] {
                for stride in [1, 2, 5] {
                    let positions = QuerySample.positions(tokens: tokens, maximum: maximum, stride: stride)
                    #expect(positions.count == min(maximum, (tokens + stride - 1) / stride))
                    #expect(positions.last == tokens - 1)
                    #expect(positions.allSatisfy { (0..<tokens).contains($0) })
                    let distances = zip(positions, positions.dropFirst()).map { $1 - $0 }
                    #expect(distances.allSatisfy { $0 >= 1 })
                    let least = distances.min() ?? 0
                    let most = distances.max() ?? 0
                    #expect(most - least <= 1)
                }
            }
        }
        #expect(QuerySample.positions(tokens: 4, maximum: 256, stride: 1) == [0, 1, 2, 3])
        #expect(QuerySample.positions(tokens: 0, maximum: 256, stride: 1).isEmpty)
    }
}
