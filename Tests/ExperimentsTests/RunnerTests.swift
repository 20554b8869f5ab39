import Experiments
import Foundation
import Inference
import Testing

/// Whole runs of a small random model.
@Suite struct RunnerTests {
    private let small = """
        analyses:
          errors: {schemes: [rtn-int2-token-g32, rtn-int2-channel-g32], max_queries: 8}

        """

    @Test func runLeavesWhatItPromises() throws {
        try TestRun.with { run in
            let observer = try run.perform(try run.load(small))
            #expect(observer.ran == ["capture", "statistics", "magnitudes", "errors", "figures and report"])
            for file in [
                "capture.h5", "manifest.yaml", "provenance.json", "report.html", "tables/errors.csv",
                "tables/statistics-channel.csv", "tables/magnitude.csv", "tables/README.md",
                "figures/magnitude-surface.svg", "statistics.h5",
            ] {
                #expect(run.exists("run/\(file)"), "\(file)")
            }
            #expect(try run.perform(try run.load(small)).skipped.count == 5)
        }
    }

    @Test func provenanceTracesTheRun() throws {
        try TestRun.with { run in
            try run.perform(try run.load(small))
            let data = Data(try run.contents("run/provenance.json").utf8)
            let provenance = try JSONDecoder().decode(Provenance.self, from: data)
            #expect(provenance.command == ["kvatlas", "run"])
            #expect(provenance.model.sha256 == (try SHA256.hash(ofFile: run.path("model.gguf"))))
            #expect(provenance.texts.map(\.sha256) == [try SHA256.hash(ofFile: run.path("text.txt"))])
            #expect(provenance.manifestSHA256 == (try SHA256.hash(ofFile: run.path("run/manifest.yaml"))))
            #expect(provenance.stages.map(\.id) == ["capture", "statistics", "magnitude", "errors"])
            let statistics = try #require(provenance.stages.first { $0.id == "statistics" })
            #expect(statistics.outputs["statistics.h5"] == (try SHA256.hash(ofFile: run.path("run/statistics.h5"))))
            #expect(provenance.libraries["HDF5"]?.isEmpty == false)
            #expect(provenance.machine.cores > 0)
            #expect(provenance.machine.memoryBytes > 0)
            #expect(provenance.figureContext.tokens.map { $0 > 0 } == true)
            let finished = try #require(provenance.finished)
            #expect(try Date(provenance.started, strategy: .iso8601) <= Date(finished, strategy: .iso8601))
        }
    }

    @Test func resolvedManifestOfARunRunsWithNothingToDo() throws {
        try TestRun.with { run in
            try run.perform(try run.load(small))
            let again = try run.perform(try Manifest.load(run.path("run/manifest.yaml")))
            #expect(again.ran.isEmpty)
        }
    }

    @Test func changedSchemesLeaveTheCaptureAlone() throws {
        try TestRun.with { run in
            try run.perform(try run.load(small))
            let changed = small.replacingOccurrences(of: "int2-token", with: "int4-token")
            #expect(try run.perform(try run.load(changed)).ran == ["errors", "figures and report"])
            #expect(try run.contents("run/tables/errors.csv").contains("rtn-int4-token-g32"))
        }
    }

    @Test func captureThatIsNotKeptIsMadeAgainForAChangedStudy() throws {
        try TestRun.with { run in
            let discarding = small + "output: {keep_capture: false, directory: run}\n"
            try run.perform(try run.load(discarding))
            #expect(!run.exists("run/capture.h5"))
            #expect(try run.perform(try run.load(discarding)).ran.isEmpty)
            let changed = discarding.replacingOccurrences(of: "max_queries: 8", with: "max_queries: 9")
            #expect(try run.perform(try run.load(changed)).ran == ["capture", "errors", "figures and report"])
            #expect(!run.exists("run/capture.h5"))
        }
    }

    @Test func interruptedRunCanBeTracedAndGoesOn() throws {
        try TestRun.with { run in
            let observer = RecordingObserver()
            observer.interruptedStage = "errors"
            #expect(throws: RecordingObserver.Interruption.self) {
                try run.perform(try run.load(small), observer: observer)
            }
            let data = Data(try run.contents("run/provenance.json").utf8)
            #expect(try JSONDecoder().decode(Provenance.self, from: data).finished == nil)
            #expect(!run.exists("run/report.html"))
            #expect(try run.perform(try run.load(small)).ran == ["errors", "figures and report"])
        }
    }

    @Test func otherModelDoesNotReplaceResultsUnlessTold() throws {
        try TestRun.with { run in
            try run.perform(try run.load(small))
            try RandomModel.write(path: run.path("model.gguf"), seed: 2)
            let manifest = try run.load(small)
            let thrown = try error(of: RunError.self) { try run.perform(manifest) }
            #expect(thrown == .otherModel(path: run.path("run"), there: "model", asked: "model"))
            #expect(try run.perform(manifest, replaces: true).ran.count == 5)
        }
    }

    @Test func folderOfOtherFilesIsLeftAlone() throws {
        try TestRun.with { run in
            var manifest = try run.load(small)
            manifest.output.directory = run.folder
            let before = try FileManager.default.contentsOfDirectory(atPath: run.folder).sorted()
            #expect(try error(of: RunError.self) { try run.perform(manifest) } == .foreignFolder(path: run.folder))
            #expect(try FileManager.default.contentsOfDirectory(atPath: run.folder).sorted() == before)
        }
    }

    @Test func outputThatCannotBeWrittenIsNamed() throws {
        try TestRun.with { run in
            var manifest = try run.load(small)
            manifest.output.directory = run.path("text.txt/run")
            let thrown = try error(of: FileError.self) { try run.perform(manifest) }
            #expect(thrown?.location == manifest.output.directory)
            #expect(thrown?.problem.hasPrefix("cannot be written") == true)
        }
    }

    @Test func twoRunsDoNotWriteToOneFolder() throws {
        try TestRun.with { run in
            let manifest = try run.load(small)
            let first = try Runner(manifest, command: [], replaces: false, observer: RecordingObserver())
            let process = Int(ProcessInfo.processInfo.processIdentifier)
            let thrown = try error(of: RunError.self) { try run.perform(manifest) }
            #expect(thrown == .busy(path: manifest.output.directory, process: process))
            _ = try first.run()
        }
    }

    @Test func planNeedsNoFolder() throws {
        try TestRun.with { run in
            let manifest = try run.load(small)
            let plan = try Runner.plan(manifest, replaces: false)
            #expect(plan.steps.allSatisfy { $0.action == .run(reason: "not done yet") })
            #expect(!run.exists("run"))
            try run.perform(manifest)
            #expect(
                try Runner.plan(manifest, replaces: false).steps.allSatisfy {
                    if case .skip = $0.action { true } else { false }
                }
            )
        }
    }

    @Test func textLongerThanTheContextSaysWhatToDo() throws {
        try TestRun.with { run in
            try run.write(String(repeating: "0123456789", count: 10), to: "text.txt")
            let thrown = try error(of: CaptureJobError.self) { try run.perform(try run.load(small)) }
            let message = try #require(thrown?.description)
            #expect(message.contains("the text has 100 tokens, more than the model's context of 64"))
            #expect(message.contains("capture.max_tokens"))
            #expect(!run.exists("run/capture.h5"))
            #expect(try run.perform(try run.load(small + "capture: {max_tokens: 64}\n")).ran.count == 5)
            #expect(try run.perform(try run.load(small + "capture: {sequence_tokens: 50}\n")).ran.count == 5)
        }
    }
}
