internal import CKernels

/// How keys or values are packed: round-to-nearest with a float scale (and minimum) for each group (KIVI §3).
///
/// Keys are grouped per channel, `groupSize` consecutive tokens of one channel; values per token,
/// `groupSize` consecutive channels of one token. Codes lie in tiles of 32 tokens in the order in which
/// byte products want them; `AffineCodes` has them in the order of the reference implementation.
public struct PackedFormat: Sendable, Hashable {
    public enum Side: Sendable {
        case keys
        case values
    }

    /// What scales and minima are stored as.
    public enum Metadata: Sendable {
        case float16
        case float32

        var byteCount: Int { self == .float16 ? 2 : 4 }
    }

    /// Tokens of a tile.
    public static let tileTokens = Int(KVA_TILE_TOKENS)
    /// Bits a code may have.
    public static let bitWidths = [1, 2, 3, 4, 8]

    public let side: Side
    public let bits: Int
    public let groupSize: Int
    public let channels: Int
    /// Whether there are no minima: x' = scale·(code − 2^(bits − 1)).
    public let isSymmetric: Bool
    public let metadata: Metadata

    /// - Precondition: `bits` is among ``bitWidths``, `groupSize` and `channels` are positive.
    public init(
        _ side: Side,
        bits: Int,
        groupSize: Int,
        channels: Int,
        isSymmetric: Bool = false,
        metadata: Metadata = .float16
    ) {
        precondition(Self.bitWidths.contains(bits), "\(bits) bits: not one of \(Self.bitWidths)")
        precondition(groupSize > 0 && channels > 0, "groups of \(groupSize) over \(channels) channels")
        self.side = side
        self.bits = bits
        self.groupSize = groupSize
        self.channels = channels
        self.isSymmetric = isSymmetric
        self.metadata = metadata
    }

    /// Bytes of the codes of 32 tokens; channels are padded to 16 (keys) or 32 (values).
    public var tileBytes: Int {
        switch side {
        case .keys: kva_key_tile_bytes(channels, UInt32(bits))
        case .values: kva_value_tile_bytes(channels, UInt32(bits))
        }
    }

    /// Bytes of the codes of so many tokens, in whole tiles.
    public func codeBytes(tokens: Int) -> Int {
        (tokens + Self.tileTokens - 1) / Self.tileTokens * tileBytes
    }

    /// Bytes of the scales and minima of so many tokens, in whole groups (keys) or tiles (values).
    public func metadataBytes(tokens: Int) -> Int {
        let symmetric: Int32 = isSymmetric ? 1 : 0
        let elements =
            switch side {
            case .keys: (tokens + groupSize - 1) / groupSize * kva_key_group_stride(channels, symmetric)
            case .values:
                (tokens + Self.tileTokens - 1) / Self.tileTokens
                    * kva_value_tile_stride(channels, groupSize, symmetric)
            }
        return elements * metadata.byteCount
    }

    /// Tokens that can be appended at a time: whole groups of keys, any number of values.
    public var appendStep: Int { side == .keys ? groupSize : 1 }

    /// Bits that codes and metadata take for an element in a long sequence, padding included.
    public var bitsPerElement: Double {
        let tokens = groupSize * Self.tileTokens
        return Double(8 * (codeBytes(tokens: tokens) + metadataBytes(tokens: tokens))) / Double(tokens * channels)
    }

    var tileShape: kva_tile_shape { tileShape(tokenStride: channels, elementType: KVA_F16) }

    func tileShape(tokenStride: Int, elementType: kva_type) -> kva_tile_shape {
        kva_tile_shape(
            format: kva_affine_format(
                element_type: elementType,
                bits: UInt32(bits),
                group_size: groupSize,
                is_symmetric: isSymmetric ? 1 : 0,
                metadata_is_float: metadata == .float32 ? 1 : 0
            ),
            channels: channels,
            token_stride: tokenStride
        )
    }
}
