import Capture
import Foundation
import TestSupport

/// The capture error that `body` throws, or `nil` if it throws none.
func captureError(_ body: () throws -> Void) throws -> CaptureError? {
    do {
        try body()
        return nil
    } catch let error as CaptureError {
        return error
    }
}

/// Runs a program quietly; `false` if it is missing or fails.
func succeeds(_ program: String, _ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
}

/// Whether this user may mount a file system, tried once.
let canMount: Bool = {
    let tried = try? withTemporaryFolder { folder in
        guard succeeds("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder) else { return false }
        return succeeds("umount", folder)
    }
    return tried ?? false
}()

/// Runs `body` in a folder that is a file system of its own in memory.
func withTemporaryFileSystem<Result>(_ options: String, _ body: (String) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
        guard succeeds("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder) else {
            throw CocoaError(.fileWriteNoPermission)
        }
        // Lazily, in case a failed test left a file open.
        defer { _ = succeeds("umount", "-l", folder) }
        return try body(folder)
    }
}
