import Kernels

/// D neighbouring channels as the nearest of N points of a grid for normal vectors; a stage before it normalizes.
struct GridCoder: BlockCoder {
    static let name = "grid"
    static let grammar = "grid-D-N, N a power of two: 2-16, 2-64, 2-256, 4-256; grid-e8p"
    static let summary = "neighbouring channels as a point of a grid for normal vectors"

    private enum Points { case lloyd(dimensions: Int, count: Int), e8p }
    private let points: Points

    private static let offered = [(2, 16), (2, 64), (2, 256), (4, 256)]

    init(_ term: inout StageTerm) throws {
        if term.flag("e8p") {
            points = .e8p
            return
        }
        let dimensions = try term.requiredInteger("a grid such as 2-16 or e8p")
        let count = try term.requiredInteger("points such as 16")
        guard Self.offered.contains(where: { $0 == (dimensions, count) }) else {
            throw SchemeError.parameter(
                name: "grid",
                value: "\(dimensions)-\(count)",
                expected: "one of " + Self.offered.map { "\($0)-\($1)" }.joined(separator: ", ") + " and e8p"
            )
        }
        points = .lloyd(dimensions: dimensions, count: count)
    }

    var term: String {
        switch points {
        case .lloyd(let dimensions, let count): "\(Self.name)-\(dimensions)-\(count)"
        case .e8p: "\(Self.name)-e8p"
        }
    }

    private var dimensions: Int { if case .lloyd(let dimensions, _) = points { dimensions } else { 8 } }
    private var codeBits: Int { if case .lloyd(_, let count) = points { count.trailingZeroBitCount } else { 16 } }
    var bits: Double { Double(codeBits) / Double(dimensions) }
    var scaleSharing: ScaleSharing? { nil }
    var groupSize: GroupSize? { nil }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let count = try x.shape.vectors(of: dimensions, scheme: term)
        let clean = x.elements.map { $0.isFinite ? $0 : 0 }
        var codes = [UInt16](repeating: 0, count: count)
        switch points {
        case .lloyd(let dimensions, let size):
            var labels = [Int32](repeating: 0, count: count)
            NearestPoints.find(
                clean,
                dimensions,
                GaussianGrid.points(dimensions: dimensions, count: size),
                into: &labels
            )
            for index in codes.indices { codes[index] = UInt16(labels[index]) }
        case .e8p:
            codes.withUnsafeMutableBufferPointer { buffer in
                nonisolated(unsafe) let target = buffer
                Parallel.forEachBlock(of: 256, in: count) { block in
                    for vector in block { target[vector] = E8PCodebook.nearest(clean[vector * 8..<(vector + 1) * 8]) }
                }
            }
        }
        return [PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, bits: codeBits))]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let count = try shape.vectors(of: dimensions, scheme: term), dimensions = dimensions
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, bits: codeBits))
        let codes = BitPacking.unpack(bytes, count: count, bits: codeBits)
        var x = FloatBlock(zeros: shape)
        switch points {
        case .lloyd(_, let size):
            let grid = GaussianGrid.points(dimensions: dimensions, count: size)
            for (vector, code) in codes.enumerated() {
                for i in 0..<dimensions { x.elements[vector * dimensions + i] = grid[Int(code) * dimensions + i] }
            }
        case .e8p:
            for (vector, code) in codes.enumerated() {
                for (i, value) in E8PCodebook.vector(code).enumerated() { x.elements[vector * 8 + i] = value }
            }
        }
        return x
    }
}
