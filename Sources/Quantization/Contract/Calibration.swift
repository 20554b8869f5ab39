import TensorCore

/// Named arrays that a scheme has learnt from one layer's keys or values.
public typealias CalibrationArrays = [String: CalibrationArray]

/// Numbers with their shape.
public struct CalibrationArray: Sendable, Hashable {
    public let shape: [Int]
    public let values: [Float]

    /// - Precondition: as many values as the shape has places.
    public init(shape: [Int], values: [Float]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for \(shape)")
        self.shape = shape
        self.values = values
    }
}

extension CalibrationArray {
    /// Values that are whole numbers of a range; a file may hold anything.
    ///
    /// - Throws: `SchemeError.calibration`.
    func integers(in range: ClosedRange<Int>, scheme: String, _ what: String) throws -> [Int] {
        try values.map { value in
            guard let whole = Int(exactly: value), range.contains(whole) else {
                throw SchemeError.calibration(scheme: scheme, problem: "\(what) holds \(value), no number of \(range)")
            }
            return whole
        }
    }

    /// - Throws: `SchemeError.calibration` for a NaN or an infinity.
    func finite(scheme: String, _ what: String) throws -> [Float] {
        guard values.allSatisfy({ $0.isFinite }) else {
            throw SchemeError.calibration(scheme: scheme, problem: "\(what) holds a number that is not finite")
        }
        return values
    }
}

/// What a scheme may learn from: one layer of a calibration text.
public struct CalibrationSample: Sendable {
    public let side: CacheSide
    /// Keys as a cache holds them, after RoPE.
    public let keys: FloatBlock
    public let values: FloatBlock
    /// Queries after RoPE, `[head, token, channel]`; `nil` if the capture has none.
    public let queries: FloatBlock?
    /// The same side of the layer before, before RoPE for keys that are stored so; `nil` for the first.
    public let previous: FloatBlock?
    /// From 0.
    public let layer: Int
    /// Whether the side's block is of keys before RoPE.
    public let ropeSide: RoPESide

    public init(
        side: CacheSide,
        keys: FloatBlock,
        values: FloatBlock,
        queries: FloatBlock? = nil,
        previous: FloatBlock? = nil,
        layer: Int = 0,
        ropeSide: RoPESide = .after
    ) {
        self.side = side
        self.ropeSide = ropeSide
        self.keys = keys
        self.values = values
        self.queries = queries
        self.previous = previous
        self.layer = layer
    }
}

/// What a scheme is given for one layer's block beside the block.
public struct SchemeContext: Sendable {
    public let layer: Int
    public let side: CacheSide
    /// What was learnt of this layer and side; empty without a calibration.
    public let calibration: CalibrationArrays
    /// What was decoded of the same side in the layer before, the same tokens; `nil` for the first.
    public let previous: FloatBlock?
    /// How much attention each token gets, `[kv_head, token]`; `nil` without queries.
    public let saliency: FloatBlock?

    public init(
        layer: Int = 0,
        side: CacheSide,
        calibration: CalibrationArrays = [:],
        previous: FloatBlock? = nil,
        saliency: FloatBlock? = nil
    ) {
        self.layer = layer
        self.side = side
        self.calibration = calibration
        self.previous = previous
        self.saliency = saliency
    }
}

extension SchemeContext {
    /// The same of some tokens.
    func tokens(_ range: Range<Int>) -> SchemeContext {
        SchemeContext(
            layer: layer,
            side: side,
            calibration: calibration,
            previous: previous?.tokens(range),
            saliency: saliency?.tokens(range)
        )
    }
}

extension FloatBlock {
    /// A copy of some tokens of every head.
    public func tokens(_ range: Range<Int>) -> FloatBlock {
        if range.count == tokens { return self }
        let chosen = (0..<heads).flatMap { head -> ArraySlice<Float> in
            let first = (head * tokens + range.lowerBound) * channels
            return elements[first..<first + range.count * channels]
        }
        return FloatBlock(heads: heads, tokens: range.count, channels: channels, elements: chosen)
    }
}
