import Foundation
import ModelFormats
import Testing

@Suite struct GGUFWriterTests {
    @Test func writtenFileEqualsTheEncodedOne() throws {
        let folder = try TemporaryFolder()
        var writer = GGUFWriter()
        writer.set("k", .uint32(1))
        writer.set("k", .uint32(2))
        try writer.add("t", dimensions: [2], floats: [1, 2])
        try writer.write(to: folder.file("a.gguf"))
        let file = try GGUFFile(path: folder.file("a.gguf"))
        #expect(Array(file.file.bytes) == writer.encoded())
        #expect(try file.integer("k") == 2)
        #expect(try folder.names() == ["a.gguf"])
    }

    @Test func existingFileIsKeptUnlessToldOtherwise() throws {
        let folder = try TemporaryFolder()
        try Data("old".utf8).write(to: URL(fileURLWithPath: folder.file("a")))
        let error = #expect(throws: GGUFError.self) { try GGUFWriter().write(to: folder.file("a")) }
        #expect(error?.reason == .fileExists)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("a"))) == Data("old".utf8))
        try GGUFWriter().write(to: folder.file("a"), overwrite: true)
        #expect(try GGUFFile(path: folder.file("a")).keys.isEmpty)
        #expect(try folder.names() == ["a"])
    }

    @Test func failedWriteLeavesNothingBehind() throws {
        let folder = try TemporaryFolder()
        let missing = #expect(throws: GGUFError.self) { try GGUFWriter().write(to: folder.file("no/a")) }
        #expect(missing?.description.contains("No such file or directory") == true)
        // A folder stands where the file should go: found only when renaming.
        try FileManager.default.createDirectory(atPath: folder.file("b"), withIntermediateDirectories: false)
        #expect(throws: GGUFError.self) { try GGUFWriter().write(to: folder.file("b"), overwrite: true) }
        #expect(try folder.names() == ["b"])
    }

    /// Every write to this device fails for want of space.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func fullDisk() throws {
        let folder = try TemporaryFolder()
        let partial = folder.file("a.gguf.\(getpid()).partial")
        #expect(symlink("/dev/full", partial) == 0)
        let error = #expect(throws: GGUFError.self) { try GGUFWriter().write(to: folder.file("a.gguf")) }
        #expect(error?.description.contains("No space left on device") == true)
        #expect(try folder.names() == [])
    }

    @Test func tensorsThatCannotBeWritten() throws {
        var writer = GGUFWriter()
        try writer.add("t", dimensions: [2], floats: [1, 2])
        func reason(_ name: String, _ dimensions: [Int], _ count: Int, q8: Bool = false) -> GGUFError.Reason? {
            let bytes = [UInt8](repeating: 0, count: count)
            return #expect(throws: GGUFError.self) {
                var writer = writer
                try writer.add(name, elementType: q8 ? .q8_0 : .float32, dimensions: dimensions, bytes: bytes)
            }?.reason
        }
        #expect(reason("t", [2], 8) == .duplicateTensor("t"))
        #expect(reason("u", [2], 7) == .wrongTensorSize(tensor: "u", expected: 8, found: 7))
        let shapes: [(dimensions: [Int], q8: Bool)] = [
            ([], false), ([0], false), ([-1], false), ([1, 1, 1, 1, 1], false), ([16, 2], true),
            ([1 << 40, 1 << 40], false),
        ]
        for (dimensions, q8) in shapes {
            guard case .invalidDimensions = reason("u", dimensions, 34, q8: q8) else {
                Issue.record("\(dimensions) accepted")
                continue
            }
        }
    }
}
