import Experiments
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct SHA256Tests {
    /// FIPS 180-4's examples, from the standard's test vectors.
    @Test func knownDigests() {
        #expect(SHA256.hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256.hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(SHA256.hash(million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test(arguments: [0, 1, 4 << 20, (4 << 20) + 1]) func fileIsHashedLikeItsBytes(count: Int) throws {
        try withTemporaryFolder { folder in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try AtomicFile.write(Data(bytes), to: folder + "/file")
            var shares: [Double] = []
            #expect(try SHA256.hash(ofFile: folder + "/file") { shares.append($0) } == SHA256.hash(bytes))
            #expect(count == 0 || shares.last == 1)
        }
    }

    @Test func missingFileAndFolderAreNamed() throws {
        try withTemporaryFolder { folder in
            let missing = try error(of: FileError.self) { try SHA256.hash(ofFile: folder + "/absent") }
            #expect(missing == .missing(path: folder + "/absent", nearest: nil))
            let isFolder = try error(of: FileError.self) { try SHA256.hash(ofFile: folder) }
            #expect(isFolder == .unreadable(path: folder, reason: "it is a folder"))
        }
    }
}

@Suite struct ChecksumCacheTests {
    @Test func unchangedFileIsNotReadAgain() throws {
        try withTemporaryFolder { folder in
            let cache = ChecksumCache(file: URL(filePath: folder + "/checksums.json"))
            try AtomicFile.write("abc", to: folder + "/file")
            var reads = 0
            for _ in 0..<2 {
                let sha256 = try cache.sha256(ofFile: folder + "/file") { _ in reads += 1 }
                #expect(sha256 == SHA256.hash("abc"))
            }
            #expect(reads == 1)
            try AtomicFile.write("abcd", to: folder + "/file")
            #expect(try cache.sha256(ofFile: folder + "/file") == SHA256.hash("abcd"))
        }
    }

    @Test func fileBehindALinkIsTheOneThatCounts() throws {
        try withTemporaryFolder { folder in
            let cache = ChecksumCache(file: URL(filePath: folder + "/checksums.json"))
            try AtomicFile.write("one", to: folder + "/a")
            try AtomicFile.write("two!", to: folder + "/b")
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/a")
            #expect(try cache.sha256(ofFile: folder + "/link") == SHA256.hash("one"))
            try FileManager.default.removeItem(atPath: folder + "/link")
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/b")
            #expect(try cache.sha256(ofFile: folder + "/link") == SHA256.hash("two!"))
        }
    }

    @Test func damagedCacheIsAnEmptyOne() throws {
        try withTemporaryFolder { folder in
            try AtomicFile.write("not JSON", to: folder + "/checksums.json")
            try AtomicFile.write("abc", to: folder + "/file")
            let cache = ChecksumCache(file: URL(filePath: folder + "/checksums.json"))
            #expect(try cache.sha256(ofFile: folder + "/file") == SHA256.hash("abc"))
        }
    }
}

@Suite struct ModelChecksumTests {
    private func writeFolder(_ folder: String) throws {
        try AtomicFile.write(#"{"model_type":"llama"}"#, to: folder + "/config.json")
        try AtomicFile.write("{}", to: folder + "/tokenizer.json")
        // A length of two, and a header without tensors.
        try AtomicFile.write(Data([2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)), to: folder + "/model.safetensors")
    }

    @Test func oneFileHasItsOwn() throws {
        try withTemporaryFolder { folder in
            try RandomModel.write(path: folder + "/m.gguf", seed: 1)
            var shares: [Double] = []
            let checksum = try ModelChecksum(path: folder + "/m.gguf") { shares.append($0) }
            let size = try Data(contentsOf: URL(fileURLWithPath: folder + "/m.gguf")).count
            let own = try SHA256.hash(ofFile: folder + "/m.gguf")
            #expect(checksum.sha256 == own && checksum.byteCount == size)
            #expect(shares.last == 1)
        }
    }

    @Test func ofSeveralFilesEachCounts() throws {
        try withTemporaryFolder { folder in
            try writeFolder(folder)
            let names = ["model.safetensors", "config.json", "tokenizer.json"]
            let lines = try names.map { "\(try SHA256.hash(ofFile: "\(folder)/\($0)"))  \($0)\n" }
            let checksum = try ModelChecksum(path: folder)
            #expect(checksum.sha256 == SHA256.hash(lines.joined()))
            #expect(checksum.byteCount == 10 + 22 + 2)
            try AtomicFile.write("[]", to: folder + "/tokenizer.json")
            let changed = try ModelChecksum(path: folder)
            #expect(changed != checksum)
        }
    }
}

@Suite struct TextFileTests {
    @Test func textIsWholeWithNameAndChecksum() throws {
        try withTemporaryFolder { folder in
            try AtomicFile.write("prose ✓", to: folder + "/my.text.txt")
            let text = try TextFile.load(folder + "/my.text.txt")
            #expect(text.name == "my.text")
            #expect(text.bytes == Array("prose ✓".utf8))
            #expect(text.sha256 == SHA256.hash("prose ✓"))
        }
    }

