import Capture
import Inference
import TensorCore

/// Attention of one layer over its sequences: the tokens that get most of it, and each head's profile.
struct LayerSinks {
    let capture: CaptureFile
    let layer: Int
    private var profiles: [LayerAttention.Profile]
    private var tokens: [Token] = []
    private var sequencesSeen = 0
    private var rowsLeftOut = 0

    /// A token that is listed.
    private struct Token {
        let token: Int
        let position: Int
        let share: Double?
        let headShare: Double?
        let isRanked: Bool
        /// First tokens are listed whatever they get.
        let isFirst: Bool
        let keyNorm: (Double?, Double?)
        let valueNorm: (Double?, Double?)
    }

    init(_ capture: CaptureFile, layer: Int) {
        self.capture = capture
        self.layer = layer
        profiles = Array(repeating: LayerAttention.Profile(), count: capture.metadata.heads)
    }

    mutating func add(_ sequence: CaptureSequence, settings: StructureStudySettings) throws {
        let range = sequence.start..<sequence.start + sequence.length
        let attention = try LayerAttention(
            capture,
            layer: layer,
            tokens: range,
            maximumQueries: settings.maximumQueries
        )
        for head in profiles.indices { profiles[head].merge(attention.profiles[head]) }
        rowsLeftOut += attention.rowsLeftOut
        let ranked = range.indices.map { place in
            let position = place - range.lowerBound
            return attention.isRanked[position] ? attention.shares[position] ?? -1 : -1
        }
        let places = ranked.indices.filter { ranked[$0] >= 0 }.sorted { (ranked[$1], $0) < (ranked[$0], $1) }
        let isListed = sequencesSeen < PartMaxima.sequenceLimit
        let first = isListed ? Array(0..<min(LayerAttention.firstTokens, range.count)) : []
        sequencesSeen += 1
        let keys = try TokenNorms(capture, .key, layer: layer, tokens: range)
        let hasValues = capture.tensors(inLayer: layer).contains(.value)
        let values = hasValues ? try TokenNorms(capture, .value, layer: layer, tokens: range) : nil
        for position in Set(places.prefix(StructureTables.listedSinks) + first).sorted() {
            tokens.append(
                Token(
                    token: range.lowerBound + position,
                    position: position,
                    share: attention.shares[position],
                    headShare: attention.headShares[position],
                    isRanked: attention.isRanked[position],
                    isFirst: first.contains(position),
                    keyNorm: (keys.norm(position), keys.ratio(position)),
                    valueNorm: (values?.norm(position), values?.ratio(position))
                )
            )
        }
        keepLargest()
    }

    /// Of all sequences so far, what will be listed.
    private mutating func keepLargest() {
        func key(_ token: Token) -> Double { token.isRanked ? token.share ?? -1 : -1 }
        let largest = tokens.indices.sorted { (key(tokens[$1]), $0) < (key(tokens[$0]), $1) }
            .prefix(StructureTables.listedSinks).filter { key(tokens[$0]) >= 0 }
        let kept = Set(largest + tokens.indices.filter { tokens[$0].isFirst })
        tokens = kept.sorted().map { tokens[$0] }
    }

    /// Rows of `attention-sinks`.
    func sinkRows() throws -> [[Table.Value]] {
        try tokens.map { token in
            let piece = try capture.readTexts(token.token..<token.token + 1).first
            let isSink = token.isRanked && (token.share ?? 0) > LayerAttention.sinkShare
            return [
                .integer(layer), .integer(token.token), .integer(token.position),
                piece.map { .string($0) } ?? .missing, Table.Value(token.share), Table.Value(token.headShare),
                Table.Value(token.keyNorm.0), Table.Value(token.valueNorm.0), Table.Value(token.keyNorm.1),
                Table.Value(token.valueNorm.1), .string(isSink ? "yes" : "no"),
            ]
        }
    }

    /// Rows of `attention-profile`.
    var profileRows: [[Table.Value]] {
        profiles.enumerated().map { StructureTables.row(of: $1, layer: layer, head: $0) }
    }

    var warning: String? {
        guard rowsLeftOut > 0 else { return nil }
        let rows = profiles.reduce(rowsLeftOut) { $0 + $1.rows }
        return "attention: layer \(layer): \(rowsLeftOut) of \(rows) rows have NaN or infinity and are left out"
    }
}
