import ModelFormats
import Testing

/// One test for each way in which a tensor's entry can be wrong.
@Suite struct GGUFTensorErrorTests {
    @Test func theEntryTheseTestsSpoilIsSound() throws {
        #expect(try open(RawGGUF.oneTensor().bytes).tensor("weight").byteCount == 16)
    }

    @Test(arguments: [0, 5] as [Int]) func numberOfDimensions(rank: Int) {
        let raw = RawGGUF.oneTensor(dimensions: [UInt64](repeating: 1, count: rank))
        #expect(failure(raw)?.reason == .invalidDimensions(tensor: "weight", problem: "has \(rank) dimensions"))
    }

    @Test func hugeNumberOfDimensions() {
        var raw = RawGGUF(tensors: 1)
        raw.string("weight")
        raw.integer(UInt32.max)
        raw.data(32)
        #expect(failure(raw)?.problem.contains("4294967295 dimensions") == true)
    }

    @Test(arguments: [[0], [4, 0], [1 << 63], [.max]] as [[UInt64]]) func dimensionOutOfRange(dimensions: [UInt64]) {
        guard case .invalidDimensions("weight", _) = failure(RawGGUF.oneTensor(dimensions: dimensions))?.reason else {
            Issue.record("not refused")
            return
        }
    }

    @Test(
        arguments: [
            [1 << 32, 1 << 31], [1 << 62, 2], [1 << 21, 1 << 21, 1 << 21], [65536, 65536, 65536, 65536],
        ] as [[UInt64]]
    ) func productOfDimensionsOverflows(dimensions: [UInt64]) {
        let error = failure(RawGGUF.oneTensor(dimensions: dimensions))
        #expect(error?.reason == .invalidDimensions(tensor: "weight", problem: "has more than 2^63 elements"))
    }

    @Test func byteCountOverflows() {
        let error = failure(RawGGUF.oneTensor(dimensions: [1 << 62]))
        #expect(error?.reason == .invalidDimensions(tensor: "weight", problem: "has more than 2^63 bytes"))
    }

    @Test(arguments: [(2, 33), (8, 31), (12, 128), (14, 255)] as [(UInt32, UInt64)])
    func rowThatIsNoWholeNumberOfBlocks(type: UInt32, columns: UInt64) {
        let error = failure(RawGGUF.oneTensor(dimensions: [columns, 256], type: type, dataBytes: 65536))
        #expect(error?.problem.contains("rows of \(columns) elements") == true)
    }

    @Test(arguments: [(9, "Q8_1"), (15, "Q8_K"), (21, "IQ3_S"), (28, "F64"), (39, "MXFP4")] as [(UInt32, String)])
    func knownElementTypeThatIsNotSupported(number: UInt32, name: String) {
        let error = failure(RawGGUF.oneTensor(type: number))
        #expect(error?.reason == .unsupportedElementType(tensor: "weight", number: number))
        #expect(error?.description.contains("\(number) (\(name))") == true)
        #expect(error?.expected?.contains("F32, F16, Q4_0") == true)
    }

    @Test(arguments: [4711, .max] as [UInt32]) func elementTypeThatDoesNotExist(number: UInt32) {
        #expect(failure(RawGGUF.oneTensor(type: number))?.problem.contains("\(number), which is unknown") == true)
    }

    @Test(arguments: [1, 16, 31, 33] as [UInt64]) func offsetThatIsNotAligned(offset: UInt64) {
        let error = failure(RawGGUF.oneTensor(offset: offset, dataBytes: 256))
        #expect(error?.reason == .misalignedTensor(tensor: "weight", offset: offset, alignment: 32))
    }

    @Test(arguments: [32, 64, 1 << 40, UInt64.max - 31]) func offsetPastTheEnd(offset: UInt64) {
        guard case .tensorPastEnd("weight", _, 16, _) = failure(RawGGUF.oneTensor(offset: offset))?.reason else {
            Issue.record("not refused")
            return
        }
    }

    @Test func dataOneByteShort() throws {
        #expect(try open(RawGGUF.oneTensor(dataBytes: 16).bytes).orderedTensors.count == 1)
        let error = failure(RawGGUF.oneTensor(dataBytes: 15))
        #expect(error?.reason == .tensorPastEnd(tensor: "weight", start: 64, byteCount: 16, fileByteCount: 79))
        #expect(error?.description.contains("download") == true)
    }

    @Test func hugeTensorThatDoesNotOverflow() {
        guard case .tensorPastEnd = failure(RawGGUF.oneTensor(dimensions: [1 << 40]))?.reason else {
            Issue.record("not refused")
            return
        }
    }

    @Test func tensorsThatOverlap() throws {
        func file(_ second: UInt64) -> RawGGUF {
            var raw = RawGGUF(tensors: 2)
            raw.tensor("a", dimensions: [16], offset: 32)
            raw.tensor("b", dimensions: [16], offset: second)
            raw.data(160)
            return raw
        }
        #expect(failure(file(64))?.reason == .overlappingTensors("a", "b"))
        #expect(failure(file(0))?.reason == .overlappingTensors("b", "a"))
        #expect(failure(file(32)) != nil)
        #expect(try open(file(96).bytes).orderedTensors.count == 2)
    }

    @Test func tensorThatOccursTwice() {
        var raw = RawGGUF(tensors: 2)
        raw.tensor("same")
        raw.tensor("same")
        raw.data(32)
        let error = failure(raw)
        #expect(error?.reason == .duplicateTensor("same"))
        #expect(error?.byteOffset == 24 + 8 + 4 + 4 + 8 + 4 + 8)
    }

    @Test func nameThatIsNotUTF8() {
        var raw = RawGGUF(tensors: 1)
        raw.integer(UInt64(1))
        raw.bytes.append(0x80)
        raw.data(64)
        #expect(failure(raw)?.reason == .notUTF8(what: "the name of tensor number 0"))
    }

    @Test func nameLongerThanTheFile() {
        var raw = RawGGUF(tensors: 1)
        raw.integer(UInt64.max)
        raw.data(64)
        guard case .truncated("the name of tensor number 0", .max, _) = failure(raw)?.reason else {
            Issue.record("not refused")
            return
        }
    }
}
