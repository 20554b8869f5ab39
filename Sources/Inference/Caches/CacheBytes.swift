/// Bytes of a cache by what they hold: its pages, not what an arena has taken from the system and not cut yet, which is
/// less than two slabs of 2 MB and pages that have come back.
public struct CacheBytes: Sendable, Equatable, Codable {
    public var codes = 0
    /// Scales and minima.
    public var scales = 0
    /// Tokens in float16 or float32: a window, or the whole cache.
    public var fullPrecision = 0
    /// The rest of pages that are not full, and envelopes.
    public var unused = 0

    public init() {}

    /// What the tokens take.
    public var used: Int { codes + scales + fullPrecision }
    /// All pages and envelopes.
    public var total: Int { used + unused }

    public static func + (a: CacheBytes, b: CacheBytes) -> CacheBytes {
        var sum = a
        sum.codes += b.codes
        sum.scales += b.scales
        sum.fullPrecision += b.fullPrecision
        sum.unused += b.unused
        return sum
    }
}
