import Evaluation
import Experiments
import Foundation
import Testing

@Suite struct StructureManifestTests {
    @Test func anEmptyMappingAsksForEveryAnalysis() throws {
        try TestRun.with { run in
            let without = try run.load("analyses: {statistics: {}}\n")
            #expect(without.structure == nil)
            let empty = try run.load("analyses: {structure: {}}\n")
            #expect(empty.structure == StructureStudySettings())
        }
    }

    @Test func settingsAreReadAndResolved() throws {
        try TestRun.with { run in
            let text = """
                analyses:
                  structure: {analyses: [tiles, outliers], tensors: [key], layers: [late], max_queries: 9, blocks: 3}

                """
            let manifest = try run.load(text)
            let expected = StructureStudySettings(
                analyses: [.outliers, .tiles],
                tensors: [.key],
                layers: [1],
                maximumQueries: 9,
                blocks: 3
            )
            #expect(manifest.structure == expected)
            try run.write(try manifest.resolvedYAML(), to: "resolved.yaml")
            #expect(try Manifest.load(run.path("resolved.yaml")).structure == expected)
        }
    }

    @Test(
        arguments: [
            ("analyses: {structure: {analyses: [outlier]}}\n", "analyses.structure.analyses[0]", "'outliers'"),
            ("analyses: {structure: {analysis: [tiles]}}\n", "analyses.structure.analysis", "'analyses'"),
            ("analyses: {structure: {blocks: 1}}\n", "analyses.structure.blocks", "2 or more"),
            ("analyses: {structure: {max_queries: 0}}\n", "analyses.structure.max_queries", "1 or more"),
            ("analyses: {structur: {}}\n", "analyses.structur", "'structure'"),
            (
                "capture: {tensors: [key, value]}\nanalyses: {structure: {analyses: [attention]}}\n",
                "analyses.structure.analyses[0]", "Add 'query'"
            ),
            ("analyses: {magnitude: {tensors: [kye_rotated]}}\n", "analyses.magnitude.tensors[0]", "'key_rotated'"),
        ]
    )
    func mistakesAreNamed(rest: String, key: String, hint: String) throws {
        try TestRun.with { run in
            let complaint = try #require(try run.complaints(rest).first)
            #expect(complaint.key == key)
            #expect("\(complaint)".contains(hint), "\(complaint)")
        }
    }

    @Test func withoutQueriesAttentionIsNotAskedFor() throws {
        try TestRun.with { run in
            let manifest = try run.load("capture: {tensors: [key, value]}\nanalyses: {structure: {}}\n")
            #expect(manifest.structure?.analyses.contains(.attention) == false)
        }
    }

    @Test func aRunWritesItsTablesAndKnowsWhenToMakeThemAnew() throws {
        try TestRun.with { run in
            let text = """
                analyses:
                  structure: {}
                  magnitude: {tensors: [key, key_rotated]}
                  errors: {schemes: [rtn-int2-token-g32], max_queries: 8}

                """
            let observer = try run.perform(try run.load(text))
            #expect(observer.ran.contains("structure"))
            for name in StructureAnalysis.allCases.flatMap({ $0.tables }) {
                #expect(run.exists("run/tables/\(name).csv"), "\(name)")
                #expect(try run.contents("run/tables/README.md").contains("## \(name)\n"))
            }
            #expect(try run.contents("run/tables/magnitude.csv").contains("key_rotated"))
            #expect(try run.perform(try run.load(text)).ran.isEmpty)
            let changed = text.replacingOccurrences(of: "structure: {}", with: "structure: {max_queries: 5}")
            #expect(try run.perform(try run.load(changed)).ran == ["structure", "figures and report"])
        }
    }
}
