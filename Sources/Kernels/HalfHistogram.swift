internal import CKernels

/// How often each of the 65,536 float16 bit patterns occurs: exact, mergeable, and exact for quantiles.
public struct HalfHistogram: Sendable, Equatable {
    /// Indexed by bit pattern.
    public private(set) var counts = [UInt64](repeating: 0, count: 1 << 16)

    public init() {}

    /// Counts a slab [tokens × channels] of float16 bits whose tokens lie `tokenStride` elements apart.
    public mutating func add(_ x: UnsafePointer<UInt16>, tokens: Int, channels: Int, tokenStride: Int) {
        counts.withUnsafeMutableBufferPointer { counts in
            guard let base = counts.baseAddress else { return }
            kva_count_half_patterns(x, tokens, channels, tokenStride, base)
        }
    }

    public mutating func merge(_ other: HalfHistogram) {
        for pattern in counts.indices { counts[pattern] += other.counts[pattern] }
    }

    /// Elements that are neither NaN nor infinite.
    public var finiteCount: UInt64 { Self.ascending.reduce(0) { $0 + counts[$1] } }

    /// The values below which the given shares of the finite elements lie, by linear interpolation between
    /// neighbours in sorted order (the definition of numpy's default, Hyndman and Fan's type 7); NaN for none.
    ///
    /// - Parameter probabilities: each in 0…1, in any order.
    /// - Complexity: O(65,536 + probabilities × log probabilities).
    public func quantiles(_ probabilities: [Double]) -> [Double] {
        quantiles(probabilities, order: Self.ascending) { [Int($0)] }
    }

    /// ``quantiles(_:)`` of |x|.
    public func absoluteQuantiles(_ probabilities: [Double]) -> [Double] {
        quantiles(probabilities, order: Self.magnitudes) { [Int($0), Int($0) | 0x8000] }
    }

    private func quantiles(_ probabilities: [Double], order: [Int], patterns: (Int) -> [Int]) -> [Double] {
        let total = finiteCount
        guard total > 0 else { return probabilities.map { _ in .nan } }
        let places = probabilities.map { min(max($0, 0), 1) * Double(total - 1) }
        // Each quantile lies between two ranks; look all ranks up in one walk through the sorted patterns.
        let ranks = places.flatMap { [UInt64($0), UInt64($0.rounded(.up))] }
        var values = [Double](repeating: .nan, count: ranks.count)
        var passed: UInt64 = 0, next = 0
        let sorted = ranks.indices.sorted { ranks[$0] < ranks[$1] }
        for pattern in order where next < sorted.count {
            passed += patterns(pattern).reduce(0) { $0 + counts[$1] }
            while next < sorted.count, ranks[sorted[next]] < passed {
                values[sorted[next]] = Self.value(pattern)
                next += 1
            }
        }
        return places.indices.map { index in
            let low = values[2 * index], high = values[2 * index + 1]
            return low + (high - low) * (places[index] - places[index].rounded(.down))
        }
    }

    private static func value(_ pattern: Int) -> Double { Double(HalfConversion.toFloat(UInt16(pattern))) }

    /// Patterns of finite numbers from −65504 to 65504.
    private static let ascending: [Int] = (0x8000...0xFBFF).reversed() + Array(0...0x7BFF)
    private static let magnitudes = Array(0...0x7BFF)
}
