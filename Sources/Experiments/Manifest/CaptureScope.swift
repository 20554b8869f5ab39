import Evaluation
import Inference

/// What the capture of a manifest will hold.
///
/// Analyses and figures are checked against it before anything runs, so that a
/// layer that does not exist is found in a second and not after the capture.
struct CaptureScope {
    let tensors: [CapturedTensor]
    /// Ascending; `nil` when the model cannot be read, which is a complaint of its own.
    let layers: [Int]?
    let kvHeads: Int?

    /// The layer that a name stands for: the first, the middle or the last captured.
    func layer(named name: String) -> Int? {
        switch name {
        case "early": layers?.first
        case "middle": layers.flatMap { $0.isEmpty ? nil : $0[($0.count - 1) / 2] }
        case "late": layers?.last
        default: nil
        }
    }

    static let layerNames = ["early", "middle", "late"]
}

extension ManifestReader {
    /// `all`, `0,7-9`, names such as `early`, or a list of numbers, ranges and names.
    ///
    /// - Parameter scope: what is captured; `nil` while the capture itself is read.
    /// - Returns: `nil` for nothing given and after a complaint.
    func layers(_ value: YAMLValue?, _ key: String, among scope: CaptureScope?, layerCount: Int?) -> LayerSelection? {
        guard let value else { return nil }
        if let text = value.plainText, text == "all" { return .all }
        var chosen: Set<Int> = []
        var isRight = true
        let items = list(value, key) { item, itemKey -> YAMLValue? in
            for part in self.parts(of: item, itemKey) {
                guard let numbers = self.layerNumbers(part, item, itemKey, scope) else {
                    isRight = false
                    continue
                }
                for number in numbers where !self.check(number, item, itemKey, scope, layerCount) { isRight = false }
                chosen.formUnion(numbers)
            }
            return item
        }
        guard let items, !items.isEmpty, isRight else { return nil }
        return .only(chosen.sorted())
    }

    /// Like `layers`, for settings in which `nil` stands for all.
    func layerList(_ value: YAMLValue?, _ key: String, among scope: CaptureScope) -> [Int]? {
        guard case .only(let numbers)? = layers(value, key, among: scope, layerCount: nil) else { return nil }
        return numbers
    }

    private func parts(of item: YAMLValue, _ key: String) -> [String] {
        (string(item, key) ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private func layerNumbers(_ part: String, _ item: YAMLValue, _ key: String, _ scope: CaptureScope?) -> [Int]? {
        if let scope, CaptureScope.layerNames.contains(part) {
            // Without the model's sizes there is a complaint about the model already.
            return scope.layer(named: part).map { [$0] } ?? []
        }
        guard case .only(let numbers)? = try? LayerSelection(parsing: part) else {
            let names = scope == nil ? "" : " or early, middle, late"
            complain(
                item,
                key,
                "cannot read '\(part)' as a layer",
                expected: "'all', or numbers and ranges such as 0,7-9" + names
            )
            return nil
        }
        return numbers
    }

    private func check(_ layer: Int, _ item: YAMLValue, _ key: String, _ scope: CaptureScope?, _ layerCount: Int?)
        -> Bool
    {
        if let layerCount, layer >= layerCount {
            complain(item, key, "there is no layer \(layer)", expected: "0 to \(layerCount - 1)")
            return false
        }
        if let captured = scope?.layers, !captured.contains(layer) {
            complain(
                item,
                key,
                "layer \(layer) is not captured",
                expected: "some of " + LayerSelection.only(captured).text,
                remedy: "The layers of the capture are set by capture.layers."
            )
            return false
        }
        return true
    }

    /// Tensors that the capture will hold.
    func tensors(_ value: YAMLValue?, _ key: String, among scope: CaptureScope) -> [CapturedTensor]? {
        list(value, key) { item, itemKey -> CapturedTensor? in
            guard let tensor = self.name(item, itemKey, of: CapturedTensor.allCases) else { return nil }
            guard scope.tensors.contains(tensor) else {
                self.complain(
                    item,
                    itemKey,
                    "'\(tensor.rawValue)' is not captured",
                    expected: "some of " + scope.tensors.map(\.rawValue).joined(separator: ", "),
                    remedy: "Add it to capture.tensors."
                )
                return nil
            }
            return tensor
        }
    }

    /// Tensors of magnitudes, rotated ones too, whose source the capture will hold.
    func magnitudeTensors(_ value: YAMLValue?, _ key: String, among scope: CaptureScope) -> [MagnitudeTensor]? {
        list(value, key) { item, itemKey -> MagnitudeTensor? in
            guard let tensor = self.name(item, itemKey, of: MagnitudeTensor.allCases) else { return nil }
            guard scope.tensors.contains(tensor.source) else {
                self.complain(
                    item,
                    itemKey,
                    "'\(tensor.source.rawValue)' is not captured",
                    expected: "some of " + scope.tensors.map(\.rawValue).joined(separator: ", "),
                    remedy: "Add it to capture.tensors."
                )
                return nil
            }
            return tensor
        }
    }

    func head(_ value: YAMLValue?, _ key: String, among scope: CaptureScope) -> Int? {
        integer(value, key, in: 0...max(0, (scope.kvHeads ?? Int.max) - 1))
    }
}
