import Kernels
import TensorCore

/// Asymmetric round-to-nearest with a float16 minimum and scale for each group.
///
/// `s = (max − min)/(2^b − 1)`, `c = round(clamp((x − min)/s))`, `x' = s·c + min`,
/// with float16 after every step and ties to even, as KIVI's reference does it.
/// A constant group is exact. A group that holds a NaN or an infinity decodes
/// wholly to NaN; its neighbours are untouched.
///
/// **Partial groups.** If the reduced dimension is no multiple of the group
/// size, the last group is shorter: it has fewer codes and its own scale. The
/// paper pads with zeros instead (KIVI §3.1, for its simulated runs), which
/// pulls zero into the last group's range, and so makes its error depend on
/// where a text happens to end, and stores codes of tokens that do not exist.
///
/// Source: KIVI, equation 1; order of operations as in its `quant/new_pack.py`.
public struct RoundToNearestScheme: TensorScheme {
    /// Code width, shared axis and group size.
    public struct Parameters: Codable, Sendable, Hashable {
        public var bits: Int
        public var axis: ScaleSharing
        public var groupSize: GroupSize

        public init(bits: Int, axis: ScaleSharing, groupSize: GroupSize) {
            self.bits = bits
            self.axis = axis
            self.groupSize = groupSize
        }

        private enum CodingKeys: String, CodingKey {
            case bits, axis
            case groupSize = "group_size"
        }
    }

    public static let family = "rtn"
    public static let grammar = "rtn-int{1|2|3|4|8}-{token|channel}-{gN|whole}"

    public static var listed: [RoundToNearestScheme] {
        var schemes: [RoundToNearestScheme] = []
        for bits in [2, 3, 4, 8] {
            for axis in [ScaleSharing.perToken, .perChannel] {
                for groupSize in [GroupSize.elements(32), .elements(64), .elements(128), .whole] {
                    schemes.append(Self(valid: Parameters(bits: bits, axis: axis, groupSize: groupSize)))
                }
            }
        }
        return schemes
    }

    public let parameters: Parameters

    public var id: String { "rtn-int\(parameters.bits)-\(parameters.axis.idPart)-\(parameters.groupSize.idPart)" }

    public var summary: String {
        let group =
            switch (parameters.groupSize, parameters.axis) {
            case (.elements(let count), .perChannel): "up to \(count) tokens of a channel"
            case (.elements(let count), .perToken): "up to \(count) channels of a token"
            case (.whole, .perChannel): "all tokens of a channel"
            case (.whole, .perToken): "all channels of a head's token"
            }
        return "\(parameters.bits)-bit round-to-nearest; float16 minimum and scale for \(group)"
    }

    public let source = PaperSource(
        citation: "Liu et al., KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache, ICML 2024",
        place: "§3.1, equation 1; Table 1",
        link: "https://arxiv.org/abs/2402.02750"
    )

    public var bits: Double { Double(parameters.bits) }
    public var scaleSharing: ScaleSharing? { parameters.axis }
    public var groupSize: GroupSize? { parameters.groupSize }
    public var calibration: CalibrationNeed { .none }

    /// - Throws: `SchemeError.parameter` for a width the kernel does not pack, or a group below 1.
    public init(parameters: Parameters) throws {
        guard Self.supportedBits.contains(parameters.bits) else {
            let widths = Self.supportedBits.map(String.init).joined(separator: ", ")
            throw SchemeError.parameter(name: "bits", value: "\(parameters.bits)", expected: "one of \(widths)")
        }
        if case .elements(let count) = parameters.groupSize, count < 1 {
            throw SchemeError.parameter(
                name: "group_size",
                value: "\(count)",
                expected: "1 element or more, or 'whole'"
            )
        }
        self.parameters = parameters
    }

    /// Widths that the kernel packs.
    static let supportedBits = AffineQuantizer.supportedBits.sorted()

    private init(valid parameters: Parameters) { self.parameters = parameters }
}
