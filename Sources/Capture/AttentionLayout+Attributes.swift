import HDF5
import Inference

extension AttentionLayout {
    /// Writes attributes of `/model`: `attention_scale`; `attention_softcap`, if scores are capped; `attention_windows`, tokens that each layer sees, 0 for all;
    /// `attention_rotations`, for each layer an index into `rotation_bases`; and `rotation_divisors_I`, divisors of the
    /// frequencies of rotation I, one a pair of channels, if it has any.
    func write(to attributes: Attributes) throws {
        try attributes.write("attention_scale", .double(Double(scale)))
        if let softcap { try attributes.write("attention_softcap", .double(Double(softcap))) }
        try attributes.write("attention_windows", .integers(layers.map { $0.window ?? 0 }))
        try attributes.write("attention_rotations", .integers(layers.map { $0.rotation }))
        try attributes.write("rotation_bases", .doubles(rotations.map { $0.base }))
        for (index, rotation) in rotations.enumerated() {
            guard let divisors = rotation.frequencyDivisors else { continue }
            try attributes.write("rotation_divisors_\(index)", .doubles(divisors.map { Double($0) }))
        }
    }

    /// Reads what `write` wrote; `nil` in captures that say nothing of it, or contradict themselves.
    init?(_ attributes: Attributes) throws {
        guard try attributes.contains("attention_rotations") else { return nil }
        let bases = try attributes.doubles("rotation_bases")
        let windows = try attributes.integers("attention_windows")
        let indices = try attributes.integers("attention_rotations")
        guard windows.count == indices.count, indices.allSatisfy({ bases.indices.contains($0) }) else { return nil }
        let rotations = try bases.enumerated().map { index, base in
            let name = "rotation_divisors_\(index)"
            let divisors = try attributes.contains(name) ? attributes.doubles(name).map { Float($0) } : nil
            return RotaryEmbedding(base: base, frequencyDivisors: divisors)
        }
        self.init(
            scale: Float(try attributes.double("attention_scale")),
            rotations: rotations,
            layers: zip(windows, indices).map { AttentionReach(window: $0 > 0 ? $0 : nil, rotation: $1) },
            softcap: try attributes.contains("attention_softcap") ? Float(attributes.double("attention_softcap")) : nil
        )
    }
}
