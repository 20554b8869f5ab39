import Foundation
import ModelFormats
import TensorCore
import Testing

@Suite struct SafetensorsFileTests {
    private func open(_ raw: RawSafetensors) throws -> SafetensorsFile {
        try SafetensorsFile(file: MappedFile(copying: raw.bytes, name: "test.safetensors"))
    }

    /// The reason for which a file is refused; its message is checked for place and advice.
    private func reason(
        _ raw: RawSafetensors,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> SafetensorsError.Reason? {
        let error = #expect(throws: SafetensorsError.self, sourceLocation: sourceLocation) { try open(raw) }
        if let error {
            #expect(error.description.hasPrefix("test.safetensors"), sourceLocation: sourceLocation)
            #expect(error.remedy?.isEmpty == false, sourceLocation: sourceLocation)
            #expect((error.byteOffset ?? 0) <= raw.bytes.count, sourceLocation: sourceLocation)
        }
        return error?.reason
    }

    @Test func tensorsAreFoundWhereTheirDataLie() throws {
        // Not in the order of the data, a scalar, an empty tensor, metadata, padding by spaces.
        let header =
            #"{"__metadata__":{"format":"pt","a\u00e9\ud83d\ude00":"b\n"},"#
            + RawSafetensors.entry("second", "BF16", [3, 1], 8..<14) + ","
            + RawSafetensors.entry("first", "F32", [2], 0..<8) + ","
            + RawSafetensors.entry("none", "F16", [0, 7], 14..<14) + ","
            + RawSafetensors.entry("scalar", "I64", [], 14..<22) + "}   "
        let file = try open(RawSafetensors(header: header, dataBytes: 22))
        #expect(file.metadata == ["format": "pt", "aé😀": "b\n"])
        #expect(file.orderedTensors.map { $0.name } == ["first", "second", "none", "scalar"])
        let second = try file.tensor("second")
        #expect(second.type == .bfloat16 && second.shape == [3, 1] && second.elementCount == 3)
        #expect(Array(file.bytes(of: second)) == [9, 10, 11, 12, 13, 14])
        #expect(try file.elementType(of: second) == .bfloat16)
        #expect(try file.tensor("scalar").elementCount == 1)
        #expect(try file.tensor("none").byteCount == 0)
    }

    @Test func fileWithoutTensors() throws {
        #expect(try open(RawSafetensors(header: "{}")).orderedTensors.isEmpty)
    }

    @Test func missingTensorNamesTheNearest() throws {
        let file = try open(.entries(RawSafetensors.entry("weight", "F32", [1], 0..<4), dataBytes: 4))
        let error = #expect(throws: SafetensorsError.self) { try file.tensor("wieght") }
        #expect(error?.reason == .missingTensor("wieght", nearest: "weight"))
    }

    @Test func typeThatIsNotComputedWithIsNamed() throws {
        let file = try open(.entries(RawSafetensors.entry("weight", "F8_E4M3", [4], 0..<4), dataBytes: 4))
        let tensor = try file.tensor("weight")
        let error = #expect(throws: SafetensorsError.self) { try file.elementType(of: tensor) }
        #expect(error?.reason == .unsupportedType(tensor: "weight", type: "F8_E4M3"))
    }

    @Test func typesHaveTheirSizes() throws {
        for type in SafetensorsType.allCases {
            let byteCount = 24 * type.bitCount / 8
            let raw = RawSafetensors.entries(
                RawSafetensors.entry("t", type.rawValue, [24], 0..<byteCount),
                dataBytes: byteCount
            )
            #expect(try open(raw).tensor("t").byteCount == byteCount)
        }
        #expect(SafetensorsType.float4.byteCount(elements: 3) == nil)
        #expect(SafetensorsType.float32.byteCount(elements: .max) == nil)
        #expect(SafetensorsType.float32.byteCount(elements: -1) == nil)
    }

    @Test(arguments: [0, 1, 7]) func fileShorterThanItsLength(count: Int) {
        let bytes = [UInt8](repeating: 0, count: count)
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsFile(file: MappedFile(copying: bytes, name: "short"))
        }
        #expect(error?.reason == .truncated(fileByteCount: count))
    }

