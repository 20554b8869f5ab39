import Foundation

/// Tiles of tokens whose channels and tokens are first brought to even variances, then coded row by row.
///
/// Sinkhorn's balancing in the logarithm, the best of its iterates kept. Keys are coded per channel over the tile,
/// values per token over the channels; row scales and range join in one number. Source: KVarN, arXiv 2606.03458
/// (schemes.md §1.16).
struct VarianceNormalizedCoder: BlockCoder {
    static let name = "varnorm"
    static let grammar = "varnorm-{1…8}-{token|channel}-gN"
    static let summary = "tiles of even variance over channels and tokens, then evenly spaced levels"

    private static let rounds = 8
    private let codeBits: Int
    private let sharing: ScaleSharing
    private let size: GroupSize

    init(_ term: inout StageTerm) throws {
        codeBits = try StageTerm.checked(term.requiredInteger("bits: 1 to 8"), "bits", in: 1...8)
        sharing = try term.axis()
        size = try term.groupSize()
    }

    var term: String { "\(Self.name)-\(codeBits)-\(sharing.idPart)-\(size.idPart)" }
    var bits: Double { Double(codeBits) }
    var scaleSharing: ScaleSharing? { sharing }
    /// Tokens of a tile per channel; a token's channels otherwise.
    var groupSize: GroupSize? { sharing == .perChannel ? size : .whole }

    private func tiles(_ shape: BlockShape) -> [Range<Int>] {
        let length = size.resolved(dimension: shape.tokens)
        return stride(from: 0, to: shape.tokens, by: length).map { $0..<min($0 + length, shape.tokens) }
    }

    /// One head's tile as rows that share a scale: channels of tokens, or tokens of channels.
    private struct Tile {
        let rows: Int
        let columns: Int
        var elements: [Float]
    }

