import Quantization

/// What schemes have learnt of a model from a text, by side and layer.
public struct CalibrationSet: Sendable, Equatable {
    /// A scheme of one side.
    public struct Key: Sendable, Hashable {
        public let side: CacheSide
        public let schemeID: String

        public init(side: CacheSide, schemeID: String) {
            self.side = side
            self.schemeID = schemeID
        }
    }

    /// Where it was learnt.
    public struct Origin: Sendable, Equatable {
        public var modelName: String
        public var weightsSHA256: String
        /// Names of the texts and their checksums.
        public var texts: [String]
        public var textSHA256s: [String]
        public var tokens: Int

        public init(modelName: String, weightsSHA256: String, texts: [String], textSHA256s: [String], tokens: Int) {
            self.modelName = modelName
            self.weightsSHA256 = weightsSHA256
            self.texts = texts
            self.textSHA256s = textSHA256s
            self.tokens = tokens
        }
    }

    public var origin: Origin
    /// By scheme and side, then by layer.
    public var arrays: [Key: [Int: CalibrationArrays]]

    public init(origin: Origin, arrays: [Key: [Int: CalibrationArrays]] = [:]) {
        self.origin = origin
        self.arrays = arrays
    }

    /// What a side's scheme has learnt of a layer; empty if it has not.
    func arrays(of scheme: any TensorScheme, side: CacheSide, layer: Int) -> CalibrationArrays {
        arrays[Key(side: side, schemeID: scheme.id)]?[layer] ?? [:]
    }

    /// What both sides of a cache's scheme have learnt, by layer.
    public func learnt(of scheme: CacheScheme) -> [CacheSide: [Int: CalibrationArrays]] {
        var all: [CacheSide: [Int: CalibrationArrays]] = [:]
        for side in CacheSide.allCases { all[side] = arrays[Key(side: side, schemeID: scheme.scheme(for: side).id)] }
        return all
    }

    /// Adds what another has learnt; for a scheme that both have, the other's.
    ///
    /// - Throws: `SchemeError.calibration` for another model's.
    public mutating func merge(_ other: CalibrationSet) throws {
        guard other.origin.weightsSHA256 == origin.weightsSHA256 else {
            throw SchemeError.calibration(
                scheme: other.arrays.keys.map { $0.schemeID }.min() ?? "none",
                problem: "it is of '\(other.origin.modelName)', another one of '\(origin.modelName)'"
            )
        }
        let isSameText = Set(other.origin.textSHA256s) == Set(origin.textSHA256s)
        for text in other.origin.texts where !origin.texts.contains(text) { origin.texts.append(text) }
        for hash in other.origin.textSHA256s where !origin.textSHA256s.contains(hash) {
            origin.textSHA256s.append(hash)
        }
        if !isSameText { origin.tokens += other.origin.tokens }
        arrays.merge(other.arrays) { $1 }
    }
}
