/// Blocks of 32 channels with a power of two as their scale.
///
/// `X = 2^(⌊log2 max|x|⌋ − e)`, e the exponent of the format's largest power of two; elements `Q(x / X)`, saturated.
/// Elements of `int8` are whole multiples of 2⁻⁶. `ceil` rounds the exponent up such that nothing saturates.
/// Source: OCP Microscaling Formats 1.0 (2023).
struct MicroscalingCoder: BlockCoder {
    static let name = "mx"
    static let grammar = "mx-{e4m3|e5m2|e3m2|e2m3|e2m1|int8}[-ceil]"
    static let summary = "blocks of 32 channels that share a power of two"

    private static let blockChannels = 32
    private static let formats: [(name: String, format: SmallFloat?)] = [
        ("e4m3", .e4m3), ("e5m2", .e5m2), ("e3m2", .e3m2), ("e2m3", .e2m3), ("e2m1", .e2m1), ("int8", nil),
    ]

    private let formatName: String
    private let format: SmallFloat?
    private let roundsUp: Bool

    init(_ term: inout StageTerm) throws {
        let name = try term.word("an element format: e4m3, e5m2, e3m2, e2m3, e2m1 or int8")
        guard let found = Self.formats.first(where: { $0.name == name }) else {
            throw SchemeError.parameter(
                name: "element format",
                value: "'\(name)'",
                expected: Self.formats.map { $0.name }.joined(separator: ", ")
            )
        }
        (formatName, format) = found
        roundsUp = term.flag("ceil")
    }

    var term: String { "\(Self.name)-\(formatName)" + (roundsUp ? "-ceil" : "") }
    var bits: Double { Double(format?.bits ?? 8) }
    var scaleSharing: ScaleSharing? { .perToken }
    var groupSize: GroupSize? { .elements(Self.blockChannels) }
    var scaleType: String { "e8m0" }

    private func rows(_ shape: BlockShape) -> GroupedRows {
        GroupedRows(shape: shape, sharing: .perToken, groupSize: .elements(Self.blockChannels))
    }

    /// 255 stands for NaN; exponents are held in −127…127.
    private static let nanExponent: UInt8 = 255

    private func exponent(_ largest: Float) -> UInt8 {
        guard largest > 0 else { return 0 }
        let own = Int(largest.exponent), top = format?.largestExponent ?? 0
        var exponent = own - top
        let limit = format?.largest ?? 127.0 / 64
        if roundsUp, largest > limit * SmallFloat.power(exponent) { exponent += 1 }
        return UInt8(max(-127, min(127, exponent)) + 127)
    }

    private func code(_ x: Float) -> UInt16 {
        if let format { return UInt16(format.encode(x)) }
        let steps = max(-127, min(127, (x * 64).rounded(.toNearestOrEven)))
        return UInt16(UInt8(bitPattern: Int8(steps)))
    }

    private func value(_ code: UInt16) -> Float {
        format.map { $0.decode(UInt32(code)) } ?? Float(Int8(bitPattern: UInt8(code))) / 64
    }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        let rows = rows(x.shape)
        var codes = [UInt16](repeating: 0, count: x.elements.count)
        var exponents = [UInt8](repeating: 0, count: rows.groupCount)
        rows.forEachGroup { group, range in
            let own = x.elements[range]
            guard own.allSatisfy({ $0.isFinite }) else { return exponents[group] = Self.nanExponent }
            exponents[group] = exponent(own.reduce(0) { max($0, abs($1)) })
            let inverse = SmallFloat.power(127 - Int(exponents[group]))
            for index in range { codes[index] = code(x.elements[index] * inverse) }
        }
        return [
            PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, bits: Int(bits))),
            PackedTensor.Section(name: "exponents", bytes: exponents),
        ]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let rows = rows(shape), count = shape.elementCount
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, bits: Int(bits)))
        let codes = BitPacking.unpack(bytes, count: count, bits: Int(bits))
        let exponents = try reader.next("exponents", byteCount: rows.groupCount)
        let table = (0..<1 << Int(bits)).map { value(UInt16($0)) }
        var x = FloatBlock(zeros: shape)
        rows.forEachGroup { group, range in
            let exponent = exponents[group]
            let scale = exponent == Self.nanExponent ? .nan : SmallFloat.power(Int(exponent) - 127)
            for index in range { x.elements[index] = table[Int(codes[index])] * scale }
        }
        return x
    }
}
