import Experiments
import Foundation
import Reporting
import Testing

/// What a run folder's checksums say of files that somebody touched.
@Suite struct RunAlterationTests {
    private let small = """
        analyses:
          errors: {schemes: [rtn-int2-token-g32, rtn-int2-channel-g32], max_queries: 8}

        """

    private func withRun(_ body: (TestRun, String) throws -> Void) throws {
        try TestRun.with { run in
            try run.perform(try run.load(small))
            try body(run, run.path("run"))
        }
    }

    @Test func aFinishedRunIsAsItWasLeft() throws {
        try withRun { run, folder in
            #expect(try RunFolder.alterations(in: folder) == [])
            // What may go or is drawn anew.
            for file in ["capture.h5", "report.html", "figures/magnitude-surface.svg"] {
                try FileManager.default.removeItem(atPath: run.path("run/\(file)"))
            }
            #expect(try RunFolder.alterations(in: folder) == [])
        }
    }

    @Test func editedMissingAndForeignFilesAreTold() throws {
        try withRun { run, folder in
            let errors = try run.contents("run/tables/errors.csv")
            let manifest = try run.contents("run/manifest.yaml")
            try run.write(errors.replacingOccurrences(of: "0", with: "1"), to: "run/tables/errors.csv")
            try FileManager.default.removeItem(atPath: run.path("run/tables/magnitude.csv"))
            try run.write("layer\n1\n", to: "run/tables/mine.csv")
            try run.write(manifest + "# edited\n", to: "run/manifest.yaml")
            let found = try RunFolder.alterations(in: folder)
            #expect(
                Set(found.map { $0.sentence }) == [
                    "tables/errors.csv was changed after the run made it",
                    "tables/magnitude.csv was made by the run and is gone", "tables/mine.csv was not made by the run",
                    "manifest.yaml was changed after the run made it",
                ]
            )
            #expect(found.count == 4)
        }
    }

    @Test func aCopyWithoutItsStampsIsCheckedByItsProvenance() throws {
        try withRun { run, folder in
            try FileManager.default.removeItem(atPath: run.path("run/.stages"))
            #expect(try RunFolder.alterations(in: folder) == [])
            try run.write("layer\n1\n", to: "run/tables/errors.csv")
            #expect(
                try RunFolder.alterations(in: folder) == [Alteration(file: "tables/errors.csv", kind: .changed)]
            )
            try FileManager.default.removeItem(atPath: run.path("run/provenance.json"))
            #expect(try RunFolder.alterations(in: folder) == [])
        }
    }

    @Test func tablesOfAStageThatWasCutShortAreTold() throws {
        try withRun { run, folder in
            let observer = RecordingObserver()
            observer.interruptedStage = "errors"
            let changed = small.replacingOccurrences(of: "max_queries: 8", with: "max_queries: 9")
            #expect(throws: RecordingObserver.Interruption.self) {
                try run.perform(try run.load(changed), observer: observer)
            }
            let found = try RunFolder.alterations(in: folder)
            #expect(!found.isEmpty && found.allSatisfy { $0.kind == .unfinished })
            #expect(found.contains { $0.file == "tables/errors.csv" })
        }
    }
}
