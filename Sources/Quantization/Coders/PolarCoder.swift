import Foundation

/// Pairs of channels as radius and angle, each in evenly spaced steps over N tokens.
///
/// Channel i with i + D/2, as RoPE turns them: ρ = ‖·‖ and φ = atan2 in 0…2π; `s = (max − min)/2^b`,
/// `c = ⌊(x − min)/s⌋`, `x' = (c + ½)·s + min`, so that scores come of a table of 2^b entries.
/// Source: Wu et al., PolarQuant, NeurIPS 2025.
struct PolarCoder: BlockCoder {
    static let name = "polar"
    static let grammar = "polar-RADIUSBITS-ANGLEBITS-gN"
    static let summary = "radius and angle of channel pairs in groups of tokens"

    private let radiusBits: Int
    private let angleBits: Int
    private let size: GroupSize

    init(_ term: inout StageTerm) throws {
        radiusBits = try StageTerm.checked(term.requiredInteger("bits of the radius"), "bits", in: 1...8)
        angleBits = try StageTerm.checked(term.requiredInteger("bits of the angle"), "bits", in: 1...8)
        size = try term.groupSize()
    }

    var term: String { "\(Self.name)-\(radiusBits)-\(angleBits)-\(size.idPart)" }
    var bits: Double { Double(radiusBits + angleBits) / 2 }
    var scaleSharing: ScaleSharing? { .perChannel }
    var groupSize: GroupSize? { size }

    private func rows(_ shape: BlockShape) throws -> GroupedRows {
        guard shape.channels.isMultiple(of: 2) else {
            throw SchemeError.shape(
                scheme: term,
                problem: "\(shape.channels) channels cannot be paired",
                expected: "an even number"
            )
        }
        let pairs = BlockShape(heads: shape.heads, tokens: shape.tokens, channels: shape.channels / 2)
        return GroupedRows(shape: pairs, sharing: .perChannel, groupSize: size)
    }

    private static let format = MetadataFormat.float16

    private func sections(_ x: FloatBlock, _ rows: GroupedRows, _ bits: Int, _ name: String) -> [PackedTensor.Section] {
        let values = rows.rows(x), levels = Float(1 << bits)
        var codes = [UInt16](repeating: 0, count: values.count)
        var scales = [Float](repeating: 0, count: rows.groupCount), minima = scales
        rows.forEachGroup { group, range in
            let own = values[range]
            guard own.allSatisfy({ $0.isFinite }), let low = own.min(), let high = own.max() else {
                return scales[group] = .nan
            }
            minima[group] = Self.format.rounded(low)
            scales[group] = Self.format.rounded((high - minima[group]) / levels)
            guard scales[group] > 0 else { return }
            for index in range {
                let place = ((values[index] - minima[group]) / scales[group]).rounded(.down)
                codes[index] = UInt16(max(0, min(levels - 1, place)))
            }
        }
        return [
            PackedTensor.Section(name: name, bytes: BitPacking.pack(codes, bits: bits)),
            PackedTensor.Section("\(name)-scales", scales), PackedTensor.Section("\(name)-minima", minima),
        ]
    }

    private func block(
        _ reader: inout SectionReader,
        _ rows: GroupedRows,
        _ bits: Int,
        _ name: String
    ) throws -> FloatBlock {
        let count = rows.shape.elementCount
        let bytes = try reader.next(name, byteCount: BitPacking.byteCount(count, bits: bits))
        let codes = BitPacking.unpack(bytes, count: count, bits: bits)
        let scales = try reader.floats("\(name)-scales", count: rows.groupCount)
        let minima = try reader.floats("\(name)-minima", count: rows.groupCount)
        var values = [Float](repeating: 0, count: count)
        rows.forEachGroup { group, range in
            for index in range { values[index] = (Float(codes[index]) + 0.5) * scales[group] + minima[group] }
        }
        return rows.block(values)
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let rows = try rows(x.shape), half = x.channels / 2
        var radii = FloatBlock(zeros: rows.shape), angles = radii
        for vector in 0..<x.vectors {
            for pair in 0..<half {
                let a = x.elements[vector * x.channels + pair], b = x.elements[vector * x.channels + pair + half]
                radii.elements[vector * half + pair] = (a * a + b * b).squareRoot()
                let angle = atan2(b, a)
                angles.elements[vector * half + pair] = angle < 0 ? angle + 2 * Float.pi : angle
            }
        }
        return sections(radii, rows, radiusBits, "radii") + sections(angles, rows, angleBits, "angles")
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let rows = try rows(shape), half = shape.channels / 2
        let radii = try block(&reader, rows, radiusBits, "radii"),
            angles = try block(&reader, rows, angleBits, "angles")
        var x = FloatBlock(zeros: shape)
        for vector in 0..<x.vectors {
            for pair in 0..<half {
                let radius = radii.elements[vector * half + pair], angle = angles.elements[vector * half + pair]
                x.elements[vector * shape.channels + pair] = radius * cos(angle)
                x.elements[vector * shape.channels + pair + half] = radius * sin(angle)
            }
        }
        return x
    }
}
