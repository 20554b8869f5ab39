/// Nested lattice codes: which of the q^D points about zero is nearest, at one of four scales.
///
/// `c = coordinates mod q`; read back as the member of its class that is nearest zero, `x − q·Q(x/q)`. Of four scales the
/// one of least error is taken, so that no vector overloads the code: 2 more bits a vector. For elements of variance 1.
/// Source: Savkin et al., NestQuant, ICML 2025; lattices in schemes.md §1.20.
struct LatticeCoder: BlockCoder {
    static let name = "lattice"
    static let grammar = "lattice-{d4|e8}-Q"
    static let summary = "nested lattice codes of Q levels a dimension"

    private let lattice: Lattice
    private let levels: Int
    /// Steps of the lattice; the range of each is q steps.
    private let steps: [Float]

    init(_ term: inout StageTerm) throws {
        let name = try term.word("a lattice: d4 or e8")
        guard let lattice = Lattice(rawValue: name) else {
            throw SchemeError.parameter(name: "lattice", value: "'\(name)'", expected: "d4 or e8")
        }
        self.lattice = lattice
        levels = try StageTerm.checked(term.requiredInteger("levels a dimension such as 4"), "levels", in: 2...256)
        // The finest holds two and a half deviations of a vector's length, the others more.
        let finest = 3.4 / Float(levels)
        steps = [finest, 1.25 * finest, 1.6 * finest, 2.6 * finest]
    }

    var term: String { "\(Self.name)-\(lattice.rawValue)-\(levels)" }
    /// As digits are packed, and two bits a vector for its scale.
    var bits: Double {
        let digits =
            levels & (levels - 1) == 0
            ? Double(levels.trailingZeroBitCount) : 8 / Double(BitPacking.digitsPerByte(levels: levels))
        return digits + 2 / Double(lattice.dimensions)
    }
    var scaleSharing: ScaleSharing? { nil }
    var groupSize: GroupSize? { nil }

    private func value(_ code: [Int], _ step: Float) -> [Float] {
        let point = lattice.point(code), q = Float(levels)
        let outer = lattice.nearest(point.map { $0 / q })
        return zip(point, outer).map { ($0 - q * $1) * step }
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let count = try x.shape.vectors(of: lattice.dimensions, scheme: term), width = lattice.dimensions
        var codes: [UInt16] = [], scales: [UInt16] = []
        for vector in 0..<count {
            let own = x.elements[vector * width..<(vector + 1) * width].map { $0.isFinite ? $0 : 0 }
            var best: (error: Float, code: [Int], scale: Int)?
            for (scale, step) in steps.enumerated() {
                let point = lattice.nearest(own.map { $0 / step })
                let code = lattice.coordinates(point).map { (($0 % levels) + levels) % levels }
                let error = Lattice.distance(own, value(code, step))
                if best.map({ error < $0.error }) ?? true { best = (error, code, scale) }
            }
            guard let best else { continue }
            codes += best.code.map { UInt16($0) }
            scales.append(UInt16(best.scale))
        }
        return [
            PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, levels: levels)),
            PackedTensor.Section(name: "steps", bytes: BitPacking.pack(scales, bits: 2)),
        ]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let count = try shape.vectors(of: lattice.dimensions, scheme: term), width = lattice.dimensions
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count * width, levels: levels))
        let codes = BitPacking.unpack(bytes, count: count * width, levels: levels)
        let scaleBytes = try reader.next("steps", byteCount: BitPacking.byteCount(count, bits: 2))
        let scales = BitPacking.unpack(scaleBytes, count: count, bits: 2)
        var x = FloatBlock(zeros: shape)
        for vector in 0..<count {
            let code = codes[vector * width..<(vector + 1) * width].map { Int($0) }
            for (channel, value) in value(code, steps[Int(scales[vector])]).enumerated() {
                x.elements[vector * width + channel] = value
            }
        }
        return x
    }
}
