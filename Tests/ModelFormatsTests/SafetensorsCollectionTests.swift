import Foundation
import ModelFormats
import Testing

@Suite struct SafetensorsCollectionTests {
    private let folder: TemporaryFolder
    private static let firstShard = "model-00001-of-00002.safetensors"
    private static let secondShard = "model-00002-of-00002.safetensors"

    init() throws {
        folder = try TemporaryFolder()
        try write(.entries(RawSafetensors.entry("b", "F32", [1], 0..<4), dataBytes: 4), Self.firstShard)
        let second = RawSafetensors.entries(
            RawSafetensors.entry("a", "F16", [3], 0..<6),
            RawSafetensors.entry("c", "BF16", [1], 6..<8),
            dataBytes: 8
        )
        try write(second, Self.secondShard)
    }

    private func write(_ raw: RawSafetensors, _ name: String) throws {
        try Data(raw.bytes).write(to: URL(fileURLWithPath: folder.file(name)))
    }

    private func writeIndex(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(SafetensorsCollection.indexName)))
    }

    private func writeIndex(_ map: [String: String]) throws {
        let pairs = map.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }
        try writeIndex(#"{"metadata":{"total_size":12},"weight_map":{\#(pairs.joined(separator: ","))}}"#)
    }

    private func reason(_ path: String) -> SafetensorsError.Reason? {
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsCollection(path: path) }
        #expect(error?.description.contains(folder.path) == true)
        return error?.reason
    }

    @Test func shardsAreJoinedByTheIndex() throws {
        try writeIndex(["a": Self.secondShard, "b": Self.firstShard])
        for path in [folder.path, folder.file(SafetensorsCollection.indexName), folder.path + "/"] {
            let collection = try SafetensorsCollection(path: path)
            #expect(collection.files.count == 2)
            #expect(collection.orderedTensors.map { $0.tensor.name } == ["b", "a"])
            let (file, tensor) = try collection.tensor("a")
            #expect(Array(file.bytes(of: tensor)) == [1, 2, 3, 4, 5, 6])
            // Not in the index, hence not of the model.
            #expect(collection.find("c") == nil)
        }
    }

    @Test func singleFile() throws {
        try write(
            .entries(RawSafetensors.entry("w", "F32", [1], 0..<4), dataBytes: 4),
            SafetensorsCollection.singleName
        )
        for path in [folder.path, folder.file(SafetensorsCollection.singleName)] {
            let collection = try SafetensorsCollection(path: path)
            #expect(Array(collection.names) == ["w"])
            let error = #expect(throws: SafetensorsError.self) { try collection.tensor("v") }
            #expect(error?.description.contains("'v'") == true)
        }
    }

    @Test func folderWithoutWeights() { #expect(reason(folder.path) == .noFile) }

    @Test func tensorsThatTheirShardLacksAreAllNamed() throws {
        try writeIndex(["a": Self.firstShard, "b": Self.firstShard, "d": Self.firstShard, "c": Self.secondShard])
        #expect(reason(folder.path) == .missingFromShard(tensors: ["a", "d"], shard: Self.firstShard))
    }

    @Test func missingShardIsNamed() throws {
        try writeIndex(["a": "other.safetensors"])
        let error = #expect(throws: MappedFileError.self) { try SafetensorsCollection(path: folder.path) }
        #expect(error?.path == folder.file("other.safetensors"))
    }

    @Test(arguments: ["../a.safetensors", "/tmp/a.safetensors", "sub/a.safetensors", "..", "", "a.bin"])
    func shardsElsewhereAreRefused(name: String) throws {
        try writeIndex(["a": name])
        #expect(reason(folder.path) == .invalidShardName(tensor: "a", shard: name))
    }

    @Test(arguments: [
        "", "{}", #"{"weight_map":{}}"#, #"{"weight_map":[]}"#, #"{"weight_map":{"a":1}}"#, "[1]",
        #"{"weight_map":{"a":"b.safetensors"}"#,
        #"{"weight_map":{"a":"b.safetensors","a":"c.safetensors"}}"#,
        #"{"metadata":"# + String(repeating: "[", count: 100_000),
    ]) func indexThatIsNotSound(text: String) throws {
        try writeIndex(text)
        if text.isEmpty {
            #expect(throws: MappedFileError.self) { try SafetensorsCollection(path: folder.path) }
        } else {
            guard case .invalidIndex = reason(folder.path) else {
                Issue.record("accepted")
                return
            }
        }
    }
}
