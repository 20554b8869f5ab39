/// Bytes of a cache by what they hold: its pages and envelopes. An arena takes memory from the system 2 MB at a time,
/// so that it holds up to that much more, twice that while a prompt is not packed.
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
