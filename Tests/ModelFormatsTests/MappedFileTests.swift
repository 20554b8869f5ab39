import Foundation
import ModelFormats
import Testing

@Suite struct MappedFileTests {
    private func reason(_ path: String) -> MappedFileError.Reason? {
        let error = #expect(throws: MappedFileError.self) { try MappedFile(path: path) }
        #expect(error?.description.contains(path) == true)
        return error?.reason
    }

    @Test func contentIsTheFiles() throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try Data(bytes).write(to: URL(fileURLWithPath: folder.file("a")))
        let file = try MappedFile(path: folder.file("a"))
        #expect(file.byteCount == bytes.count)
        #expect(Array(file.bytes) == bytes)
    }

    @Test func copyHoldsItsOwnBytes() {
        var bytes: [UInt8] = [1, 2, 3]
        let file = MappedFile(copying: bytes, name: "memory")
        bytes[0] = 9
        #expect(Array(file.bytes) == [1, 2, 3])
        #expect(MappedFile(copying: [], name: "none").byteCount == 0)
    }

    @Test func missingFile() throws {
        let folder = try TemporaryFolder()
        #expect(reason(folder.file("missing.gguf")) == .missing)
    }

    @Test func fileWhereAFolderShouldBe() throws {
        let folder = try TemporaryFolder()
        try Data([1]).write(to: URL(fileURLWithPath: folder.file("a")))
        #expect(reason(folder.file("a/b")) == .missing)
    }

    @Test func folder() throws {
        let folder = try TemporaryFolder()
        #expect(reason(folder.path) == .isDirectory)
    }

    @Test func emptyFile() throws {
        let folder = try TemporaryFolder()
        try Data().write(to: URL(fileURLWithPath: folder.file("empty")))
        #expect(reason(folder.file("empty")) == .empty)
    }

    @Test func device() {
        #expect(reason("/dev/null") == .notRegularFile)
    }

    /// Opening a pipe without a writer must not wait for one.
    @Test func pipe() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        #expect(reason(folder.file("pipe")) == .notRegularFile)
    }

    /// The superuser may read everything.
    @Test(.enabled(if: geteuid() != 0)) func noPermission() throws {
        let folder = try TemporaryFolder()
        try Data([1]).write(to: URL(fileURLWithPath: folder.file("locked")))
        #expect(chmod(folder.file("locked"), 0) == 0)
        #expect(reason(folder.file("locked")) == .noPermission)
    }
}
