import Evaluation
import Quantization
import TensorCore
import Testing

/// What the tables say of groups that are longer than the axis they lie on, and which pairs they compare.
@Suite struct ErrorGroupTests {
    private static let terms = [
        "rtn-int2-token-g32", "rtn-int2-token-g64", "rtn-int2-token-g128", "rtn-int2-token-whole",
        "rtn-int2-channel-g32", "rtn-int2-channel-g128", "rtn-int2-channel-whole",
        "rtn-int4-token-g32", "rtn-int4-channel-g32",
    ]

    private func result(_ terms: [String] = Self.terms, sequences: [Range<Int>] = [0..<150]) throws -> ErrorStudyResult
    {
        try ErrorStudy.run(
            source: ArraySource.gaussian(heads: 2, kvHeads: 1, headDim: 64, sequences: sequences),
            settings: .terms(terms, maximumQueries: 8)
        )
    }

    private func size(_ result: ErrorStudyResult, _ scheme: String, _ tensor: String = "key") throws -> Table.Value {
        let row = result.errors.rowViews.first { $0.string("scheme") == scheme && $0.string("tensor") == tensor }
        return try #require(row)["group_size"]
    }

    @Test func aGroupIsNoLongerThanItsAxis() throws {
        let result = try result()
        for (scheme, count) in zip(Self.terms, [32, 64, 64, 64, 32, 128, 150]) {
            #expect(try size(result, scheme) == .integer(count), "\(scheme)")
            #expect(try size(result, scheme, "pair") == .integer(count), "\(scheme)")
        }
        // Schemes of one effective size are one scheme, and say so.
        let same = Self.terms[1...3].map { result.error("mse", "key", $0) }
        #expect(Set(same).count == 1 && !same.contains(nil))
    }

    @Test func sidesThatDifferHaveNoCommonSize() throws {
        let mixed = "rtn-int2-channel-g32/rtn-int2-token-g128"
        let result = try result([mixed])
        #expect(try size(result, mixed, "key") == .integer(32) && size(result, mixed, "value") == .integer(64))
        #expect(try size(result, mixed, "pair") == .missing)
    }

    @Test func sequencesOfDifferentLengthsHaveNoCommonWholeAxis() throws {
        let result = try result(sequences: [0..<90, 90..<150])
        #expect(try size(result, "rtn-int2-channel-whole") == .missing)
        #expect(try size(result, "rtn-int2-token-whole") == .integer(64))
        #expect(try size(result, "rtn-int2-channel-g128") == .integer(90))
    }

    @Test func aWindowShortensTheAxis() throws {
        let result = try result(["rtn-int2-channel-g128+window=100", "rtn-int2-token-g32"])
        #expect(try size(result, "rtn-int2-channel-g128+window=100") == .integer(50))
    }

    /// 64 per token has no partner among 32, 128 and 150 per channel.
    @Test func onlyGroupsOfOneSizeAreCompared() throws {
        let result = try result()
        for table in [result.perTokenVersusPerChannel, result.paperTable2] {
            let rows = table.rowViews.filter { $0.string("metric") != "attention_sparsity" }
            let groups = rows.map { "\($0.integer("bits") ?? 0) \($0["group_size"]) \($0.string("grouping") ?? "")" }
            let missing = Table.Value.missing, equal = Table.Value.integer(32)
            #expect(
                Set(groups) == ["2 \(equal) equal groups", "4 \(equal) equal groups", "2 \(missing) whole axis"]
            )
        }
    }

    @Test func differentNamesOfOneSizeAreCompared() throws {
        let result = try result(["rtn-int2-token-g128", "rtn-int2-channel-g64"])
        let comparison = result.perTokenVersusPerChannel
        #expect(Set(comparison.rowViews.map { $0.integer("group_size") }) == [64])
        let row = try #require(
            comparison.rowViews.first { $0.string("metric") == "mse" && $0.string("tensor") == "key" }
        )
        #expect(row.number("per_token") == result.error("mse", "key", "rtn-int2-token-g128"))
        #expect(row.number("per_channel") == result.error("mse", "key", "rtn-int2-channel-g64"))
    }

    @Test func thePapersNumbersStandBesideItsReadingAlone() throws {
        let table = try result().paperTable2
        let cells = ["paper_per_token", "paper_per_channel", "paper_ratio"]
        for row in table.rowViews where row.string("metric") != "attention_sparsity" {
            let isItsReading =
                row.string("reading") == "element-wise mean" && row.integer("bits") == 2
                && row.integer("group_size") == 32
            for cell in cells { #expect((row[cell] != .missing) == isItsReading) }
        }
        #expect(table.rowViews.filter { $0["paper_ratio"] != .missing }.count == 4)
        for cell in cells {
            let column = try #require(table.columns.first { $0.name == cell })
            #expect(column.meaning.contains("only beside the element-wise reading at 2 bits and groups of 32"))
        }
    }
}