    @Test func hostileLengths() {
        for length in [UInt64.max, 1 << 63, 100_000_001] {
            let limit = 100_000_000
            #expect(
                reason(RawSafetensors(header: "{}", length: length))
                    == .headerTooLarge(length: length, limit: limit)
            )
        }
        #expect(
            reason(RawSafetensors(header: "{}", length: 100_000_000))
                == .headerPastEnd(length: 100_000_000, fileByteCount: 10)
        )
        #expect(reason(RawSafetensors(header: "{}", length: 3)) == .headerPastEnd(length: 3, fileByteCount: 10))
        for length in [0, 1] as [UInt64] {
            guard case .invalidHeader = reason(RawSafetensors(header: "{}", length: length)) else {
                Issue.record("length \(length) accepted")
                continue
            }
        }
    }

    @Test func filesOfOtherKindsAreTold() throws {
        for (start, word) in [("GGUF\u{3}\0\0\0", "GGUF"), ("PK\u{3}\u{4}\u{14}\0\0\0", "ZIP"), ("<!DOCTYPE", "web")] {
            let file = MappedFile(copying: Array(start.utf8), name: "other")
            let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(file: file) }
            #expect(error?.description.contains(word) == true)
        }
    }

    @Test(arguments: [
        #"["a"]"#, #"{"a"}"#, #"{"a":1}"#, #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} x"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}"#,
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}"#,
        #"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"__metadata__":{"a":1}}"#, #"{"\ud800":{}}"#, #"{"\udc00":{}}"#, #"{"\x":{}}"#, "{\"a\u{1}\":{}}", #"{"a"#,
    ]) func headersThatAreNotSound(header: String) {
        guard case .invalidHeader = reason(RawSafetensors(header: header, dataBytes: 4)) else {
            Issue.record("accepted")
            return
        }
    }

    @Test func headerThatIsNotUTF8() {
        var bytes = RawSafetensors(header: #"{"a":{}}"#).bytes
        bytes[10] = 0xFF
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsFile(file: MappedFile(copying: bytes, name: "t"))
        }
        #expect(error?.reason == .invalidHeader("a string that is not UTF-8"))
        #expect(error?.byteOffset == 9)
    }

    @Test func incompleteEntries() {
        #expect(
            reason(RawSafetensors(header: #"{"a":{"dtype":"F32","shape":[1]}}"#, dataBytes: 4))
                == .missingKey(tensor: "a", key: "data_offsets")
        )
        #expect(
            reason(RawSafetensors(header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}"#, dataBytes: 4))
                == .invalidOffsets(tensor: "a", offsets: [4])
        )
        #expect(
            reason(RawSafetensors(header: #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, dataBytes: 4))
                == .invalidOffsets(tensor: "a", offsets: [4, 0])
        )
    }

    @Test func unknownType() {
        let raw = RawSafetensors.entries(RawSafetensors.entry("a", "Q4", [1], 0..<4), dataBytes: 4)
        #expect(reason(raw) == .unknownType(tensor: "a", type: "Q4"))
    }

    @Test(arguments: [[1 << 62, 2], [1 << 61], [1 << 21, 1 << 21, 1 << 21], [Int.max, Int.max]])
    func sizesThatOverflow(shape: [Int]) {
        let raw = RawSafetensors.entries(RawSafetensors.entry("a", "F32", shape, 0..<4), dataBytes: 4)
        #expect(reason(raw) == .invalidShape(tensor: "a", shape: shape, type: "F32"))
    }

    @Test func placesThatDoNotFit() {
        let entry = RawSafetensors.entry
        #expect(
            reason(.entries(entry("a", "F32", [2], 0..<4), dataBytes: 4))
                == .wrongByteCount(tensor: "a", expected: 8, found: 4)
        )
        #expect(
            reason(.entries(entry("a", "F32", [2], 0..<8), dataBytes: 4))
                == .tensorPastEnd(tensor: "a", end: 8, available: 4)
        )
        #expect(
            reason(.entries(entry("a", "F32", [1], Int.max - 4..<Int.max), dataBytes: 4))
                == .tensorPastEnd(tensor: "a", end: .max, available: 4)
        )
        #expect(
            reason(.entries(entry("a", "F32", [1], 0..<4), entry("b", "F32", [1], 0..<4), dataBytes: 4))
                == .overlap(tensor: "b", other: "a")
        )
        #expect(
            reason(.entries(entry("a", "F32", [2], 0..<8), entry("b", "F32", [1], 4..<8), dataBytes: 8))
                == .overlap(tensor: "b", other: "a")
        )
        #expect(
            reason(.entries(entry("a", "F32", [1], 0..<4), entry("b", "F32", [1], 8..<12), dataBytes: 12))
                == .hole(tensor: "b", byteCount: 4)
        )
        #expect(reason(.entries(entry("a", "F32", [1], 4..<8), dataBytes: 8)) == .hole(tensor: "a", byteCount: 4))
        #expect(reason(.entries(entry("a", "F32", [1], 0..<4), dataBytes: 5)) == .trailingBytes(1))
    }

    @Test func truncationAndChangedBytesNeverCrash() throws {
        let sound = RawSafetensors.entries(
            RawSafetensors.entry("a", "F32", [2, 3], 0..<24),
            RawSafetensors.entry("bé", "F16", [5], 24..<34),
            dataBytes: 34
        ).bytes
        func open(_ bytes: [UInt8]) throws -> Int {
            let file = try SafetensorsFile(file: MappedFile(copying: bytes, name: "damaged"))
            return file.orderedTensors.reduce(0) { $0 + file.bytes(of: $1).reduce(0) { $0 + Int($1) } }
        }
        #expect(try open(sound) == (1...34).reduce(0, +))
        for count in 0..<sound.count {
            #expect(throws: SafetensorsError.self) { try open(Array(sound.prefix(count))) }
        }
        var generator = SeededGenerator(seed: 11)
        for round in 0..<5000 {
            var bytes = sound
            for _ in 0...round % 4 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            do { _ = try open(bytes) } catch { #expect(error is SafetensorsError) }
        }
    }
}
