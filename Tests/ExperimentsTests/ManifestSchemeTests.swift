import Evaluation
import Experiments
import Foundation
import Quantization
import Testing

/// What a manifest says of schemes: how they are spelled, what they learn from, what window they share.
@Suite struct ManifestSchemeTests {
    static let learned = """
        calibration:
          texts: [{path: learn.txt, name: learnt}]
          max_tokens: 40
          sequence_tokens: 20
        analyses:
          errors:
            max_queries: 8
            window: "equal(sink: 2, recent: 4)"
            schemes:
              - rtn-int2-token-g32
              - {pipeline: [hadamard, uniform-4-token-g32], window: window=8}
              - {keys: [coupled-4c4b], values: [norm, uniform-2-token-g32]}

        """

    private static func withLearning<Result>(_ body: (TestRun) throws -> Result) throws -> Result {
        try TestRun.with { run in
            try run.write(String(repeating: "what a cache learns from. ", count: 4), to: "learn.txt")
            return try body(run)
        }
    }

    @Test func mappingsAreTheTermsThatTheyStandFor() throws {
        try Self.withLearning { run in
            let errors = try run.load(Self.learned).errors
            let terms = [
                "rtn-int2-token-g32", "hadamard:uniform-4-token-g32+window=8",
                "coupled-4c4b/norm:uniform-2-token-g32",
            ]
            #expect(errors.schemes == (try terms.map { try CacheScheme(parsing: $0) }))
            #expect(errors.equalWindow == (try WindowPolicy(sink: 2, recent: .last(4))))
        }
    }

    @Test func calibrationIsRead() throws {
        try Self.withLearning { run in
            let calibration = try #require(try run.load(Self.learned).calibration)
            #expect(calibration.texts.map(\.path) == [run.path("learn.txt")])
            #expect(calibration.texts.map(\.name) == ["learnt"])
            #expect(calibration.maximumTokensPerText == 40)
            #expect(calibration.tokensPerSequence == 20)
        }
    }

    @Test func resolvedManifestReadsBackTheSame() throws {
        try Self.withLearning { run in
            let manifest = try run.load(Self.learned)
            let text = try manifest.resolvedYAML()
            try run.write(text, to: "resolved.yaml")
            let again = try Manifest.load(run.path("resolved.yaml"))
            #expect(try again.resolvedYAML() == text)
            #expect(again.errors == manifest.errors)
            #expect(again.calibration == manifest.calibration)
        }
    }

    @Test func schemesLearnOnceFromTheirOwnText() throws {
        try Self.withLearning { run in
            let manifest = try run.load(Self.learned)
            #expect(try run.perform(manifest).ran.contains("calibration"))
            #expect(run.exists("run/calibration.h5"))
            let table = try run.contents("run/tables/errors.csv")
            #expect(table.contains("coupled-4c4b"))
            #expect(!table.contains("window=8"), "one window for all stands in place of each scheme's own")
            #expect(try run.perform(manifest).ran.isEmpty)
            try run.write(String(repeating: "another text to learn. ", count: 4), to: "learn.txt")
            #expect(try run.perform(manifest).ran == ["calibration", "errors", "figures and report"])
        }
    }

    /// Each fragment of a manifest, the key complained of, and words of the complaint.
    static let mistakes: [(rest: String, key: String, words: String)] = [
        (
            "analyses: {errors: {schemes: [coupled-4c4b]}}\n", "analyses.errors.schemes",
            "must be calibrated"
        ),
        (
            "analyses: {errors: {schemes: [{pipeline: [hadamrd, uniform-4-token-g32]}]}}\n",
            "analyses.errors.schemes[0]", "hadamard"
        ),
        (
            "analyses: {errors: {schemes: [{keys: [uniform-4-token-g32]}]}}\n",
            "analyses.errors.schemes[0].values", "the key is missing"
        ),
        (
            "analyses: {errors: {schemes: [{pipeline: [uniform-4-token-g32], values: [nvfp4]}]}}\n",
            "analyses.errors.schemes[0].values", "beside 'pipeline'"
        ),
        (
            "analyses: {errors: {schemes: [{pipelines: [uniform-4-token-g32]}]}}\n",
            "analyses.errors.schemes[0].pipelines", "'pipeline'"
        ),
        ("analyses: {errors: {window: equals(4)}}\n", "analyses.errors.window", "equal("),
        ("calibration: {texts: [absent.txt]}\n", "calibration.texts[0]", "no such file"),
        ("calibration: {max_tokens: 4}\n", "calibration.texts", "missing"),
    ]

    @Test(arguments: mistakes.indices) func mistakesNameTheirKey(index: Int) throws {
        let (rest, key, words) = Self.mistakes[index]
        try TestRun.with { run in
            let complaints = try run.complaints(rest)
            #expect(
                complaints.contains { $0.key == key && $0.description.contains(words) },
                "\(complaints.map { "\($0.key): \($0.description)" })"
            )
        }
    }
}
