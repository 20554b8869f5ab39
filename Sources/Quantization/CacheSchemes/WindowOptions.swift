import TensorCore

/// The options of a term, as they are read.
struct WindowOptions {
    private var sink: Int?
    private var recent: WindowPolicy.Recent?
    private let own: WindowPolicy?

    private static let names = ["window", "residual", "sink"]

    /// - Parameter own: the window that a published name brings along.
    init(reading parts: inout TermParts, term: String, own: WindowPolicy?) throws {
        self.own = own
        while !parts.isEmpty { try read(parts.next(), term: term) }
    }

    func policy() throws -> WindowPolicy {
        try WindowPolicy(sink: sink ?? own?.sink ?? 0, recent: recent ?? own?.recent ?? .none)
    }

    private mutating func read(_ part: TermPart, term: String) throws {
        func wrong(_ problem: String, _ expected: String, at place: TermPart? = nil) -> SchemeError {
            let place = place ?? part
            return .term(part: place.text, term: term, offset: place.offset, problem: problem, expected: expected)
        }
        let sides = part.split(separator: "=")
        let name = sides[0].text
        guard Self.names.contains(name) else {
            let nearest = nearestName(to: name, in: Self.names)
            throw wrong(
                "is no option",
                nearest.map { "perhaps '\($0)'" } ?? "window=N, residual=R or sink=N",
                at: sides[0]
            )
        }
        guard sides.count == 2, let count = Int(sides[1].text), count >= 0 else {
            throw wrong("is no whole number of tokens", "\(name)=128", at: sides.count == 2 ? sides[1] : part)
        }
        if name == "sink" {
            guard sink == nil else { throw wrong("is given twice", "one sink") }
            sink = count
            return
        }
        guard recent == nil else { throw wrong("is a second window", "one of window and residual") }
        if let own, own.recent != .none {
            throw wrong("comes on top of the name's own window", "'\(own.term)' only, or the pair written out")
        }
        if name == "residual" {
            guard count >= 1 else { throw wrong("is no residual length", "1 token or more", at: sides[1]) }
            recent = .residual(count)
        } else {
            recent = .last(count)
        }
    }
}
