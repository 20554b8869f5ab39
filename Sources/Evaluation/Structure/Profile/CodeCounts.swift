import Kernels
import Statistics

/// How often each code of each channel occurs when a tensor is rounded to nearest, by schemes of the catalogue.
struct CodeCounts {
    struct Scheme {
        let axis: GroupedAxis
        let bits: Int

        /// The id in the catalogue of schemes.
        var id: String { "rtn-int\(bits)-\(axis == .tokens ? "channel" : "token")-g\(CodeCounts.groupSize)" }
    }

    static let groupSize = 32
    static let schemes = [2, 4].flatMap { bits in
        [GroupedAxis.channels, .tokens].map { Scheme(axis: $0, bits: bits) }
    }

    private let width: Int
    /// [scheme][head · channel · code]
    private var counts: [[Int]]

    init(width: Int) {
        self.width = width
        counts = Self.schemes.map { [Int](repeating: 0, count: width << $0.bits) }
    }

    /// Adds a piece; groups with NaN or infinity have no codes.
    mutating func add(_ piece: TensorPiece) {
        for (place, scheme) in Self.schemes.enumerated() {
            for head in 0..<piece.heads {
                let codes = AffineQuantizer.quantize(
                    piece.halves + head * piece.headDim,
                    tokens: piece.tokens,
                    channels: piece.headDim,
                    tokenStride: piece.width,
                    bits: scheme.bits,
                    groupSize: Self.groupSize,
                    groupedAxis: scheme.axis
                )
                count(codes, firstChannel: head * piece.headDim, into: place)
            }
        }
    }

    private mutating func count(_ codes: AffineCodes, firstChannel: Int, into place: Int) {
        let (bits, perByte, mask) = (codes.bits, 8 / codes.bits, UInt8((1 << codes.bits) - 1))
        for row in 0..<codes.rows {
            let bytes = row * codes.bytesPerRow
            for group in 0..<codes.groupsPerRow {
                guard Float16(bitPattern: codes.minima[row * codes.groupsPerRow + group]).isFinite else { continue }
                let end = min(codes.rowLength, (group + 1) * codes.groupSize)
                for index in group * codes.groupSize..<end {
                    let code = codes.codes[bytes + index / perByte] >> UInt8(index % perByte * bits) & mask
                    let channel = codes.groupedAxis == .tokens ? row : index
                    counts[place][(firstChannel + channel) << bits + Int(code)] += 1
                }
            }
        }
    }

    /// Mean over channels of the entropy of the channel's codes, in bits; `nil` without codes.
    func entropy(_ scheme: Int) -> Double? {
        let codes = 1 << Self.schemes[scheme].bits
        let entropies = (0..<width).compactMap {
            ShannonEntropy.bits(counts[scheme][$0 * codes..<($0 + 1) * codes])
        }
        return entropies.isEmpty ? nil : entropies.reduce(0, +) / Double(entropies.count)
    }
}
