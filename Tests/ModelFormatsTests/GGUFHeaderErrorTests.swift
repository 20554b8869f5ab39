import ModelFormats
import Testing

/// One test for each way in which a header can be wrong.
@Suite struct GGUFHeaderErrorTests {
    // MARK: - Magic and version

    @Test(arguments: [
        ("ggml", "before GGUF"), ("tjgg", "before GGUF"), ("PK\u{3}\u{4}", "PyTorch"), ("<!DO", "web page"),
        ("vers", "Git LFS"), ("{\"a\"", "JSON"), ("abcd", "61 62 63 64"), ("gguf", "67 67 75 66"),
    ]) func wrongMagicSaysWhatTheFileIs(magic: String, words: String) {
        let error = failure(RawGGUF(magic: magic))
        #expect(error?.reason == .wrongMagic(found: Array(magic.utf8)))
        #expect(error?.description.contains(words) == true)
    }

    @Test func hdf5IsRecognized() {
        #expect(failure([0x89, 0x48, 0x44, 0x46] + [UInt8](repeating: 0, count: 60))?.problem.contains("HDF5") == true)
    }

    @Test func reversedMagicIsBigEndian() {
        #expect(failure(RawGGUF(magic: "FUGG"))?.reason == .bigEndian)
    }

    @Test(arguments: [1, 2, 3] as [UInt32]) func swappedVersionIsBigEndian(version: UInt32) {
        #expect(failure(RawGGUF(version: version.byteSwapped))?.reason == .bigEndian)
    }

    @Test(arguments: [0, 1, 4, 99] as [UInt32]) func otherVersionsAreRefused(version: UInt32) {
        let error = failure(RawGGUF(version: version))
        #expect(error?.reason == .unsupportedVersion(version))
        #expect(error?.byteOffset == 4)
        #expect(error?.expected == "version 2 or 3")
    }

    @Test(arguments: 0..<24) func fileShorterThanTheFixedHeader(count: Int) {
        let error = failure(Array(RawGGUF().bytes.prefix(count)))
        guard case .truncated = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    // MARK: - Counts

    @Test(arguments: [1, 1000, 1 << 40, .max] as [UInt64]) func moreTensorsThanFit(count: UInt64) {
        let error = failure(RawGGUF(tensors: count))
        #expect(error?.reason == .impossibleCount(what: "tensors", count: count, limit: 0))
        #expect(error?.byteOffset == 8)
    }

    @Test(arguments: [1, .max] as [UInt64]) func moreKeysThanFit(count: UInt64) {
        #expect(
            failure(RawGGUF(keys: count))?.reason == .impossibleCount(what: "metadata keys", count: count, limit: 0)
        )
    }

    @Test func oneKeyLessThanPromised() {
        var raw = RawGGUF(keys: 2)
        raw.key("a.long.enough.key.to.pass.the.count", kind: 4)
        raw.integer(UInt32(1))
        guard case .truncated(let what, 8, _) = failure(raw)?.reason else {
            Issue.record("not truncated")
            return
        }
        #expect(what == "metadata key number 1")
    }

    // MARK: - Keys and values

    @Test(arguments: [100, UInt64(Int.max), .max]) func keyLongerThanTheFile(length: UInt64) {
        var raw = RawGGUF(keys: 1)
        raw.integer(length)
        raw.bytes += [UInt8](repeating: 0x61, count: 20)
        let error = failure(raw)
        #expect(error?.reason == .truncated(what: "metadata key number 0", byteCount: length, fileByteCount: 52))
        #expect(error?.byteOffset == 32)
    }

    @Test func keyThatIsNotUTF8() {
        var raw = RawGGUF(keys: 1)
        raw.integer(UInt64(2))
        raw.bytes += [0xC3, 0x28]
        raw.integer(UInt32(0))
        raw.integer(UInt8(0))
        #expect(failure(raw)?.reason == .notUTF8(what: "metadata key number 0"))
    }

    @Test func keyThatOccursTwice() {
        var raw = RawGGUF(keys: 2)
        for _ in 0..<2 {
            raw.key("twice", kind: 0)
            raw.integer(UInt8(1))
        }
        let error = failure(raw)
        #expect(error?.reason == .duplicateKey("twice"))
        #expect(error?.byteOffset == 24 + 8 + 5 + 4 + 1)
    }

