import Capture

/// The largest magnitude of every channel of a tensor, for each of some parts of the capture: sequences, or equal
/// blocks of sequences.
struct PartMaxima {
    /// Sequences compared; of more, the first so many.
    static let sequenceLimit = 8

    /// A run of tokens.
    struct Part {
        let kind: String
        let name: String
        let sequence: Int
        /// Within the sequence.
        let tokens: Range<Int>
        /// [head · channel]; −1 without finite elements.
        var maxima: [Float]

        /// NaN for channels without finite elements.
        var measures: [Double] { maxima.map { $0 < 0 ? .nan : Double($0) } }
    }

    private(set) var parts: [Part]

    init(_ sequences: [CaptureSequence], width: Int, blocks: Int) {
        let none = [Float](repeating: -1, count: width)
        parts = sequences.enumerated().filter { $1.length > 0 }.prefix(Self.sequenceLimit).flatMap { index, sequence in
            let length = sequence.length
            let whole = Part(
                kind: "sequence",
                name: sequence.name,
                sequence: index,
                tokens: 0..<length,
                maxima: none
            )
            let count = min(blocks, length)
            return [whole]
                + (0..<(count > 1 ? count : 0)).map { block in
                    let tokens = block * length / count..<(block + 1) * length / count
                    let name = "\(sequence.name) [\(tokens.lowerBound), \(tokens.upperBound))"
                    return Part(kind: "block", name: name, sequence: index, tokens: tokens, maxima: none)
                }
        }
    }

    mutating func add(_ piece: TensorPiece) {
        let range = piece.position..<piece.position + piece.tokens
        for place in parts.indices where parts[place].sequence == piece.sequence {
            let common = parts[place].tokens.clamped(to: range)
            parts[place].maxima.withUnsafeMutableBufferPointer { maxima in
                for token in common {
                    let row = piece.values + (token - piece.position) * piece.width
                    for channel in 0..<piece.width {
                        let magnitude = row[channel].magnitude
                        if magnitude > maxima[channel], magnitude.isFinite { maxima[channel] = magnitude }
                    }
                }
            }
        }
    }

    /// Pairs to compare: sequences with each other, and the blocks of each sequence with each other.
    var pairs: [(Part, Part)] {
        parts.indices.flatMap { first in
            parts[(first + 1)...].compactMap { other in
                let part = parts[first]
                guard part.kind == other.kind, part.kind == "sequence" || part.sequence == other.sequence else {
                    return nil
                }
                return (part, other)
            }
        }
    }
}
