import TensorCore

/// Which layers a study looks at: all, or numbers and ranges such as `0,7-9`.
public enum LayerSelection: Sendable, Equatable, Codable {
    case all
    case only([Int])

    /// - Throws: `CaptureJobError.badLayerList`.
    public init(parsing text: String) throws {
        let trimmed = text.filter { !$0.isWhitespace }
        if trimmed == "all" {
            self = .all
            return
        }
        var layers: Set<Int> = []
        for part in trimmed.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil,
                first >= 0, last >= first, last < 10_000
            else { throw CaptureJobError.badLayerList(text) }
            layers.formUnion(first...last)
        }
        self = .only(layers.sorted())
    }

    /// The layer numbers for a model of `layerCount` layers, ascending.
    /// - Throws: `CaptureJobError.noSuchLayer`.
    public func resolve(layerCount: Int) throws -> [Int] {
        guard case .only(let layers) = self else { return Array(0..<layerCount) }
        for layer in layers where layer >= layerCount {
            throw CaptureJobError.noSuchLayer(layer, layerCount: layerCount)
        }
        return layers
    }

    /// The layers of a capture: all it has, or those named, each of which it must have.
    /// - Throws: `CaptureJobError.layerNotCaptured`.
    public func resolve(among captured: [Int]) throws -> [Int] {
        guard case .only(let layers) = self else { return captured }
        for layer in layers where !captured.contains(layer) {
            throw CaptureJobError.layerNotCaptured(layer, captured: LayerSelection.only(captured).text)
        }
        return layers
    }

    /// The text that `init(parsing:)` reads back.
    public var text: String {
        guard case .only(let layers) = self else { return "all" }
        var parts: [String] = []
        var index = 0
        while index < layers.count {
            var end = index
            while end + 1 < layers.count, layers[end + 1] == layers[end] + 1 { end += 1 }
            parts.append(end == index ? "\(layers[index])" : "\(layers[index])-\(layers[end])")
            index = end + 1
        }
        return parts.joined(separator: ",")
    }

    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
