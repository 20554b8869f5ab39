import Experiments
import Foundation
import Testing

/// Manifests that run a model with caches in use and capture nothing.
@Suite struct LiveStudyTests {
    private let live = """
        analyses:
          quality: {caches: [full-f16, kivi-2-g32-r32, "simulated:rtn-int2-token-g32"], window: 24, max_windows: 2}
          decode: {caches: [full-f16, kivi-2-g32-r32], batches: [1, 3], prompts: [20, 50], steps: 3, \
        largest_batch: true, budget_bytes: 30000000}

        """

    @Test func liveStudiesNeedNoCapture() throws {
        try TestRun.with { run in
            let observer = try run.perform(try run.load(live))
            #expect(observer.ran == ["quality", "speed of generation", "figures and report"])
            for file in [
                "tables/quality.csv", "tables/quality-by-position.csv", "tables/decode.csv",
                "figures/quality-by-cache.svg", "figures/memory-throughput.svg", "report.html", "provenance.json",
            ] {
                #expect(run.exists("run/\(file)"), "\(file)")
            }
            #expect(!run.exists("run/capture.h5"))
            let quality = try run.contents("run/tables/quality.csv").split(separator: "\n")
            #expect(quality.count == 4 && quality[0].hasPrefix("text,cache,tokens"))
            #expect(try run.contents("run/tables/decode.csv").split(separator: "\n").count == 1 + 2 * (2 + 1) * 2)
            #expect(try run.perform(try run.load(live)).ran.isEmpty)
            #expect(try run.perform(try Manifest.load(run.path("run/manifest.yaml"))).ran.isEmpty)
        }
    }

    @Test func aCacheMoreRunsItsStudyAlone() throws {
        try TestRun.with { run in
            try run.perform(try run.load(live))
            let changed = live.replacingOccurrences(of: "[full-f16, kivi-2-g32-r32, ", with: "[full-f16, ")
            #expect(try run.perform(try run.load(changed)).ran == ["quality", "figures and report"])
        }
    }

    @Test func mistakesAreFoundBeforeAnythingRuns() throws {
        let mistakes: [(yaml: String, hint: String)] = [
            ("analyses: {quality: {window: 64}}\n", "analyses.quality.caches"),
            ("analyses: {quality: {caches: [kivi-2-g32-r33]}}\n", "a positive multiple of the group size 32"),
            ("analyses: {quality: {caches: [ful-f16]}}\n", "there is no scheme 'ful-f16'"),
            ("analyses: {quality: {caches: [full-f16], mode: inplace}}\n", "in-place"),
            ("analyses: {quality: {caches: [full-f16], window: 2}}\n", "scores no token"),
            ("analyses: {decode: {caches: [full-f16], batches: [0]}}\n", "1 or more"),
            ("analyses: {decode: {caches: [full-f16], largest_batch: true}}\n", "budget_bytes beside it"),
            ("analyses: {quality: {caches: ['simulated:kvquant-2']}}\n", "must be calibrated"),
            ("analyses: {decode: {caches: [full-f16], bathces: [1]}}\n", "Did you mean 'batches'?"),
        ]
        try TestRun.with { run in
            for (yaml, hint) in mistakes {
                do {
                    _ = try run.load(yaml)
                    Issue.record("'\(yaml)' was taken")
                } catch { #expect("\(error)".contains(hint), "\(error)") }
            }
        }
    }
}
