import Foundation

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

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let count = try x.shape.vectors(of: Self.width, scheme: term)
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
        let count = try shape.vectors(of: Self.width, scheme: term), radii = try reader.floats("radii", count: count)
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
