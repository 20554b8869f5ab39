/// A `tokenizer.model` of SentencePiece: a protocol-buffers message with the pieces, and how they were trained.
///
/// Numbers of fields and defaults are those of SentencePiece's `sentencepiece_model.proto`.
public struct SentencePieceModelFile: Sendable {
    private static let format = "tokenizer.model"

    public private(set) var pieces: [String] = []
    public private(set) var scores: [Double] = []
    /// GGUF's numbers, 1 (normal) to 6 (byte).
    public private(set) var kinds: [Int] = []

    // MARK: - Of the trainer

    private var modelType = 1
    private var marksWordEnds = false
    public private(set) var unknownToken = 0
    /// Negative if the vocabulary has none.
    public private(set) var beginToken = 1
    /// Negative if the vocabulary has none.
    public private(set) var endToken = 2

    // MARK: - Of the normalizer

    private var normalizerName = ""
    private var hasCharacterMap = false
    public private(set) var addsSpacePrefix = true
    private var removesExtraSpaces = true
    private var escapesSpaces = true

    /// - Throws: `TokenizerError.malformedFile`, and `.unsupportedComponent` for models that are not BPE or that
    ///   normalize text otherwise than by the space before it.
    public init(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBufferPointer { bytes in
            var reader = ProtobufReader(bytes, 0..<bytes.count, format: Self.format)
            while let (field, value) = try reader.next() {
                guard case .bytes(let range) = value else { continue }
                let message = ProtobufReader(bytes, range, format: Self.format)
                switch field {
                case 1: try readPiece(message)
                case 2: try readTrainer(message)
                case 3: try readNormalizer(message)
                default: break
                }
            }
            guard !pieces.isEmpty else { throw reader.error("no pieces") }
        }
        let types = ["UNIGRAM", "BPE", "WORD", "CHAR"]
        guard modelType == 2 else {
            let name = types.indices.contains(modelType - 1) ? types[modelType - 1] : "\(modelType)"
            throw unsupported("model type", name, "BPE")
        }
        // The identity has no map; every other normalization is a map.
        guard !hasCharacterMap else { throw unsupported("normalizer", normalizerName, "identity") }
        guard !removesExtraSpaces else {
            throw unsupported("normalizer setting", "remove_extra_whitespaces", "spaces that are kept")
        }
        guard escapesSpaces else { throw unsupported("normalizer setting", "no escape_whitespaces", "it") }
        guard !marksWordEnds else { throw unsupported("trainer setting", "treat_whitespace_as_suffix", "none") }
    }

    private func unsupported(_ place: String, _ name: String, _ expected: String) -> TokenizerError {
        .unsupportedComponent(place: "\(Self.format): \(place)", name: name, expected: expected)
    }

    private mutating func readPiece(_ message: ProtobufReader) throws {
        var message = message
        var (text, score, kind) = ("", Float(0), 1)
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (1, .bytes(let range)): text = try message.text(range)
            case (2, .fixed32(let bits)): score = Float(bitPattern: bits)
            case (3, .integer(let number)): kind = Int(truncatingIfNeeded: number)
            default: break
            }
        }
        pieces.append(text)
        scores.append(Double(score))
        kinds.append(kind)
    }

    private mutating func readTrainer(_ message: ProtobufReader) throws {
        var message = message
        while let (field, value) = try message.next() {
            guard case .integer(let number) = value else { continue }
            // Negative numbers are written in 64 bits.
            let integer = Int(truncatingIfNeeded: number)
            switch field {
            case 3: modelType = integer
            case 24: marksWordEnds = integer != 0
            case 40: unknownToken = integer
            case 41: beginToken = integer
            case 42: endToken = integer
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ message: ProtobufReader) throws {
        var message = message
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (1, .bytes(let range)): normalizerName = try message.text(range)
            case (2, .bytes(let range)): hasCharacterMap = !range.isEmpty
            case (3, .integer(let number)): addsSpacePrefix = number != 0
            case (4, .integer(let number)): removesExtraSpaces = number != 0
            case (5, .integer(let number)): escapesSpaces = number != 0
            default: break
            }
        }
    }

    /// The tokenizer, with a begin token unless `settings` say otherwise: every family with such a file wants one.
    ///
    /// - Throws: `TokenizerError`.
    public func tokenizer(settings: TokenizerSettings = TokenizerSettings()) throws -> SentencePieceBPE {
        func identifier(_ number: Int) -> Int32? { number < 0 ? nil : Int32(clamping: number) }
        func find(_ text: String?, _ role: String) throws -> Int32? {
            guard let text else { return nil }
            guard let index = pieces.firstIndex(of: text) else {
                throw TokenizerError.missingToken(role: role, text: text)
            }
            return Int32(index)
        }
        let begin = try find(settings.beginText, "begin-of-text") ?? identifier(beginToken)
        let end = try find(settings.endText, "end-of-text") ?? identifier(endToken)
        return try SentencePieceBPE(
            tokens: pieces,
            tokenTypes: kinds,
            order: .scores(scores),
            spacePrefix: SpacePrefix(addsSpacePrefix ? .everySegment : .never),
            beginToken: settings.addsBegin ?? true ? begin : nil,
            finalToken: settings.addsEnd ?? false ? end : nil,
            unknownToken: identifier(unknownToken),
            endTokens: settings.endTokens.union(end.map { [$0] } ?? [])
        )
    }
}