    @Test(arguments: [
        ([0xFF], 0), ([0x61, 0xC3], 1), ([0x61, 0xC3, 0x28], 1), ([0xE2, 0x82, 0xAC, 0xE2, 0x82], 3),
        ([0xED, 0xA0, 0x80], 0), ([0xF0, 0x9F, 0x98, 0x80, 0x80], 4), ([0xC0, 0x80], 0),
    ])
    func firstByteThatIsNotUTF8IsNamed(bytes: [UInt8], offset: Int) throws {
        try withTemporaryFolder { folder in
            let path = folder + "/text.txt"
            try AtomicFile.write(Data(bytes), to: path)
            #expect(
                try error(of: FileError.self) { try TextFile.load(path) } == .notUTF8(path: path, byteOffset: offset)
            )
        }
    }

    @Test func emptyMissingAndFolderAreRefused() throws {
        try withTemporaryFolder { folder in
            try AtomicFile.write("", to: folder + "/empty.txt")
            let empty = folder + "/empty.txt"
            // One closure a statement: inside #expect, 6.3.1's optimizer runs one for the other.
            let ofEmpty = try error(of: FileError.self) { try TextFile.load(empty) }
            #expect(ofEmpty == .empty(path: empty))
            let typo = try error(of: FileError.self) { try TextFile.load(folder + "/emty.txt") }
            #expect(typo == .missing(path: folder + "/emty.txt", nearest: empty))
            let ofFolder = try error(of: FileError.self) { try TextFile.load(folder) }
            #expect(ofFolder == .unreadable(path: folder, reason: "it is a folder"))
        }
    }
}

@Suite struct AtomicFileTests {
    @Test func writingIntoAMissingFolderSaysWhy() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/absent/file"
            let thrown = try error(of: FileError.self) { try AtomicFile.write("x", to: path) }
            #expect(thrown?.location == path)
            #expect(thrown?.problem == "cannot be written: No such file or directory")
        }
    }

    @Test func nothingIsLeftBesideTheFile() throws {
        try withTemporaryFolder { folder in
            try AtomicFile.write("one", to: folder + "/file")
            try AtomicFile.write("two", to: folder + "/file")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
        }
    }
}

@Suite struct LayerSelectionTests {
    @Test(arguments: [("all", "all"), ("0", "0"), ("0,7-9", "0,7-9"), (" 9 , 8,7 ", "7-9"), ("3,3,2-4", "2-4")])
    func listsAreReadAndWritten(text: String, canonical: String) throws {
        #expect(try LayerSelection(parsing: text).text == canonical)
        #expect(try LayerSelection(parsing: canonical).text == canonical)
    }

    @Test(arguments: ["", ",", "a", "-1", "3-1", "1-2-3", "0,,1", "99999999999999999999", "0-100000000"])
    func otherTextsAreRefused(text: String) throws {
        #expect(try error(of: CaptureJobError.self) { try LayerSelection(parsing: text) } != nil)
    }

    @Test func layersThatDoNotExistAreNamed() throws {
        let selection = try LayerSelection(parsing: "1,30")
        let thrown = try error(of: CaptureJobError.self) { try selection.resolve(layerCount: 30) }
        #expect(thrown?.description == "there is no layer 30; expected layers 0 to 29")
        #expect(try selection.resolve(layerCount: 31) == [1, 30])
        #expect(try LayerSelection.all.resolve(layerCount: 3) == [0, 1, 2])
        let captured = try error(of: CaptureJobError.self) { try selection.resolve(among: [1, 2, 3]) }
        #expect(captured?.description == "layer 30 was not captured; expected some of 1-3")
    }
}
