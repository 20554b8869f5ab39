import TensorCore

/// Which shard holds each tensor of a model: the `weight_map` of `model.safetensors.index.json`.
package struct SafetensorsIndex {
    package private(set) var shardOfTensor: [String: String] = [:]

    package init(file: MappedFile) throws {
        var reader = JSONReader(file.bytes), map: [String: String]?
        do {
            try reader.members { reader, key, _ in
                guard key == "weight_map" else {
                    try reader.skip()
                    return
                }
                var names: [String: String] = [:]
                try reader.members(atMost: SafetensorsHeaderParser.mostTensors) { reader, tensor, _ in
                    names[tensor] = try reader.string()
                }
                map = names
            }
            try reader.finish()
        } catch let failure as JSONReader.Failure {
            throw SafetensorsError(file.path, at: failure.offset, .invalidIndex(failure.problem))
        }
        guard let map, !map.isEmpty else {
            throw SafetensorsError(file.path, at: nil, .invalidIndex("there is no 'weight_map' with tensors"))
        }
        for (tensor, shard) in map.sorted(by: { $0.key < $1.key }) {
            guard Self.isPlainName(shard) else {
                throw SafetensorsError(file.path, at: nil, .invalidShardName(tensor: tensor, shard: shard))
            }
        }
        shardOfTensor = map
    }

    private static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.contains("/") && !name.contains("\\")
            && !name.contains("\0") && name.hasSuffix(".safetensors")
    }
}
