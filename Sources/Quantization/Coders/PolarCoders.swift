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

/// Blocks of 16 channels as one radius and a tree of angles, after a random rotation.
///
/// Eight angles of neighbouring channels in 0…2π with 4 bits; of their radii four angles in 0…π/2 with 2 bits, and so
/// on: 62 bits for 16 channels with a float16 radius. Levels are those of least mean squared error for the angles'
/// density ∝ sin^(2^(ℓ−1) − 1)(2ψ). Source: Han et al., PolarQuant, 2025, arXiv 2502.02617 (schemes.md §1.19).
struct RecursivePolarCoder: BlockCoder {
    static let name = "polartree"
    static let grammar = "polartree"
    static let summary = "one radius and a tree of angles for 16 channels"

    private static let width = 16, depth = 4
    private static let angleBits = [4, 2, 2, 2]

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }
    var bits: Double { Double(8 * 4 + 4 * 2 + 2 * 2 + 2) / Double(Self.width) }
    var scaleSharing: ScaleSharing? { .perToken }
    var groupSize: GroupSize? { .elements(Self.width) }

    /// Levels of each depth.
    private static let levels: [[Double]] = (0..<depth).map { level in
        guard level > 0 else { return (0..<16).map { (Double($0) + 0.5) * 2 * Double.pi / 16 } }
        // sin^(2^level − 1)(2ψ), on a fine grid.
        let grid = (0..<4096).map { (Double($0) + 0.5) / 4096 * Double.pi / 2 }
        let density = grid.map { pow(sin(2 * $0), Double(1 << level) - 1) }
        var levels = (0..<4).map { (Double($0) + 0.5) / 4 * Double.pi / 2 }
        for _ in 0..<500 {
            var sums = [Double](repeating: 0, count: 4), masses = sums
            for (angle, weight) in zip(grid, density) {
                let nearest = levels.indices.min { abs(levels[$0] - angle) < abs(levels[$1] - angle) } ?? 0
                sums[nearest] += angle * weight
                masses[nearest] += weight
            }
            levels = levels.indices.map { masses[$0] > 0 ? sums[$0] / masses[$0] : levels[$0] }
        }
        return levels
    }

    private func blocks(_ shape: BlockShape) throws -> Int {
        guard shape.channels.isMultiple(of: Self.width) else {
            throw SchemeError.shape(
                scheme: term,
                problem: "\(shape.channels) channels are no multiple of \(Self.width)",
                expected: "heads of a multiple of \(Self.width) channels"
            )
        }
        return shape.elementCount / Self.width
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let count = try blocks(x.shape)
        var radii: [Float] = [], codes = [[UInt16]](repeating: [], count: Self.depth)
        for block in 0..<count {
            var values = x.elements[block * Self.width..<(block + 1) * Self.width].map { Double($0) }
            for level in 0..<Self.depth {
                var next: [Double] = []
                for pair in 0..<values.count / 2 {
                    let (a, b) = (values[2 * pair], values[2 * pair + 1])
                    let angle = atan2(b, a), own = level == 0 && angle < 0 ? angle + 2 * Double.pi : angle
                    let levels = Self.levels[level]
                    let nearest = levels.indices.min { abs(levels[$0] - own) < abs(levels[$1] - own) } ?? 0
                    codes[level].append(UInt16(nearest))
                    next.append((a * a + b * b).squareRoot())
                }
                values = next
            }
            radii.append(Float(values[0]))
        }
        return [PackedTensor.Section("radii", radii)]
            + codes.enumerated().map { level, codes in
                PackedTensor.Section(
                    name: "angles-\(level + 1)",
                    bytes: BitPacking.pack(codes, bits: Self.angleBits[level])
                )
            }
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let count = try blocks(shape), radii = try reader.floats("radii", count: count)
        let codes = try (0..<Self.depth).map { level -> [UInt16] in
            let codes = count * Self.width >> (level + 1), bits = Self.angleBits[level]
            let bytes = try reader.next("angles-\(level + 1)", byteCount: BitPacking.byteCount(codes, bits: bits))
            return BitPacking.unpack(bytes, count: codes, bits: bits)
        }
        let tables = Self.levels.map { $0.map { (Float(cos($0)), Float(sin($0))) } }
        var x = FloatBlock(zeros: shape)
        for block in 0..<count {
            var values = [radii[block]]
            for level in (0..<Self.depth).reversed() {
                values = values.enumerated().flatMap { place, radius -> [Float] in
                    let (cosine, sine) = tables[level][Int(codes[level][block * values.count + place])]
                    return [radius * cosine, radius * sine]
                }
            }
            for (channel, value) in values.enumerated() { x.elements[block * Self.width + channel] = value }
        }
        return x
    }
}
