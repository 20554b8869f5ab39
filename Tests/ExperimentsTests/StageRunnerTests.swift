import Experiments
import Foundation
import TestSupport
import Testing

/// Stages that write one file each, beside a log of what ran.
private struct SyntheticStages {
    let folder: URL
    var fingerprints: [Stage.ID: String] = [:]
    var outputs: [Stage.ID: [String]] = [:]
    var failing: Stage.ID?

    struct Failure: Error {}

    init(_ folder: String) throws {
        self.folder = URL(filePath: folder)
        try FileManager.default.createDirectory(
            at: self.folder.appending(path: ".stages"),
            withIntermediateDirectories: true
        )
    }

    func files(of id: Stage.ID) -> [String] { outputs[id] ?? ["\(id.rawValue).txt"] }

    var stages: [Stage] {
        [Stage.ID.capture, .statistics, .magnitude, .errors, .report].map { id in
            Stage(id: id, fingerprint: fingerprints[id] ?? "first") { progress in
                try progress(0.5)
                for file in files(of: id) {
                    try AtomicFile.write("\(id.rawValue)", to: folder.appending(path: file).path)
                }
                if failing == id { throw Failure() }
                return (files(of: id), "wrote \(id.rawValue)")
            }
        }
    }

    @discardableResult
    func run(replaces: Bool = false) throws -> RecordingObserver {
        let observer = RecordingObserver()
        try StageRunner(folder: folder, replaces: replaces, observer: observer).run(stages)
        return observer
    }

    func plan(replaces: Bool = false) throws -> RunPlan {
        try StageRunner(folder: folder, replaces: replaces, observer: RecordingObserver()).plan(stages)
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(at: folder.appending(path: file)) }
    func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: folder.appending(path: file).path) }
    func edit(_ file: String) throws { try Data("edited".utf8).write(to: folder.appending(path: file)) }
}

@Suite struct StageRunnerTests {
    private let all = ["capture", "statistics", "magnitudes", "errors", "figures and report"]

    @Test func secondRunSkipsEverything() throws {
        try withTemporaryFolder { folder in
            let stages = try SyntheticStages(folder)
            #expect(try stages.run().ran == all)
            let second = try stages.run()
            #expect(second.ran.isEmpty)
            #expect(second.skipped == all)
        }
    }

    @Test func changedSettingRunsThatStageAndWhatReadsIt() throws {
        try withTemporaryFolder { folder in
            var stages = try SyntheticStages(folder)
            try stages.run()
            stages.fingerprints[.errors] = "second"
            #expect(try stages.run().ran == ["errors", "figures and report"])
            stages.fingerprints[.report] = "second"
            #expect(try stages.run().ran == ["figures and report"])
        }
    }

    @Test func missingTableIsMadeAgainAndTheReportWithIt() throws {
        try withTemporaryFolder { folder in
            let stages = try SyntheticStages(folder)
            try stages.run()
            try stages.remove("magnitude.txt")
            #expect(try stages.run().ran == ["magnitudes", "figures and report"])
        }
    }

    @Test func captureThatIsGoneComesBackOnlyIfItIsNeeded() throws {
        try withTemporaryFolder { folder in
            var stages = try SyntheticStages(folder)
            try stages.run()
            try stages.remove("capture.txt")
            #expect(try stages.run().ran.isEmpty)
            stages.fingerprints[.statistics] = "second"
            #expect(try stages.run().ran == ["capture", "statistics", "figures and report"])
        }
    }

    @Test func tableEditedByHandIsNotReplacedUnlessTold() throws {
        try withTemporaryFolder { folder in
            let stages = try SyntheticStages(folder)
            try stages.run()
            try stages.edit("errors.txt")
            let thrown = try error(of: RunError.self) { try stages.run() }
            #expect(thrown == .editedOutput(path: stages.folder.appendingPathComponent("errors.txt").path))
            #expect(thrown?.description.contains("--force") == true)
            #expect(try stages.run(replaces: true).ran == ["errors", "figures and report"])
            #expect(try stages.run().ran.isEmpty)
        }
    }

    @Test func editedReportIsMadeAgain() throws {
        try withTemporaryFolder { folder in
            let stages = try SyntheticStages(folder)
            try stages.run()
            try stages.edit("report.txt")
            #expect(try stages.run().ran == ["figures and report"])
        }
    }

    @Test func stoppedRunGoesOnWhereItStopped() throws {
        try withTemporaryFolder { folder in
            var stages = try SyntheticStages(folder)
            stages.failing = .magnitude
            #expect(throws: SyntheticStages.Failure.self) { try stages.run() }
            stages.failing = nil
            #expect(try stages.plan().steps.map(\.action)[2] == .run(reason: "it was cut short"))
            #expect(try stages.run().ran == ["magnitudes", "errors", "figures and report"])
        }
    }

    @Test func filesThatNewSettingsDoNotMakeAreRemoved() throws {
        try withTemporaryFolder { folder in
            var stages = try SyntheticStages(folder)
            stages.outputs[.statistics] = ["token.csv", "layer.csv"]
            try stages.run()
            stages.outputs[.statistics] = ["layer.csv"]
            stages.fingerprints[.statistics] = "second"
            // Also when the first attempt with the new settings fails.
            stages.failing = .statistics
            #expect(throws: SyntheticStages.Failure.self) { try stages.run() }
            stages.failing = nil
            try stages.run()
            #expect(!stages.exists("token.csv"))
            #expect(stages.exists("layer.csv"))
        }
    }

    @Test func planSaysWhyAndWritesNothing() throws {
        try withTemporaryFolder { folder in
            var stages = try SyntheticStages(folder)
            #expect(try stages.plan().steps.map(\.action) == Array(repeating: .run(reason: "not done yet"), count: 5))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [".stages"])
            try stages.run()
            stages.fingerprints[.errors] = "second"
            let plan = try stages.plan()
            #expect(plan.steps[0].action == .skip(summary: "wrote capture"))
            #expect(plan.steps[3].action == .run(reason: "its settings or inputs changed"))
            #expect(plan.steps[4].action == .run(reason: "'errors' is made anew"))
            #expect(plan.description.contains("errors              runs: its settings or inputs changed"))
            #expect(plan.description.contains("capture             up to date (wrote capture)"))
        }
    }

    @Test func damagedStampCountsAsNone() throws {
        try withTemporaryFolder { folder in
            let stages = try SyntheticStages(folder)
            try stages.run()
            try Data("{".utf8).write(to: StageStamp.path(of: .statistics, in: stages.folder))
            #expect(try stages.run().ran == ["statistics", "figures and report"])
        }
    }
}
