/// Evenly spaced levels with all the choices that published quantizers differ in.
///
/// Asymmetric: `s = (max − min)/L`, `c = round((x − min)/s)` clamped to 0…L, `x' = s·c + min`.
/// `zero`: integer zero point `z = round(−min/s)`, `c = clamp(round(x/s) + z)`, `x' = s·(c − z)` (QuaRot, Atom).
/// `sym`: `s = max|x|/(2^(b−1) − 1)`, `c = clamp(round(x/s), −2^(b−1), 2^(b−1) − 1)`, `x' = s·c`.
/// `origin` widens the range to hold zero; `clip` shrinks it by a factor; three tie rules.
/// Scale and minimum are rounded to their format before codes are made. A group of one value is exact as far as its
/// format goes. A group with a NaN or an infinity decodes to NaN, and no other does. Source: schemes.md §0, §1.1.
struct UniformCoder: BlockCoder {
    /// What a half becomes.
    enum Ties: String, CaseIterable {
        case even, away, up

        func round(_ x: Float) -> Float {
            switch self {
            case .even: x.rounded(.toNearestOrEven)
            case .away: x.rounded(.toNearestOrAwayFromZero)
            case .up: (x + 0.5).rounded(.down)
            }
        }
    }

    enum Zero: Equatable { case minimum, integer, symmetric }

    static let name = "uniform"
    static let grammar =
        "uniform-{1…8|1.5}-{token|channel}-{gN|whole}[-sym|-zero[-clamped]][-origin][-clipC][-{away|up}][-{bf16|f32|e4m3}]"
    static let summary = "evenly spaced levels"

    let levels: Int
    let rows: (sharing: ScaleSharing, size: GroupSize)
    let zero: Zero
    /// Whether the integer zero point is one of the codes, as Atom has it; what lies beyond is cut off.
    let clampsZero: Bool
    let holdsOrigin: Bool
    let clip: Double
    let ties: Ties
    let format: MetadataFormat

    init(_ term: inout StageTerm) throws {
        if let bits = term.integer() {
            levels = 1 << (try StageTerm.checked(bits, "bits", in: 1...8))
        } else if term.decimal() == 1.5 {
            levels = 3
        } else {
            throw term.missing("bits: 1 to 8, or 1.5 for three levels")
        }
        rows = (try term.axis(), try term.groupSize())
        zero = term.flag("sym") ? .symmetric : term.flag("zero") ? .integer : .minimum
        guard zero != .symmetric || (levels > 2 && levels != 3) else {
            throw SchemeError.parameter(name: "bits", value: "too few for 'sym'", expected: "2 or more")
        }
        clampsZero = zero == .integer && term.flag("clamped")
        holdsOrigin = term.flag("origin")
        clip = try StageTerm.checked(term.decimal(after: "clip") ?? 1, "clip", above: 0, to: 1)
        ties = term.flag("away") ? .away : term.flag("up") ? .up : .even
        format = term.metadata() ?? .float16
    }

    var term: String {
        var parts = [Self.name, levels == 3 ? "1.5" : "\(levels.trailingZeroBitCount)", rows.sharing.idPart]
        parts.append(rows.size.idPart)
        switch zero {
        case .minimum: break
        case .integer: parts.append("zero")
        case .symmetric: parts.append("sym")
        }
        if clampsZero { parts.append("clamped") }
        if holdsOrigin { parts.append("origin") }
        if clip < 1 { parts.append("clip\(StageTerm.written(clip))") }
        if ties != .even { parts.append(ties.rawValue) }
        if format != .float16 { parts.append(format.rawValue) }
        return parts.joined(separator: "-")
    }

    var bits: Double {
        levels == 3 ? 8 / Double(BitPacking.digitsPerByte(levels: 3)) : Double(levels.trailingZeroBitCount)
    }
    var scaleSharing: ScaleSharing? { rows.sharing }
    var groupSize: GroupSize? { rows.size }
    var scaleType: String { format.typeName }

    private func rows(_ shape: BlockShape) -> GroupedRows {
        GroupedRows(shape: shape, sharing: rows.sharing, groupSize: rows.size)
    }

