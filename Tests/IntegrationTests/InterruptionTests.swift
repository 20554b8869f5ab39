import Foundation
import Testing

/// What is left when a capture is killed, stopped or runs out of room.
@Suite struct InterruptionTests {
    /// A capture that takes long enough to be stopped in its middle, with part of it written.
    private func startedCapture(in folder: TemporaryFolder) throws -> BuiltCommand.Started {
        try folder.addModelAndText(contextLength: 200_000, layers: 24, times: 400)
        let started = try BuiltCommand.start(
            ["capture", "--model", "model.gguf", "--text", "text.txt", "--out", "c.h5"],
            in: folder.url
        )
        let partial = folder.path("c.h5.partial")
        let deadline = Date(timeIntervalSinceNow: 60)
        while Date() < deadline, started.process.isRunning {
            let size = (try? FileManager.default.attributesOfItem(atPath: partial))?[.size] as? Int ?? 0
            // Its first 512 tokens make 8 MB, and a little more before they are flushed.
            if size > 12_000_000 { return started }
            Thread.sleep(forTimeInterval: 0.005)
        }
        Issue.record("the capture ended before it could be stopped")
        return started
    }

    private func checkPartial(in folder: TemporaryFolder) throws {
        #expect(!folder.names().contains("c.h5"))
        let inspect = try BuiltCommand.run("inspect", "c.h5.partial", "--json", in: folder.url)
        #expect(inspect.code == 0, "\(inspect.errors)")
        let summary = try #require(try JSONSerialization.jsonObject(with: Data(inspect.output.utf8)) as? [String: Any])
        #expect(summary["isComplete"] as? Bool == false)
        #expect((summary["tokenCount"] as? Int ?? 0) >= 512)

        let refused = try BuiltCommand.run("stats", "c.h5.partial", "--by", "layer", "--out", "-", in: folder.url)
        #expect(refused.code == 1)
        #expect(refused.errors.contains("--allow-incomplete"), "\(refused.errors)")
        let allowed = try BuiltCommand.run(
            "stats",
            "c.h5.partial",
            "--by",
            "layer",
            "--allow-incomplete",
            "--out",
            "-",
            in: folder.url
        )
        #expect(allowed.code == 0, "\(allowed.errors)")
        #expect(allowed.output.split(separator: "\n").count == 1 + 24 * 4)
    }

    @Test func aKilledCaptureKeepsItsFlushedTokens() throws {
        let folder = try TemporaryFolder()
        let capture = try startedCapture(in: folder)
        kill(capture.process.processIdentifier, SIGKILL)
        _ = try capture.wait()
        try checkPartial(in: folder)
    }

    @Test func controlCLeavesAValidFileAndExitsWith130() throws {
        let folder = try TemporaryFolder()
        let capture = try startedCapture(in: folder)
        kill(capture.process.processIdentifier, SIGINT)
        let outcome = try capture.wait()
        #expect(outcome.code == 130)
        #expect(outcome.errors.contains("interrupted"))
        try checkPartial(in: folder)
    }

    @Test(arguments: ["file/run", "/proc/run"]) func aFolderThatCannotBeWrittenIsNamed(out: String) throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText()
        try folder.write("", to: "file")
        try folder.write("model: model.gguf\ntexts: [text.txt]\n", to: "m.yaml")
        let run = try BuiltCommand.run("run", "m.yaml", "--out", out, in: folder.url)
        #expect(run.code == 1)
        #expect(run.errors.contains(out), "\(run.errors)")
        let capture = try BuiltCommand.run(
            "capture",
            "--model",
            "model.gguf",
            "--text",
            "text.txt",
            "--out",
            "\(out)/c.h5",
            in: folder.url
        )
        #expect(capture.code == 1)
        #expect(capture.errors.contains(out), "\(capture.errors)")
    }

    /// Needs root, as CI has: a tmpfs of 1 MB that a run of several MB fills.
    @Test(.enabled(if: geteuid() == 0)) func aFullDiskIsSaidAndLeavesNothingHalfWritten() throws {
        let folder = try TemporaryFolder()
        try folder.addModelAndText(times: 40)
        let disk = folder.path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        guard try shell("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk) == 0 else {
            print("skipped: this system lets nobody mount a tmpfs")
            return
        }
        defer { _ = try? shell("umount", disk) }
        let outcome = try BuiltCommand.run(
            "capture",
            "--model",
            "model.gguf",
            "--text",
            "text.txt",
            "--max-tokens",
            "1000",
            "--out",
            "disk/c.h5",
            in: folder.url
        )
        #expect(outcome.code == 1)
        #expect(outcome.errors.lowercased().contains("space"), "\(outcome.errors)")
        #expect(!folder.names(in: "disk").contains("c.h5"))
    }

    private func shell(_ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
