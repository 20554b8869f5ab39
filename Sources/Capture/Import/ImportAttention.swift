import Foundation
import Inference

/// How the layers of an imported model attend, from the options first, then from what the files say of themselves.
///
/// Files say it as captures do (`AttentionLayout.write`), lists with commas where they hold texts only:
/// `attention_scale`, `attention_softcap`, `attention_windows`, `attention_rotations`, `rotation_bases`,
/// `rotation_divisors_I`.
struct ImportAttention {
    /// `nil` where nothing is known of windows, scale and cap.
    let layout: AttentionLayout?

    /// - Parameters:
    ///   - layers: of the model.
    ///   - ropeBase: for all layers, where the files name no rotations.
    ///   - location: of the first prompt, for messages.
    ///   - attribute: what the files say.
    /// - Throws: `ImportError` for numbers that are none, layers that the model lacks, lists of another length.
    init(
        _ given: CaptureImport.Description,
        layers: Int,
        headDim: Int,
        ropeBase: Double,
        location: String?,
        attribute: (String) throws -> String?
    ) throws {
        func list(_ key: String) throws -> [Double]? {
            guard let text = try attribute(key) else { return nil }
            let parts = text.split { ",[] ".contains($0) }
            let numbers = parts.compactMap { Double($0) }.filter { $0.isFinite }
            guard numbers.count == parts.count, !numbers.isEmpty else {
                throw ImportError(location, "its attribute \(key) is '\(shownName(text))'", expected: "finite numbers")
            }
            return numbers
        }
        func positive(_ number: Double?, _ option: String) throws -> Float? {
            guard let number else { return nil }
            guard number > 0, number.isFinite else {
                throw ImportError(location, "\(option) is \(number)", expected: "a number above 0")
            }
            return Float(number)
        }
        func whole(_ key: String, _ range: ClosedRange<Int>) throws -> [Int]? {
            try list(key).map { numbers in
                let whole = numbers.compactMap { Int(exactly: $0) }.filter { range.contains($0) }
                guard whole.count == numbers.count, whole.count == layers else {
                    throw ImportError(
                        location,
                        "its attribute \(key) has \(numbers.count) number(s), \(shownName(numbers.description))",
                        expected: "\(layers) whole numbers from \(range.lowerBound), one a layer",
                        remedy: "say how many layers the model has: --model-layers"
                    )
                }
                return whole
            }
        }

        let storedWindows = try whole("attention_windows", 0...Int(Int32.max))
        var windows = storedWindows ?? Array(repeating: 0, count: layers)
        for some in given.attentionWindows {
            guard some.tokens >= 0 else {
                throw ImportError(location, "--attention-window is \(some.tokens)", expected: "tokens, or 0 for all")
            }
            for layer in some.layers ?? Array(0..<layers) {
                guard windows.indices.contains(layer) else {
                    throw ImportError(
                        location,
                        "--attention-window names layer \(layer)",
                        expected: "a layer from 0 to \(layers - 1)",
                        remedy: "say how many layers the model has: --model-layers"
                    )
                }
                windows[layer] = some.tokens
            }
        }
        let scale = try positive(given.attentionScale ?? list("attention_scale")?.first, "--attention-scale")
        // 0 stands for none, as in many configurations.
        let cap = try given.logitSoftcap ?? list("attention_softcap")?.first ?? 0
        let softcap = cap == 0 ? nil : try positive(cap, "--logit-softcap")
        let bases = try list("rotation_bases")
        let isKnown =
            storedWindows != nil || !given.attentionWindows.isEmpty || scale != nil || softcap != nil || bases != nil
            || given.logitSoftcap != nil
        guard isKnown else {
            layout = nil
            return
        }
        var usual = AttentionLayout.usual(layers: layers, headDim: headDim, ropeBase: ropeBase)
        // The base that an option names is for all layers.
        if let bases, given.ropeBase == nil {
            usual.rotations = try bases.enumerated().map { index, base in
                let divisors = try list("rotation_divisors_\(index)")
                guard divisors.map({ $0.count == headDim / 2 && $0.allSatisfy { $0 > 0 } }) ?? true else {
                    throw ImportError(
                        location,
                        "its attribute rotation_divisors_\(index) does not divide the frequencies of \(headDim) channels",
                        expected: "\(headDim / 2) numbers above 0, one a pair of channels"
                    )
                }
                return RotaryEmbedding(base: base, frequencyDivisors: divisors?.map { Float($0) })
            }
        }
        let rotations = try whole("attention_rotations", 0...usual.rotations.count - 1)
        layout = AttentionLayout(
            scale: scale ?? usual.scale,
            rotations: usual.rotations,
            layers: (0..<layers).map { layer in
                let rotation = usual.rotations.count > 1 ? rotations?[layer] ?? 0 : 0
                return AttentionReach(window: windows[layer] > 0 ? windows[layer] : nil, rotation: rotation)
            },
            softcap: softcap
        )
    }
}