    @Test(arguments: [13, 255, .max] as [UInt32]) func unknownValueKind(number: UInt32) {
        var raw = RawGGUF(keys: 1)
        raw.key("k", kind: number)
        raw.integer(UInt64(0))
        let error = failure(raw)
        #expect(error?.reason == .unknownValueKind(key: "k", number: number))
        #expect(error?.expected == "a kind from 0 to 12")
    }

    @Test(arguments: [0, 2, 4, 6, 7, 8, 9, 10, 12] as [UInt32]) func fileThatEndsBeforeTheValue(kind: UInt32) {
        var raw = RawGGUF(keys: 1)
        raw.key("a key", kind: kind)
        guard case .truncated(let what, _, _) = failure(raw)?.reason else {
            Issue.record("not truncated")
            return
        }
        #expect(what.contains("a key"))
    }

    @Test func booleanThatIsNeitherYesNorNo() {
        var raw = RawGGUF(keys: 1)
        raw.key("k", kind: 7)
        raw.integer(UInt8(2))
        #expect(failure(raw)?.reason == .invalidBoolean(key: "k", value: 2))
    }

    @Test func stringValueThatIsNotUTF8() {
        var raw = RawGGUF(keys: 1)
        raw.key("k", kind: 8)
        raw.integer(UInt64(1))
        raw.bytes.append(0xFF)
        #expect(failure(raw)?.reason == .notUTF8(what: "the value of key 'k'"))
    }

    @Test(arguments: [10, .max] as [UInt64]) func stringValueLongerThanTheFile(length: UInt64) {
        var raw = RawGGUF(keys: 1)
        raw.key("k", kind: 8)
        raw.integer(length)
        raw.bytes += [0x61]
        #expect(failure(raw)?.reason == .truncated(what: "the value of key 'k'", byteCount: length, fileByteCount: 46))
    }

    // MARK: - Arrays

    private func array(kind: UInt32, count: UInt64, payload: [UInt8] = []) -> RawGGUF {
        var raw = RawGGUF(keys: 1)
        raw.key("list", kind: 9)
        raw.integer(kind)
        raw.integer(count)
        raw.bytes += payload
        return raw
    }

    @Test func arrayOfArrays() {
        let error = failure(array(kind: 9, count: 1, payload: [UInt8](repeating: 0, count: 12)))
        #expect(error?.reason == .nestedArray(key: "list"))
    }

    @Test func arrayOfUnknownKind() {
        #expect(failure(array(kind: 77, count: 1))?.reason == .unknownValueKind(key: "list", number: 77))
    }

    @Test(arguments: [0, 4, 7, 8, 10] as [UInt32], [9, 1 << 61, 1 << 62, .max] as [UInt64])
    func arrayLongerThanTheFile(kind: UInt32, count: UInt64) {
        let error = failure(array(kind: kind, count: count, payload: [UInt8](repeating: 0, count: 8)))
        guard case .impossibleCount("elements in key 'list'", count, _) = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func stringInAnArrayLongerThanTheFile() {
        let error = failure(array(kind: 8, count: 1, payload: [5, 0, 0, 0, 0, 0, 0, 0, 0x61]))
        #expect(error?.reason == .truncated(what: "string 0 of key 'list'", byteCount: 5, fileByteCount: 61))
    }

    @Test func booleanInAnArrayThatIsNeitherYesNorNo() {
        #expect(
            failure(array(kind: 7, count: 3, payload: [0, 1, 9]))?.reason == .invalidBoolean(key: "list", value: 9)
        )
    }

    // MARK: - Alignment

    @Test(arguments: [0, 1, 4, 24, 33, 1 << 17, .max] as [UInt32]) func alignmentThatIsNone(value: UInt32) {
        var raw = RawGGUF(keys: 1)
        raw.key("general.alignment", kind: 4)
        raw.integer(value)
        #expect(failure(raw)?.reason == .invalidAlignment("\(value)"))
    }

    @Test func alignmentOfAnotherKind() {
        var raw = RawGGUF(keys: 1)
        raw.key("general.alignment", kind: 8)
        raw.string("32")
        #expect(failure(raw)?.reason == .invalidAlignment("'32'"))
    }
}
