import Quantization

extension ErrorCollector {
    /// Elements that really share a scale on one side of a scheme: no more than the reduced axis has.
    ///
    /// `g128` per token is 64 on heads of 64 channels, and `whole` is the axis. `nil` without scales, and for
    /// `whole` per channel over sequences of different lengths.
    func effectiveGroupSize(of scheme: CacheScheme, side: CacheSide) -> Int? {
        let tensorScheme = scheme.scheme(for: side)
        guard let sharing = tensorScheme.scaleSharing, let size = tensorScheme.groupSize else { return nil }
        let axisLengths =
            switch sharing {
            case .perToken: [headDim]
            case .perChannel:
                sequenceLengths.map { scheme.window.quantizedRange(of: side, tokens: $0).count }.filter { $0 > 0 }
            }
        guard let longest = axisLengths.max(), size != .whole || axisLengths.allSatisfy({ $0 == longest }) else {
            return nil
        }
        return size.resolved(dimension: longest)
    }
}
