/// Guesses what comes next: what stood after the last occurrence of the newest tokens.
struct PromptLookup {
    /// Tokens that must agree; the longest first.
    private static let lengths = [3, 2]

    private var tokens: [Int32]
    /// Of each run of tokens, by its length: where what follows its last occurrence begins, and before that.
    private var places: [ArraySlice<Int32>: (last: Int, before: Int?)] = [:]

    init(_ tokens: [Int32]) {
        self.tokens = []
        append(tokens[...])
    }

    mutating func append(_ new: ArraySlice<Int32>) {
        for token in new {
            tokens.append(token)
            for length in Self.lengths where tokens.count >= length {
                let run = tokens[(tokens.count - length)...]
                places[ArraySlice(Array(run))] = (tokens.count, places[run]?.last)
            }
        }
    }

    /// At most `count` tokens; none if the newest ones are new.
    func draft(atMost count: Int) -> [Int32] {
        for length in Self.lengths where tokens.count >= length && count > 0 {
            // The last occurrence is the newest tokens themselves.
            guard let place = places[tokens[(tokens.count - length)...]]?.before else { continue }
            return Array(tokens[place..<min(tokens.count, place + count)])
        }
        return []
    }
}
