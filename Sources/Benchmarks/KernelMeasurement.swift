/// What one kernel benchmark showed at one residence.
public struct KernelMeasurement: Sendable, Codable, Equatable {
    public let name: String
    /// The instruction set that ran.
    public let isa: String
    public let residence: Residence
    public let threads: Int
    /// Of one head; rows, for work that has no heads.
    public let tokens: Int
    /// Channels of one token; elements of a row, for work that has no heads.
    public let headDim: Int
    /// Bytes that one run must read and write, each counted once.
    public let bytes: Int
    /// `bytes` over the median time of a run; 10⁹ bytes a second.
    public let gigabytesPerSecond: Double
    /// Rate over that of a plain read of as many bytes in the same round; median of all rounds.
    public let shareOfMemoryRead: Double
    /// Time of the float16 rival over the same tokens, over this one's time in the same round; median of all
    /// rounds. `nil`, null in JSON, where there is no such rival.
    public let ratioToFloat16: Double?
    /// (p75 − p25) / median of the times of a run.
    public let spread: Double

    public init(
        name: String,
        isa: String,
        residence: Residence,
        threads: Int,
        tokens: Int,
        headDim: Int,
        bytes: Int,
        gigabytesPerSecond: Double,
        shareOfMemoryRead: Double,
        ratioToFloat16: Double?,
        spread: Double
    ) {
        self.name = name
        self.isa = isa
        self.residence = residence
        self.threads = threads
        self.tokens = tokens
        self.headDim = headDim
        self.bytes = bytes
        self.gigabytesPerSecond = gigabytesPerSecond
        self.shareOfMemoryRead = shareOfMemoryRead
        self.ratioToFloat16 = ratioToFloat16
        self.spread = spread
    }

    /// Writes every member, so that readers find the same ones in each row.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(isa, forKey: .isa)
        try container.encode(residence, forKey: .residence)
        try container.encode(threads, forKey: .threads)
        try container.encode(tokens, forKey: .tokens)
        try container.encode(headDim, forKey: .headDim)
        try container.encode(bytes, forKey: .bytes)
        try container.encode(gigabytesPerSecond, forKey: .gigabytesPerSecond)
        try container.encode(shareOfMemoryRead, forKey: .shareOfMemoryRead)
        try container.encode(ratioToFloat16, forKey: .ratioToFloat16)
        try container.encode(spread, forKey: .spread)
    }
}
