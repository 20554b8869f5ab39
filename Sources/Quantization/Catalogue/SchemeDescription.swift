import TensorCore

/// What a list of schemes prints of one.
public struct SchemeDescription: Sendable, Equatable, Codable {
    /// Whether the name stands for one tensor's scheme or for a pair with a window.
    public enum Kind: String, Sendable, Codable {
        case tensor
        case cache
    }

    public let id: String
    public let kind: Kind
    public let summary: String
    public let source: PaperSource
    /// Bits of one code of keys and of values, metadata not counted.
    public let keyBits: Double
    public let valueBits: Double
    /// What shares a scale; `nil` if the scheme has no scales.
    public let keySharing: ScaleSharing?
    public let valueSharing: ScaleSharing?
    /// Elements that share a scale, of keys; `nil` if the scheme has no scales.
    public let groupSize: GroupSize?
    /// Which tokens stay in full precision, in the words of a term; empty for none.
    public let window: String
    public let calibration: CalibrationNeed
    /// Whether keys are stored before RoPE.
    public let ropeSide: RoPESide

    init(_ scheme: some TensorScheme) {
        id = scheme.id
        kind = .tensor
        summary = scheme.summary
        source = scheme.source
        keyBits = scheme.bits
        valueBits = scheme.bits
        keySharing = scheme.scaleSharing
        valueSharing = scheme.scaleSharing
        groupSize = scheme.groupSize
        window = ""
        calibration = scheme.calibration
        ropeSide = scheme.ropeSide
    }

    init(
        id: String,
        summary: String,
        source: PaperSource,
        key: any TensorScheme,
        value: any TensorScheme,
        window: WindowPolicy
    ) {
        self.id = id
        kind = .cache
        self.summary = summary
        self.source = source
        keyBits = key.bits
        valueBits = value.bits
        keySharing = key.scaleSharing
        valueSharing = value.scaleSharing
        groupSize = key.groupSize
        self.window = window.term
        calibration = key.calibration == .required || value.calibration == .required ? .required : .none
        ropeSide = key.ropeSide
    }
}
