import Kernels

/// The cache types of llama.cpp, byte for byte: blocks of 32 channels of a token, as ggml's reference quantizes them.
///
/// The last block of a head whose channels are no multiple of 32 is filled with zeros, which are stored too.
/// Source: ggml, `src/ggml-quants.c`, functions `quantize_row_*_ref` (schemes.md §1.2).
struct GGMLCoder: BlockCoder {
    static let name = "ggml"
    static let grammar = "ggml-{q8-0|q5-1|q5-0|q4-1|q4-0|iq4-nl}"
    static let summary = "a cache type of llama.cpp, byte for byte"

    private let type: GGMLBlocks.BlockType

    init(_ term: inout StageTerm) throws {
        var names = [try term.word("a type: " + Self.names.joined(separator: ", "))]
        names.append(try term.word("a type: " + Self.names.joined(separator: ", ")))
        let name = names.joined(separator: "-")
        guard let type = GGMLBlocks.BlockType.allCases.first(where: { Self.written($0) == name }) else {
            throw SchemeError.parameter(
                name: "ggml type",
                value: "'\(name)'",
                expected: Self.names.joined(separator: ", ")
            )
        }
        self.type = type
    }

    private static func written(_ type: GGMLBlocks.BlockType) -> String {
        type.rawValue.replacing("_", with: "-")
    }
    private static var names: [String] { GGMLBlocks.BlockType.allCases.map { written($0) } }

    var term: String { "\(Self.name)-\(Self.written(type))" }
    var bits: Double { Double(type.codeBits) }
    var scaleSharing: ScaleSharing? { .perToken }
    var groupSize: GroupSize? { .elements(GGMLBlocks.blockElements) }

    private func padded(_ channels: Int) -> Int {
        (channels + GGMLBlocks.blockElements - 1) / GGMLBlocks.blockElements * GGMLBlocks.blockElements
    }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        let width = padded(x.channels)
        var rows = x.elements
        if width != x.channels {
            rows = [Float](repeating: 0, count: x.vectors * width)
            for vector in 0..<x.vectors {
                for i in 0..<x.channels { rows[vector * width + i] = x.elements[vector * x.channels + i] }
            }
        }
        return [PackedTensor.Section(name: "blocks", bytes: GGMLBlocks.encode(rows, type))]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let width = padded(shape.channels), vectors = shape.heads * shape.tokens
        let bytes = try reader.next(
            "blocks",
            byteCount: vectors * width / GGMLBlocks.blockElements * type.blockBytes
        )
        let rows = GGMLBlocks.decode(bytes, type)
        guard width != shape.channels else {
            return FloatBlock(
                heads: shape.heads,
                tokens: shape.tokens,
                channels: shape.channels,
                elements: rows
            )
        }
        var x = FloatBlock(zeros: shape)
        for vector in 0..<vectors {
            for i in 0..<shape.channels { x.elements[vector * shape.channels + i] = rows[vector * width + i] }
        }
        return x
    }
}
