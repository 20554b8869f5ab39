/// FP8, each element by itself, with no scale or one for the tensor.
///
/// Sources: Micikevicius et al., FP8 Formats for Deep Learning (2022); vLLM's `--kv-cache-dtype fp8` has scale 1.
struct FP8Coder: BlockCoder {
    static let name = "fp8"
    static let grammar = "fp8-{e4m3|e5m2}[-tensor]"
    static let summary = "FP8 elements, a scale of 1 or one a tensor"

    private let format: SmallFloat
    private let isScaled: Bool

    init(_ term: inout StageTerm) throws {
        if term.flag("e4m3") {
            format = .e4m3
        } else if term.flag("e5m2") {
            format = .e5m2
        } else {
            throw term.missing("'e4m3' or 'e5m2'")
        }
        isScaled = term.flag("tensor")
    }

    var term: String { "\(Self.name)-\(format == .e4m3 ? "e4m3" : "e5m2")" + (isScaled ? "-tensor" : "") }
    var bits: Double { 8 }
    var scaleSharing: ScaleSharing? { nil }
    var groupSize: GroupSize? { nil }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        let largest = x.elements.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
        let scale = isScaled && largest > 0 ? largest / format.largest : 1
        // An infinity is no number that saturation may hide.
        let codes = x.elements.map { UInt8(format.encode($0.isFinite ? $0 / scale : .nan)) }
        let section = PackedTensor.Section(name: "codes", bytes: codes)
        return isScaled ? [section, PackedTensor.Section("scale", [scale], .float32)] : [section]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let codes = try reader.next("codes", byteCount: shape.elementCount)
        let scale = isScaled ? try reader.floats("scale", count: 1, .float32)[0] : 1
        let table = (0..<256).map { format.decode(UInt32($0)) * scale }
        return FloatBlock(
            heads: shape.heads,
            tokens: shape.tokens,
            channels: shape.channels,
            elements: codes.map { table[Int($0)] }
        )
    }
}

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

/// Blocks of 16 channels of FP4 with an FP8 scale, and one float32 scale for the tensor.
///
/// `s = max|x|/(6·448)`, block scale `E4M3(max|x_block|/(6·s))`, elements E2M1. Source: NVIDIA, NVFP4 (schemes.md §1.3).
struct NVFP4Coder: BlockCoder {
    static let name = "nvfp4"
    static let grammar = "nvfp4"
    static let summary = "blocks of 16 channels of FP4 with an FP8 scale, and a scale of the tensor"

    private static let blockChannels = 16

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }
    var bits: Double { 4 }
    var scaleSharing: ScaleSharing? { .perToken }
    var groupSize: GroupSize? { .elements(Self.blockChannels) }
    var scaleType: String { "e4m3" }

    private func rows(_ shape: BlockShape) -> GroupedRows {
        GroupedRows(shape: shape, sharing: .perToken, groupSize: .elements(Self.blockChannels))
    }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        let rows = rows(x.shape), element = SmallFloat.e2m1, scaleFormat = SmallFloat.e4m3
        let largest = x.elements.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
        let tensorScale = largest > 0 ? largest / (element.largest * scaleFormat.largest) : 1
        var codes = [UInt16](repeating: 0, count: x.elements.count)
        var scales = [UInt8](repeating: 0, count: rows.groupCount)
        rows.forEachGroup { group, range in
            let own = x.elements[range]
            guard own.allSatisfy({ $0.isFinite }) else {
                return scales[group] = UInt8(scaleFormat.encode(.nan))
            }
            let most = own.reduce(Float(0)) { max($0, abs($1)) }
            let code = scaleFormat.encode(most / (element.largest * tensorScale))
            let scale = scaleFormat.decode(code) * tensorScale
            scales[group] = UInt8(code)
            for index in range { codes[index] = UInt16(element.encode(scale > 0 ? x.elements[index] / scale : 0)) }
        }
        return [
            PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, bits: 4)),
            PackedTensor.Section(name: "scales", bytes: scales),
            PackedTensor.Section("tensor-scale", [tensorScale], .float32),
        ]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let rows = rows(shape), count = shape.elementCount
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, bits: 4))
        let codes = BitPacking.unpack(bytes, count: count, bits: 4)
        let scales = try reader.next("scales", byteCount: rows.groupCount)
        let tensorScale = try reader.floats("tensor-scale", count: 1, .float32)[0]
        let table = (0..<16).map { SmallFloat.e2m1.decode(UInt32($0)) }
        var x = FloatBlock(zeros: shape)
        rows.forEachGroup { group, range in
            let scale = SmallFloat.e4m3.decode(UInt32(scales[group])) * tensorScale
            for index in range { x.elements[index] = table[Int(codes[index])] * scale }
        }
        return x
    }
}
