import Quantization
import Synchronization
import TensorCore

/// What a scheme has learnt of a model, by side and layer.
public typealias LearntArrays = [CacheSide: [Int: CalibrationArrays]]

/// A cache scheme made ready for the layers of a model, to be applied as tokens come.
struct SimulatedScheme: Sendable {
    let scheme: CacheScheme
    private let shape: CacheShape
    /// By side, then by layer.
    private let prepared: [CacheSide: [any TensorScheme]]
    /// Tokens of a side that are encoded together.
    private let blockTokens: [CacheSide: Int]

    /// - Throws: `SchemeError` for a scheme that has not learnt what it must, or heads that do not suit it;
    ///   `ModelError.invalidSetting` for one that must see what a cache does not hold.
    init(_ scheme: CacheScheme, shape: CacheShape, learnt: LearntArrays = [:]) throws {
        try Self.check(scheme, isCalibrated: !learnt.isEmpty)
        var prepared: [CacheSide: [any TensorScheme]] = [:], blockTokens: [CacheSide: Int] = [:]
        for side in CacheSide.allCases {
            let plain = scheme.scheme(for: side)
            let layers = try (0..<shape.layers).map { layer -> any TensorScheme in
                let context = SchemeContext(layer: layer, side: side, calibration: learnt[side]?[layer] ?? [:])
                return try plain.prepared(for: context)
            }
            prepared[side] = layers
            blockTokens[side] = try layers.first.map { try Self.blockTokens(of: $0, shape) } ?? 1
        }
        (self.scheme, self.shape, self.prepared, self.blockTokens) = (scheme, shape, prepared, blockTokens)
    }

    /// Refuses what no model's cache can do, before there is a model.
    ///
    /// - Throws: `SchemeError.notCalibrated`, `ModelError.invalidSetting`.
    static func check(_ scheme: CacheScheme, isCalibrated: Bool) throws {
        for side in CacheSide.allCases {
            let own = scheme.scheme(for: side)
            if let pipeline = own as? PipelineScheme, pipeline.needsPreviousLayer || pipeline.needsSaliency {
                throw ModelError.invalidSetting(
                    name: "cache",
                    value: "'simulated:\(scheme.id)'",
                    expected: "a scheme that looks at one layer's keys or values alone; this one needs "
                        + (pipeline.needsSaliency ? "the attention that tokens will get" : "the layer before")
                        + ": measure it with 'kvatlas error'"
                )
            }
            if own.calibration == .required, !isCalibrated { throw SchemeError.notCalibrated(scheme: scheme.id) }
        }
    }

    /// The tokens up to `end` that are in whole blocks behind the sinks.
    func wholeBlocks(of side: CacheSide, until end: Int) -> Int {
        end - max(0, end - scheme.window.sink) % (blockTokens[side] ?? 1)
    }

    /// Replaces `[kv_head, token, channel]` by what is read back of it.
    ///
    /// - Parameter tokens: where they stand in the sequence.
    func roundTrip(_ floats: inout [Float], side: CacheSide, layer: Int, tokens: Range<Int>) throws {
        guard let own = prepared[side]?[layer] else { return }
        let isTurned = side == .key && own.ropeSide == .before
        if isTurned { try turn(&floats, layer, tokens, back: true) }
        let block = KVBlock(heads: shape.kvHeads, tokens: tokens.count, channels: shape.headDim, values: floats)
        floats = try own.decode(own.encode(block)).elements
        if isTurned { try turn(&floats, layer, tokens, back: false) }
    }

    /// RoPE on keys, or back from it: turning by −θ is turning by θ between two changes of the second halves' signs.
    private func turn(_ floats: inout [Float], _ layer: Int, _ tokens: Range<Int>, back: Bool) throws {
        guard let layout = shape.layout else {
            throw ModelError.invalidSetting(
                name: "cache",
                value: "'simulated:\(scheme.id)'",
                expected: "a model that says how it turns its keys, as they are stored before RoPE"
            )
        }
        let channels = shape.headDim
        let table = layout.rotation(layer: layer).table(positions: tokens, channels: channels)
        func changeSigns(_ base: UnsafeMutablePointer<Float>) {
            for row in 0..<shape.kvHeads * tokens.count {
                for channel in row * channels + channels / 2..<(row + 1) * channels { base[channel].negate() }
            }
        }
        floats.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            if back { changeSigns(base) }
            for head in 0..<shape.kvHeads {
                table.rotate(
                    base + head * tokens.count * channels,
                    tokens: tokens.count,
                    heads: 1,
                    headStride: channels,
                    tokenStride: channels
                )
            }
            if back { changeSigns(base) }
        }
    }

    // MARK: - Blocks

    private static let most = 512
    private static let known = Mutex<[String: Int]>([:])

    /// The fewest tokens whose encoding costs at most a quarter more an element than that of hundreds together.
    ///
    /// One token's group is exact, and so is a matrix of low rank with one row: such a scheme would seem lossless at
    /// "2 bits" and store dozens. What it costs is counted in its bytes, of random numbers. A group of a fixed size is
    /// never cut.
    private static func blockTokens(of scheme: any TensorScheme, _ shape: CacheShape) throws -> Int {
        let key = "\(scheme.id) \(shape.kvHeads) \(shape.headDim)"
        if let found = known.withLock({ $0[key] }) { return found }
        var group = 1
        if scheme.scaleSharing == .perChannel, case .elements(let count) = scheme.groupSize { group = count }
        func bits(_ tokens: Int) throws -> Double {
            var random = SeededGenerator(seed: 1)
            let count = shape.kvHeads * tokens * shape.headDim
            let values = (0..<count).map { _ in Float(random.nextGaussian()) }
            let block = KVBlock(heads: shape.kvHeads, tokens: tokens, channels: shape.headDim, values: values)
            return try scheme.encode(block).bitsPerElement
        }
        let allowed = 1.25 * (try bits(max(group, most / group * group)))
        var tokens = group
        while tokens < most, try bits(tokens) > allowed { tokens *= 2 }
        known.withLock { $0[key] = tokens }
        return tokens
    }
}
