import TensorCore

/// A way to store the keys or the values of one layer in few bits.
///
/// A scheme is a value: its parameters are all there is to it, and two schemes
/// with one id decode each other's bytes. `encode` gives real bytes, codes and
/// metadata, so that what a scheme costs is counted and never claimed.
///
/// Adding one is a file in `Schemes/` and a line in `SchemeCatalogue.tensorFamilies`.
public protocol TensorScheme: Sendable {
    /// Everything that tells one member of the family from another.
    associatedtype Parameters: Codable, Sendable, Hashable

    /// Name of the family, lower-case and kebab: `rtn`.
    static var family: String { get }
    /// How ids of the family are written: `rtn-int{1|2|3|4|8}-{token|channel}-{gN|whole}`.
    static var grammar: String { get }
    /// The members that a catalogue prints; others may still be named by the grammar.
    static var listed: [Self] { get }
    /// The member that `id` names, or `nil` if `id` is of another family.
    ///
    /// - Throws: `SchemeError` if `id` is of this family and a parameter is wrong.
    static func parse(_ id: String) throws -> Self?

    /// - Throws: `SchemeError.parameter` outside the scheme's range.
    init(parameters: Parameters) throws
    var parameters: Parameters { get }

    /// Permanent id; what results carry.
    var id: String { get }
    /// One sentence on what it does.
    var summary: String { get }
    /// Where it was published.
    var source: PaperSource { get }
    /// Bits of one code, metadata not counted.
    var bits: Double { get }
    /// What shares a scale; `nil` if the scheme has no scales.
    var scaleSharing: ScaleSharing? { get }
    /// How many elements share a scale; `nil` if the scheme has no scales.
    var groupSize: GroupSize? { get }
    /// Whether it must see data of the model before it can encode.
    var calibration: CalibrationNeed { get }

    /// How scales are stored: `float16`, `e4m3`, …; `none` without any.
    var scaleType: String { get }
    /// Whether keys are stored as they are before RoPE or after it.
    var ropeSide: RoPESide { get }

    /// The scheme for one layer's block: with what it has learnt of the layer, and what it may look at.
    ///
    /// - Throws: `SchemeError.notCalibrated` if it must learn first, `SchemeError.calibration` for another model's.
    func prepared(for context: SchemeContext) throws -> Self

    /// - Throws: `SchemeError` if the block does not suit the scheme.
    func encode(_ block: KVBlock) throws -> PackedTensor
    /// Float32 values `[kv_head, token, channel]`.
    ///
    /// - Throws: `SchemeError.packedTensor` for bytes that this scheme did not write.
    func decode(_ packed: PackedTensor) throws -> Tensor
}

extension TensorScheme {
    public var ropeSide: RoPESide { .after }
    public var scaleType: String { scaleSharing == nil ? "none" : "float16" }
    public func prepared(for context: SchemeContext) throws -> Self { self }
}

/// On which side of rotary position embedding keys are stored.
public enum RoPESide: String, Sendable, Codable {
    /// The keys are rotated when they are read.
    case before = "pre-rope"
    case after = "post-rope"
}

/// Whether a scheme must see data of the model first.
public enum CalibrationNeed: String, Sendable, Codable {
    case none
    case required
}

/// A published source of a scheme or a metric.
public struct PaperSource: Sendable, Hashable, Codable {
    /// Authors, title, venue and year in one line.
    public let citation: String
    /// The section, equation or table meant.
    public let place: String
    public let link: String

    public init(citation: String, place: String, link: String) {
        self.citation = citation
        self.place = place
        self.link = link
    }
}
