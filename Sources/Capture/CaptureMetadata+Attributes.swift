import HDF5
import Inference

extension CaptureMetadata {
    /// Writes the attributes of `/`, `/model` and `/sequences`.
    func write(to root: Group, model: Group, sequences: Group) throws {
        try root.attributes.write("tool_version", .string(toolVersion))
        try root.attributes.write("created", .string(created))
        try root.attributes.write("command", .string(command))
        try sequences.attributes.write("text_sha256", .strings(textSHA256s))
        let attributes: [(String, Attribute)] = [
            ("name", .string(name)), ("architecture", .string(architecture)), ("layers", .integer(layers)),
            ("heads", .integer(heads)), ("kv_heads", .integer(kvHeads)), ("head_dim", .integer(headDim)),
            ("rope_base", .double(ropeBase)), ("rope_layout", .string(ropeLayout)),
            ("vocabulary", .integer(vocabulary)), ("weights_sha256", .string(weightsSHA256)),
            ("weight_type", .string(weightType)),
        ]
        for (name, value) in attributes { try model.attributes.write(name, value) }
        try attention?.write(to: model.attributes)
    }

    /// Reads what `write` wrote.
    init(root: Group) throws {
        let model = try root.group("model").attributes
        let sequences = try root.group("sequences").attributes
        self.init(
            name: try model.string("name"),
            architecture: try model.string("architecture"),
            layers: try model.integer("layers"),
            heads: try model.integer("heads"),
            kvHeads: try model.integer("kv_heads"),
            headDim: try model.integer("head_dim"),
            ropeBase: try model.double("rope_base"),
            ropeLayout: try model.string("rope_layout"),
            attention: try AttentionLayout(model),
            vocabulary: try model.integer("vocabulary"),
            weightsSHA256: try model.string("weights_sha256"),
            weightType: try model.string("weight_type"),
            command: try root.attributes.string("command"),
            toolVersion: try root.attributes.string("tool_version"),
            created: try root.attributes.string("created"),
            textSHA256s: try sequences.strings("text_sha256")
        )
    }
}
