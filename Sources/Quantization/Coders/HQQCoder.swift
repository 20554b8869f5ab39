import Foundation

/// Round-to-nearest per group with the offset that makes Σ|error|^0.7 least, by half-quadratic splitting.
///
/// From the range's scale and zero point z: `e = shrink(x − x', β)`, `z ← mean(c − (x − e)/s)`, β growing by 1.01 from 10,
/// at most 20 times, until the mean |error| stops falling. Source: Badri and Shaji, HQQ, 2023 (schemes.md §1.1).
struct HQQCoder: BlockCoder {
    static let name = "hqq"
    static let grammar = "hqq-{1…8}-{token|channel}-{gN|whole}"
    static let summary = "evenly spaced levels with the zero point of least |error|^0.7"

    private let uniform: UniformCoder

    init(_ term: inout StageTerm) throws {
        let bits = try StageTerm.checked(term.requiredInteger("bits: 1 to 8"), "bits", in: 1...8)
        let axis = try term.axis(), size = try term.groupSize()
        uniform = try UniformCoder.reading("uniform-\(bits)-\(axis.idPart)-\(size.idPart)")
    }

    var term: String { uniform.term.replacing("uniform-", with: "\(Self.name)-") }
    var bits: Double { uniform.bits }
    var scaleSharing: ScaleSharing? { uniform.scaleSharing }
    var groupSize: GroupSize? { uniform.groupSize }

    private func offset(_ x: [Float], scale: Float, offset: Float) -> Float {
        let top = Float(uniform.levels - 1), exponent: Float = 0.7
        var zero = -offset / scale, best = zero, least = Float.infinity, beta: Float = 10
        for _ in 0..<20 {
            var sum: Float = 0, errors: Float = 0
            for value in x {
                let code = max(0, min(top, (value / scale + zero).rounded(.toNearestOrEven)))
                let error = value - (code - zero) * scale, size = abs(error)
                errors += size
                let kept = size > 0 ? max(0, size - pow(size, exponent - 1) / beta) : 0
                sum += code - (value - (error < 0 ? -kept : kept)) / scale
            }
            guard errors < least else { break }
            (best, least) = (zero, errors)
            zero = sum / Float(x.count)
            beta *= 1.01
        }
        return -best * scale
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let rows = GroupedRows(shape: x.shape, sharing: uniform.rows.sharing, groupSize: uniform.rows.size)
        let values = rows.rows(x)
        var codes = [UInt16](repeating: 0, count: values.count)
        var scales = [Float](repeating: 0, count: rows.groupCount), offsets = scales
        values.withUnsafeBufferPointer { values in
            codes.withUnsafeMutableBufferPointer { codes in
                rows.forEachGroup { group, range in
                    let elements = UnsafeBufferPointer(rebasing: values[range])
                    var (scale, offset) = uniform.parameters(elements)
                    if scale > 0 {
                        offset = MetadataFormat.float16.rounded(
                            self.offset(Array(elements), scale: scale, offset: offset)
                        )
                    }
                    (scales[group], offsets[group]) = (scale, offset)
                    uniform.code(elements, scale: scale, offset: offset, into: .init(rebasing: codes[range]))
                }
            }
        }
        return [
            PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, levels: uniform.levels)),
            PackedTensor.Section("scales", scales), PackedTensor.Section("offsets", offsets),
        ]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        try uniform.decode(&reader, shape)
    }
}
