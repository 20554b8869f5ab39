/// Two bits a channel's group, more for the channels of each block of tokens that are largest.
///
/// Of each head and G tokens, the share ρ of channels of largest mean magnitude has the wider code; a mask of one bit a
/// channel says which. Source: Kitty, arXiv 2511.18643: dynamic channel-wise precision boost.
struct BoostedCoder: BlockCoder {
    static let name = "boosted"
    static let grammar = "boosted-LOW-HIGH-SHARE-gN"
    static let summary = "per channel, with more bits for the largest channels of N tokens"

    private let low: Int
    private let high: Int
    private let share: Double
    private let size: GroupSize
    private let lowCoder: UniformCoder
    private let highCoder: UniformCoder

    init(_ term: inout StageTerm) throws {
        low = try StageTerm.checked(term.requiredInteger("bits"), "bits", in: 1...8)
        high = try StageTerm.checked(term.requiredInteger("bits of large channels"), "bits", in: 1...8)
        share = try StageTerm.checked(term.requiredDecimal("a share such as 0.1"), "share", above: 0, to: 1)
        size = try term.groupSize()
        lowCoder = try UniformCoder.reading("uniform-\(low)-token-whole")
        highCoder = try UniformCoder.reading("uniform-\(high)-token-whole")
    }

    var term: String { "\(Self.name)-\(low)-\(high)-\(StageTerm.written(share))-\(size.idPart)" }
    var bits: Double { Double(low) + share * Double(high - low) }
    var scaleSharing: ScaleSharing? { .perChannel }
    var groupSize: GroupSize? { size }

    private func boosted(_ shape: BlockShape) -> Int { Int((share * Double(shape.channels)).rounded()) }

    /// Token ranges of each block.
    private func blocks(_ shape: BlockShape) -> [Range<Int>] {
        let length = size.resolved(dimension: shape.tokens)
        return stride(from: 0, to: shape.tokens, by: length).map { $0..<min($0 + length, shape.tokens) }
    }

    /// Channels of one head and block as rows of tokens.
    private func rows(_ x: FloatBlock, _ head: Int, _ tokens: Range<Int>, _ channels: [Int]) -> FloatBlock {
        let elements = channels.flatMap { channel in
            tokens.map { x.elements[(head * x.tokens + $0) * x.channels + channel] }
        }
        return FloatBlock(heads: 1, tokens: channels.count, channels: tokens.count, elements: elements)
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        var masks: [UInt16] = [], parts: [[PackedTensor.Section]] = []
        for head in 0..<x.heads {
            for tokens in blocks(x.shape) {
                let magnitudes = (0..<x.channels).map { channel in
                    tokens.reduce(0.0) {
                        let value = abs(x.elements[(head * x.tokens + $1) * x.channels + channel])
                        return $0 + (value.isFinite ? Double(value) : 0)
                    }
                }
                let order = magnitudes.indices.sorted { (-magnitudes[$0], $0) < (-magnitudes[$1], $1) }
                let largest = Set(order.prefix(boosted(x.shape)))
                masks += magnitudes.indices.map { largest.contains($0) ? 1 : 0 }
                for isLarge in [false, true] {
                    let chosen = magnitudes.indices.filter { largest.contains($0) == isLarge }
                    parts.append(try (isLarge ? highCoder : lowCoder).encode(rows(x, head, tokens, chosen)))
                }
            }
        }
        let names = ["codes", "scales", "offsets"]
        return [PackedTensor.Section(name: "mask", bytes: BitPacking.pack(masks, bits: 1))]
            + names.enumerated().map { place, name in
                PackedTensor.Section(name: name, bytes: parts.flatMap { $0[place].bytes })
            }
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let blocks = blocks(shape), count = shape.heads * blocks.count * shape.channels, large = boosted(shape)
        let masks = BitPacking.unpack(
            try reader.next("mask", byteCount: BitPacking.byteCount(count, bits: 1)),
            count: count,
            bits: 1
        )
        let sides = [(lowCoder, shape.channels - large), (highCoder, large)]
        func codeBytes(_ coder: UniformCoder, _ channels: Int, _ tokens: Int) -> Int {
            BitPacking.byteCount(channels * tokens, levels: coder.levels)
        }
        let bytes =
            shape.heads
            * blocks.reduce(0) { sum, block in
                sides.reduce(sum) { $0 + codeBytes($1.0, $1.1, block.count) }
            }
        var codes = try reader.next("codes", byteCount: bytes)[...]
        var scales = try reader.next("scales", byteCount: 2 * count)[...]
        var offsets = try reader.next("offsets", byteCount: 2 * count)[...]
        var x = FloatBlock(zeros: shape), place = 0
        for head in 0..<shape.heads {
            for tokens in blocks {
                let mask = masks[place..<place + shape.channels]
                place += shape.channels
                guard mask.reduce(0, { $0 + Int($1) }) == large else {
                    throw reader.malformed("a mask marks another number of channels than \(large)")
                }
                for (isLarge, (coder, channels)) in sides.enumerated() {
                    let length = codeBytes(coder, channels, tokens.count)
                    let part = [
                        ("codes", codes.prefix(length)), ("scales", scales.prefix(2 * channels)),
                        ("offsets", offsets.prefix(2 * channels)),
                    ].map {
                        PackedTensor.Section(name: $0.0, bytes: Array($0.1))
                    }
                    codes = codes.dropFirst(length)
                    scales = scales.dropFirst(2 * channels)
                    offsets = offsets.dropFirst(2 * channels)
                    var inner = SectionReader(schemeID: term, part)
                    let rows = try coder.decode(
                        &inner,
                        BlockShape(heads: 1, tokens: channels, channels: tokens.count)
                    )
                    let chosen = mask.indices.filter { mask[$0] == UInt16(isLarge) }.map { $0 - mask.startIndex }
                    for (row, channel) in chosen.enumerated() {
                        for (column, token) in tokens.enumerated() {
                            x.elements[(head * shape.tokens + token) * shape.channels + channel] =
                                rows.elements[row * tokens.count + column]
                        }
                    }
                }
            }
        }
        return x
    }
}

extension UniformCoder {
    /// A coder by its term, for others that are made of it.
    static func reading(_ text: String) throws -> UniformCoder {
        var term = StageTerm(text)
        term.skipName()
        let coder = try UniformCoder(&term)
        try term.finish(grammar)
        return coder
    }
}
