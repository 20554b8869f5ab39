import Foundation
import Quantization
import Testing

@Suite struct SchemeCatalogueTests {
    /// Types of the module that conform to `contract`, as its sources declare them.
    private func conformingTypes(to contract: String) throws -> Set<String> {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/Quantization")
        let pattern = try Regex(#"(?:struct|enum|class|extension) (\w+)(?:<[^>]*>)?: [^{\n]*\b"# + contract + #"\b"#)
        var names: Set<String> = []
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            for match in try String(contentsOf: file, encoding: .utf8).matches(of: pattern) {
                names.insert(String(match[1].substring ?? ""))
            }
        }
        return names
    }

    @Test func everySchemeIsInTheCatalogue() throws {
        let listed = Set(SchemeCatalogue.tensorFamilies.map { "\($0)" })
        #expect(try conformingTypes(to: "TensorScheme") == listed)
    }

    @Test func everyStepOfAPipelineIsInTheCatalogue() throws {
        let stages = try conformingTypes(to: "PipelineStage").union(conformingTypes(to: "TransformStage"))
        #expect(stages.subtracting(["TransformStage"]) == Set(PipelineCatalogue.stages.map { "\($0)" }))
        #expect(try conformingTypes(to: "BlockCoder") == Set(PipelineCatalogue.coders.map { "\($0)" }))
    }

    @Test func everyNamedSchemeIsInTheCatalogue() throws {
        let listed = Set(SchemeCatalogue.cacheFamilies.map { "\($0)" })
        #expect(try conformingTypes(to: "NamedCacheScheme") == listed)
    }

    @Test func everyIdNamesItsScheme() throws {
        for description in SchemeCatalogue.all {
            #expect(try CacheScheme(parsing: description.id).id == description.id)
            if description.kind == .tensor { #expect(try SchemeCatalogue.scheme(description.id).id == description.id) }
        }
    }

    @Test func idsAreUniqueKebabAndDescribed() {
        let ids = SchemeCatalogue.all.map { $0.id }
        #expect(Set(ids).count == ids.count)
        for description in SchemeCatalogue.all {
            #expect(
                description.id.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-" || $0 == ".") }
            )
            #expect(!description.summary.isEmpty)
        }
    }

    @Test func theIssuesSchemesAreListed() {
        let ids = Set(SchemeCatalogue.all.map { $0.id })
        #expect(ids.contains("identity"))
        for bits in [2, 3, 4, 8] {
            for axis in ["token", "channel"] {
                for group in ["g32", "g64", "g128", "whole"] {
                    #expect(ids.contains("rtn-int\(bits)-\(axis)-\(group)"))
                }
            }
        }
        for bits in [2, 4] { #expect(ids.contains("kivi-\(bits)-g32-r128")) }
    }

    @Test func anUnknownIdNamesTheNearest() {
        #expect {
            try SchemeCatalogue.scheme("rtn-int2-chanel-g32")
        } throws: { error in
            "\(error)".contains("perhaps 'rtn-int2-channel-g32'")
        }
    }

    @Test(arguments: ["rtn-int5x-token-g32", "rtn-int2-token-32"]) func anUnknownIdTellsTheGrammar(id: String) {
        let grammar = "rtn-int{1|2|3|4|8}-{token|channel}-{gN|whole}"
        #expect(SchemeCatalogue.grammar.contains(grammar))
        #expect(throws: (any Error).self) { try SchemeCatalogue.scheme(id) }
        #expect {
            try CacheScheme(parsing: id)
        } throws: { error in
            "\(error)".contains(grammar)
        }
    }

    /// What the grammar writes is a scheme, listed or not.
    @Test func everyIdOfTheGrammarIsAScheme() throws {
        for bits in [1, 2, 3, 4, 8] {
            for axis in ["token", "channel"] {
                for group in ["g1", "g7", "g4096", "whole"] {
                    let id = "rtn-int\(bits)-\(axis)-\(group)"
                    #expect(try SchemeCatalogue.scheme(id).id == id)
                }
            }
        }
    }

    @Test func aGroupIsNoLongerThanItsDimension() {
        for length in 0...33 {
            #expect(GroupSize.elements(8).resolved(dimension: length) == min(8, max(1, length)))
            #expect(GroupSize.whole.resolved(dimension: length) == max(1, length))
        }
    }
}
