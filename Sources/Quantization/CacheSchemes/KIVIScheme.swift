import TensorCore

/// KIVI: keys per channel, values per token, and a residual of recent tokens in float16.
///
/// A name for `rtn-intB-channel-gG/rtn-intB-token-gG+residual=R`. Of keys the
/// first `T − T mod R` tokens are quantized, of values all but the last `R`.
///
/// Source: Liu et al., ICML 2024, §3.3 and Algorithm 1; code order as released.
public struct KIVIScheme: NamedCacheScheme {
    public static let family = "kivi"
    public static let grammar = "kivi-{1|2|3|4|8}-gN-rM, M a multiple of N"

    public let bits: Int
    /// Tokens of a key group and channels of a value group.
    public let groupSize: Int
    /// `R`: keys are quantized so many tokens at a time, and so many values stay.
    public let residual: Int
    private let key: RoundToNearestScheme
    private let value: RoundToNearestScheme
    private let window: WindowPolicy

    /// - Throws: `SchemeError.parameter` unless `R` is a positive multiple of `G`.
    public init(bits: Int, groupSize: Int, residual: Int) throws {
        key = try Self.side(bits: bits, groupSize: groupSize, axis: .perChannel)
        value = try Self.side(bits: bits, groupSize: groupSize, axis: .perToken)
        guard residual >= 1, residual.isMultiple(of: groupSize) else {
            throw SchemeError.parameter(
                name: "residual",
                value: "\(residual)",
                expected: "a positive multiple of the group size \(groupSize), since keys are quantized R at a time"
            )
        }
        window = try WindowPolicy(recent: .residual(residual))
        self.bits = bits
        self.groupSize = groupSize
        self.residual = residual
    }

    public var id: String { "kivi-\(bits)-g\(groupSize)-r\(residual)" }

    public static var listed: [KIVIScheme] {
        [2, 4].flatMap { bits in
            [32, 64, 128].flatMap { groupSize in
                [32, 64, 128].filter { $0.isMultiple(of: groupSize) }.compactMap {
                    try? KIVIScheme(bits: bits, groupSize: groupSize, residual: $0)
                }
            }
        }
    }

    public static func parse(_ id: String) throws -> KIVIScheme? {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "kivi",
            let bits = number(parts[1], after: ""),
            let groupSize = number(parts[2], after: "g"),
            let residual = number(parts[3], after: "r")
        else { return nil }
        return try KIVIScheme(bits: bits, groupSize: groupSize, residual: residual)
    }

    public static func name(key: any TensorScheme, value: any TensorScheme, window: WindowPolicy) -> String? {
        guard let key = key as? RoundToNearestScheme, let value = value as? RoundToNearestScheme,
            key.parameters.axis == .perChannel, value.parameters.axis == .perToken,
            key.parameters.bits == value.parameters.bits,
            case .elements(let groupSize) = key.parameters.groupSize,
            value.parameters.groupSize == .elements(groupSize),
            case .residual(let residual) = window.recent, window.sink == 0,
            let named = try? KIVIScheme(bits: key.parameters.bits, groupSize: groupSize, residual: residual)
        else { return nil }
        return named.id
    }

    public var cacheScheme: CacheScheme { CacheScheme(key: key, value: value, window: window) }

    public var entry: SchemeDescription {
        SchemeDescription(
            id: id,
            summary: "keys per channel, values per token; the last T mod \(residual) keys and "
                + "the last \(residual) values stay float16",
            source: PaperSource(
                citation: "Liu et al., KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache, ICML 2024",
                place: "§3.3, Algorithm 1",
                link: "https://arxiv.org/abs/2402.02750"
            ),
            key: key,
            value: value,
            window: window
        )
    }

    private static func side(bits: Int, groupSize: Int, axis: ScaleSharing) throws -> RoundToNearestScheme {
        try RoundToNearestScheme(
            parameters: .init(bits: bits, axis: axis, groupSize: .elements(groupSize))
        )
    }
}
