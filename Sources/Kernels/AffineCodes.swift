/// Which neighbours share a scale.
public enum GroupedAxis: String, Sendable, Codable, CaseIterable {
    /// G tokens of one channel ("per-channel", as KIVI does keys).
    case tokens
    /// G channels of one token ("per-token", as KIVI does values).
    case channels
}

/// Packed integer codes with float16 scale and minimum for each group: x' = scale·code + minimum.
///
/// A row is one channel over all tokens (`.tokens`) or one token over all
/// channels (`.channels`). Within a row code j takes bits `bits·j …` counted from
/// the least significant bit of the row's first byte, and a row ends on a whole
/// byte. At 2, 4 and 8 bits, and row lengths that fill 32-bit words, these bytes
/// are the little-endian words of the KIVI reference.
public struct AffineCodes: Sendable, Equatable {
    public let bits: Int
    /// Elements in a group; the last group of a row may be shorter.
    public let groupSize: Int
    public let groupedAxis: GroupedAxis
    public let tokens: Int
    public let channels: Int
    /// [row][byte], ``bytesPerRow`` bytes a row.
    public let codes: [UInt8]
    /// float16 bits, [row][group].
    public let scales: [UInt16]
    /// float16 bits, [row][group].
    public let minima: [UInt16]

    /// - Precondition: the arrays have the lengths that the shape needs.
    public init(
        bits: Int,
        groupSize: Int,
        groupedAxis: GroupedAxis,
        tokens: Int,
        channels: Int,
        codes: [UInt8],
        scales: [UInt16],
        minima: [UInt16]
    ) {
        self.bits = bits
        self.groupSize = groupSize
        self.groupedAxis = groupedAxis
        self.tokens = tokens
        self.channels = channels
        self.codes = codes
        self.scales = scales
        self.minima = minima
        precondition(AffineQuantizer.supportedBits.contains(bits), "\(bits) bits")
        precondition(groupSize > 0 && tokens >= 0 && channels >= 0, "group of \(groupSize) in \(tokens) × \(channels)")
        precondition(codes.count == rows * bytesPerRow, "\(codes.count) code bytes for \(rows) × \(bytesPerRow)")
        precondition(scales.count == rows * groupsPerRow && minima.count == scales.count, "scales do not match groups")
    }

    public var rows: Int { groupedAxis == .tokens ? channels : tokens }
    public var rowLength: Int { groupedAxis == .tokens ? tokens : channels }
    public var groupsPerRow: Int { (rowLength + groupSize - 1) / groupSize }
    public var bytesPerRow: Int { (rowLength * bits + 7) / 8 }

    /// Bytes of codes, scales and minima together.
    public var byteCount: Int { codes.count + 2 * (scales.count + minima.count) }
}
