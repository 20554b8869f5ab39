import TensorCore

extension CacheScheme {
    /// Reads `KEY/VALUE+window=128+sink=4`, `ID`, `ID+window=128` or a published name.
    ///
    /// Options: `window=N` keeps the last N tokens of both sides, `residual=R` follows KIVI's rule,
    /// `sink=N` keeps the first N. A published name that has a window of its own takes only `sink`.
    ///
    /// - Throws: `SchemeError`, naming the part that is wrong, its column, and the nearest id.
    public init(parsing text: String) throws {
        let term = text.filter { !$0.isWhitespace }
        let halves = TermPart(text: term, offset: 0).split(separator: "@")
        guard halves.count <= 2 else {
            throw SchemeError.term(
                part: term,
                term: term,
                offset: halves[2].offset - 1,
                problem: "has a second '@'",
                expected: "NAME@window=128+sink=4"
            )
        }
        var parts = TermParts(halves[0])
        let pair = parts.next()
        guard !pair.text.isEmpty else {
            throw SchemeError.term(
                part: term,
                term: term,
                offset: pair.offset,
                problem: "names no scheme",
                expected: "an id first"
            )
        }
        let sides = pair.split(separator: "/")
        guard sides.count <= 2 else {
            throw SchemeError.term(
                part: pair.text,
                term: term,
                offset: sides[2].offset - 1,
                problem: "names \(sides.count) schemes",
                expected: "KEY/VALUE or one id for both"
            )
        }

        var named: CacheScheme?
        if sides.count == 1 { named = try Self.located(sides[0], term) { try SchemeCatalogue.namedScheme($0) } }
        var own = named?.window
        if halves.count == 2 {
            guard parts.isEmpty else {
                throw SchemeError.term(
                    part: halves[1].text,
                    term: term,
                    offset: halves[1].offset,
                    problem: "is a second window",
                    expected: "the window after the '@' alone"
                )
            }
            parts = TermParts(halves[1])
            own = nil
        }
        let options = try WindowOptions(reading: &parts, term: term, own: own)
        if let named {
            self.init(key: named.key, value: named.value, window: try options.policy())
            return
        }
        let schemes = try sides.map { side in
            try Self.located(side, term) { try SchemeCatalogue.scheme($0) }
        }
        self.init(key: schemes[0], value: schemes[schemes.count - 1], window: try options.policy())
    }

    /// Reads one id of a term; what goes wrong is told with its place in the term.
    private static func located<Result>(
        _ part: TermPart,
        _ term: String,
        _ read: (String) throws -> Result
    ) throws -> Result {
        do {
            return try read(part.text)
        } catch SchemeError.unknownScheme {
            // A published name on one side of a pair deserves its own answer.
            if part.text != term, let named = try? SchemeCatalogue.namedScheme(part.text) {
                throw SchemeError.term(
                    part: part.text,
                    term: term,
                    offset: part.offset,
                    problem: "is a pair with a window already",
                    expected: "an id for one side, such as '\(named.key.id)' or '\(named.value.id)'"
                )
            }
            let nearest = SchemeCatalogue.nearestScheme(to: part.text)
            throw SchemeError.unknownScheme(name: part.text, term: term, offset: part.offset, nearest: nearest)
        } catch SchemeError.parameter(let name, let value, let expected) {
            throw SchemeError.term(
                part: part.text,
                term: term,
                offset: part.offset,
                problem: "has \(name) \(value)",
                expected: expected
            )
        }
    }
}

/// A piece of a term and where it begins.
struct TermPart {
    let text: String
    let offset: Int

    func split(separator: Character) -> [TermPart] {
        var parts: [TermPart] = []
        var start = offset
        for piece in text.split(separator: separator, omittingEmptySubsequences: false) {
            parts.append(TermPart(text: String(piece), offset: start))
            start += piece.count + 1
        }
        return parts
    }
}

/// The pieces of a term between its plus signs.
struct TermParts {
    private var parts: ArraySlice<TermPart>

    init(_ term: TermPart) { parts = term.split(separator: "+")[...] }

    var isEmpty: Bool { parts.isEmpty }

    /// - Precondition: not empty.
    mutating func next() -> TermPart { parts.removeFirst() }
}