    private func tile(_ x: FloatBlock, _ head: Int, _ tokens: Range<Int>) -> Tile {
        let first = (head * x.tokens + tokens.lowerBound) * x.channels
        let elements = Array(x.elements[first..<first + tokens.count * x.channels])
        guard sharing == .perChannel else { return Tile(rows: tokens.count, columns: x.channels, elements: elements) }
        let turned = (0..<x.channels).flatMap { channel in
            tokens.indices.map { place in
                elements[(place - tokens.startIndex) * x.channels + channel]
            }
        }
        return Tile(rows: x.channels, columns: tokens.count, elements: turned)
    }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        var codes: [UInt16] = [], scales: [Float] = [], offsets: [Float] = [], columns: [Float] = []
        let format = MetadataFormat.float16, steps = Float((1 << codeBits) - 1)
        for head in 0..<x.heads {
            for tokens in tiles(x.shape) {
                let tile = tile(x, head, tokens)
                let (rowScales, columnScales) = Self.balance(tile.elements, rows: tile.rows, columns: tile.columns)
                // Of a tile per channel a token that is not finite, in all channels once they are rotated, is marked by
                // its own scale and spoils no channel.
                let lost = (0..<tile.columns).map { column in
                    sharing == .perChannel
                        && (0..<tile.rows).contains { !tile.elements[$0 * tile.columns + column].isFinite }
                }
                let stored = zip(columnScales, lost).map { $1 ? .nan : format.rounded($0) }
                columns += stored
                for row in 0..<tile.rows {
                    let own = tile.elements[row * tile.columns..<(row + 1) * tile.columns]
                    let balanced = zip(own, stored).map { $0 / $1 / rowScales[row] }
                    let seen = zip(balanced, lost).filter { !$1 }.map { $0.0 }
                    guard seen.allSatisfy({ $0.isFinite }), let low = seen.min(), let high = seen.max() else {
                        scales.append(.nan)
                        offsets.append(0)
                        codes += [UInt16](repeating: 0, count: tile.columns)
                        continue
                    }
                    let scale = format.rounded(rowScales[row] * (high - low) / steps)
                    let offset = format.rounded(rowScales[row] * low)
                    scales.append(scale)
                    offsets.append(offset)
                    for value in balanced {
                        let place = scale > 0 ? (value * rowScales[row] - offset) / scale : 0
                        codes.append(place.isFinite ? UInt16(max(0, min(steps, place.rounded(.toNearestOrEven)))) : 0)
                    }
                }
            }
        }
        return [
            PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, bits: codeBits)),
            PackedTensor.Section("scales", scales), PackedTensor.Section("offsets", offsets),
            PackedTensor.Section("other-scales", columns),
        ]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let tiles = tiles(shape), count = shape.elementCount
        let sizes = tiles.map { sharing == .perChannel ? (shape.channels, $0.count) : ($0.count, shape.channels) }
        let rowCount = shape.heads * sizes.reduce(0) { $0 + $1.0 }
        let columnCount = shape.heads * sizes.reduce(0) { $0 + $1.1 }
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, bits: codeBits))
        let codes = BitPacking.unpack(bytes, count: count, bits: codeBits)
        let scales = try reader.floats("scales", count: rowCount)
        let offsets = try reader.floats("offsets", count: rowCount)
        let others = try reader.floats("other-scales", count: columnCount)
        var x = FloatBlock(zeros: shape), code = 0, row = 0, column = 0
        for head in 0..<shape.heads {
            for (tokens, size) in zip(tiles, sizes) {
                for place in 0..<size.0 {
                    for other in 0..<size.1 {
                        let value =
                            (scales[row + place] * Float(codes[code]) + offsets[row + place]) * others[column + other]
                        let (channel, token) = sharing == .perChannel ? (place, other) : (other, place)
                        x.elements[(head * shape.tokens + tokens.lowerBound + token) * shape.channels + channel] = value
                        code += 1
                    }
                }
                row += size.0
                column += size.1
            }
        }
        return x
    }

    /// Factors of rows and columns whose quotient has variances as even as found.
    static func balance(_ x: [Float], rows: Int, columns: Int) -> (rows: [Float], columns: [Float]) {
        var rowLog = [Float](repeating: 0, count: rows), columnLog = [Float](repeating: 0, count: columns)
        var best = (rowLog, columnLog), least = Float.infinity
        var rowInverse = [Float](repeating: 1, count: rows), columnInverse = [Float](repeating: 1, count: columns)
        func deviation(_ isRow: Bool, _ index: Int) -> Float {
            let count = isRow ? columns : rows
            guard count > 1 else { return 1 }
            var sum = 0.0, squares = 0.0
            for other in 0..<count {
                let (row, column) = isRow ? (index, other) : (other, index)
                let value = x[row * columns + column] * rowInverse[row] * columnInverse[column]
                guard value.isFinite else { continue }
                sum += Double(value)
                squares += Double(value) * Double(value)
            }
            let variance = (squares - sum * sum / Double(count)) / Double(count - 1)
            return Float(max(0, variance).squareRoot())
        }
        func clamped(_ log: Float) -> Float { max(-0.3, min(10, log)) }
        for _ in 0...rounds {
            let columnStd = (0..<columns).map { deviation(false, $0) }
            let rowStd = (0..<rows).map { deviation(true, $0) }
            func imbalance(_ std: [Float]) -> Float { (std.max() ?? 1) / max(1e-9, std.min() ?? 1) }
            let now = imbalance(columnStd) + imbalance(rowStd)
            if now <= least { (best, least) = ((rowLog, columnLog), now) }
            for index in 0..<columns {
                columnLog[index] = clamped(columnLog[index] + log(max(1e-3, min(1e3, columnStd[index]))))
                columnInverse[index] = 1 / exp(columnLog[index])
            }
            let newStd = (0..<rows).map { deviation(true, $0) }
            for index in 0..<rows {
                rowLog[index] = clamped(rowLog[index] + log(max(1e-3, min(1e3, newStd[index]))))
                rowInverse[index] = 1 / exp(rowLog[index])
            }
        }
        return (best.0.map { exp($0) }, best.1.map { exp($0) })
    }
}
