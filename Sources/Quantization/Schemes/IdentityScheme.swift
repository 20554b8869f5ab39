import Kernels
import TensorCore

/// Keeps float16 as it is: the zero control, whose error is exactly zero through every metric.
public struct IdentityScheme: TensorScheme {
    /// There is nothing to choose.
    public struct Parameters: Codable, Sendable, Hashable {
        public init() {}
    }

    public static let family = "identity"
    public static let grammar = "identity"
    public static var listed: [IdentityScheme] { [IdentityScheme()] }

    public let parameters = Parameters()
    public let id = "identity"
    public let summary = "float16, unchanged; the control whose error is exactly zero"
    public let source = PaperSource(
        citation: "none; the uncompressed cache",
        place: "",
        link: ""
    )
    public let bits = 16.0
    public let scaleSharing: ScaleSharing? = nil
    public let groupSize: GroupSize? = nil
    public let calibration = CalibrationNeed.none

    public init() {}
    public init(parameters: Parameters) { self.init() }

    public static func parse(_ id: String) -> IdentityScheme? { id == "identity" ? IdentityScheme() : nil }

    public func encode(_ block: KVBlock) -> PackedTensor {
        PackedTensor(
            schemeID: id,
            heads: block.heads,
            tokens: block.tokens,
            channels: block.channels,
            sections: [PackedTensor.Section(name: "float16", bytes: LittleEndian.bytes(of: block.bits))]
        )
    }

    public func decode(_ packed: PackedTensor) throws -> Tensor {
        try packed.check(schemeID: id)
        let bytes = try packed.bytes(of: "float16", byteCount: 2 * packed.elementCount)
        return Tensor(
            layout: .block(heads: packed.heads, tokens: packed.tokens, channels: packed.channels),
            elements: HalfConversion.toFloat(LittleEndian.words(of: bytes[...]))
        )
    }
}
