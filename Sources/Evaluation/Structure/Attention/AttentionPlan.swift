import Capture
import Inference

/// Which layers and sequences attention is computed for, and why others are not.
struct AttentionPlan {
    /// Sequences cut to the tokens that are looked at; empty if there is nothing to compute.
    private(set) var layers: [(layer: Int, sequences: [CaptureSequence])] = []
    private(set) var warnings: [String] = []

    init(_ capture: CaptureFile, _ settings: StructureStudySettings) {
        let asked = settings.layers.map { Set($0).sorted() } ?? capture.layersPresent
        let missing = [CapturedTensor.query, .key].filter { !capture.tensorsPresent.contains($0) }
        guard missing.isEmpty else {
            warnings.append(
                "attention: \(missing.map(\.rawValue).joined(separator: " and ")) not in the capture, so there are no "
                    + "tables of attention; capture query and key for them"
            )
            return
        }
        let complete = asked.filter { Set(capture.tensors(inLayer: $0)).isSuperset(of: [.query, .key]) }
        if complete.count < asked.count {
            let lacking = asked.filter { !complete.contains($0) }.map { "\($0)" }.joined(separator: ", ")
            warnings.append("attention: layers without queries or keys are left out: \(lacking)")
        }
        let sequences = capture.sequences.filter { $0.length > 0 }
        let limit = settings.maximumAttentionTokens
        let long = sequences.filter { $0.length > limit }
        if !long.isEmpty {
            warnings.append(
                "attention: of sequences longer than \(limit) tokens (max_attention_tokens) the first \(limit) are "
                    + "looked at: " + long.prefix(3).map(\.name).joined(separator: ", ")
                    + (long.count > 3 ? " and \(long.count - 3) more" : "")
            )
        }
        let cut = sequences.map {
            CaptureSequence(id: $0.id, name: $0.name, start: $0.start, length: min($0.length, limit))
        }
        if !cut.isEmpty { layers = complete.map { ($0, cut) } }
        if !layers.isEmpty, let warning = capture.warningOfUnknownAttention { warnings.append(warning) }
    }
}