    private var hasOffset: Bool { zero != .symmetric }

    /// Scale and offset of a group: its minimum, or an integer zero point.
    func parameters(_ x: UnsafeBufferPointer<Float>) -> (scale: Float, offset: Float) {
        var low = Float.infinity, high = -Float.infinity, poison: Float = 0
        for value in x {
            low = min(low, value)
            high = max(high, value)
            poison += value * 0
        }
        guard poison == 0 else { return (.nan, 0) }
        if holdsOrigin { (low, high) = (min(low, 0), max(high, 0)) }
        (low, high) = (low * Float(clip), high * Float(clip))
        let steps = Float(levels - 1)
        switch zero {
        case .symmetric: return (format.rounded(max(abs(low), abs(high)) / Float(levels / 2 - 1)), 0)
        case .minimum:
            let offset = format.rounded(low)
            return (format.rounded((high - offset) / steps), offset)
        case .integer:
            let scale = format.rounded((high - low) / steps)
            guard scale > 0 else { return (0, low) }
            let zero = ties.round(-low / scale)
            if clampsZero { return (scale, max(0, min(steps, zero))) }
            // Beyond what a format holds to the unit the grid would be lost: the range is then widened to hold zero.
            if abs(zero) <= 2048 { return (scale, format.rounded(zero)) }
            let wide = format.rounded((max(high, 0) - min(low, 0)) / steps)
            return (wide, format.rounded(ties.round(-min(low, 0) / wide)))
        }
    }

    /// - Precondition: as many codes as elements.
    func code(
        _ x: UnsafeBufferPointer<Float>,
        scale: Float,
        offset: Float,
        into codes: UnsafeMutableBufferPointer<UInt16>
    ) {
        // A scale that is too small for its format: all become the offset.
        let inverse = scale > 0 ? 1 / scale : 0, top = Float(levels - 1), half = Float(levels / 2)
        for (index, value) in x.enumerated() {
            let place: Float
            switch zero {
            case .minimum: place = ties.round((value - offset) * inverse)
            case .integer: place = ties.round(value * inverse) + (scale > 0 ? offset : 0)
            case .symmetric: place = ties.round(value * inverse) + half
            }
            codes[index] = UInt16(max(0, min(top, place.isNaN ? 0 : place)))
        }
    }

    func value(_ code: UInt16, scale: Float, offset: Float) -> Float {
        switch zero {
        case .minimum: scale * Float(code) + offset
        // A group of one value keeps it in place of a zero point.
        case .integer: scale > 0 || scale.isNaN ? scale * (Float(code) - offset) : offset
        case .symmetric: scale * (Float(code) - Float(levels / 2))
        }
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let grouped = rows(x.shape), values = grouped.rows(x)
        var codes = [UInt16](repeating: 0, count: values.count)
        var scales = [Float](repeating: 0, count: grouped.groupCount), offsets = scales
        values.withUnsafeBufferPointer { values in
            codes.withUnsafeMutableBufferPointer { codes in
                grouped.forEachGroup { group, range in
                    let elements = UnsafeBufferPointer(rebasing: values[range])
                    (scales[group], offsets[group]) = parameters(elements)
                    code(
                        elements,
                        scale: scales[group],
                        offset: offsets[group],
                        into: .init(rebasing: codes[range])
                    )
                }
            }
        }
        let sections = [
            PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, levels: levels)),
            PackedTensor.Section("scales", scales, format),
        ]
        return hasOffset ? sections + [PackedTensor.Section("offsets", offsets, format)] : sections
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let grouped = rows(shape), count = shape.elementCount
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, levels: levels))
        let codes = BitPacking.unpack(bytes, count: count, levels: levels)
        let scales = try reader.floats("scales", count: grouped.groupCount, format)
        let offsets =
            hasOffset
            ? try reader.floats("offsets", count: grouped.groupCount, format)
            : [Float](repeating: 0, count: grouped.groupCount)
        var values = [Float](repeating: 0, count: count)
        grouped.forEachGroup { group, range in
            for index in range { values[index] = value(codes[index], scale: scales[group], offset: offsets[group]) }
        }
        return grouped.block(values)
    }
}
