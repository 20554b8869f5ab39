/// Which tokens of a cache stay in float16.
///
/// Keys and values of one cache share a policy; `recent` decides whether it
/// means the same tokens for both.
public struct WindowPolicy: Sendable, Hashable, Codable {
    /// What happens to the newest tokens.
    public enum Recent: Sendable, Hashable, Codable {
        /// All are quantized.
        case none
        /// The last `count` of keys and values stay: a sliding window.
        case last(Int)
        /// KIVI's rule for a residual of `R`: of keys the last `T mod R` stay, since they are
        /// quantized R at a time; of values the last `R` stay, since they are quantized one by one.
        /// Source: KIVI §3.3 and Algorithm 1; the split is a multiple of R, as in its code.
        case residual(Int)
    }

    /// The first tokens, which stay whatever their age.
    public let sink: Int
    public let recent: Recent

    public static let none = WindowPolicy(validSink: 0, recent: .none)

    /// - Throws: `SchemeError.parameter` for negative counts or a residual below 1.
    public init(sink: Int = 0, recent: Recent = .none) throws {
        guard sink >= 0 else {
            throw SchemeError.parameter(name: "sink", value: "\(sink)", expected: "0 tokens or more")
        }
        switch recent {
        case .none: break
        case .last(let count):
            guard count >= 0 else {
                throw SchemeError.parameter(name: "window", value: "\(count)", expected: "0 tokens or more")
            }
        case .residual(let length):
            guard length >= 1 else {
                throw SchemeError.parameter(name: "residual", value: "\(length)", expected: "1 token or more")
            }
        }
        // A window of no tokens is no window: one policy, one spelling.
        self.init(validSink: sink, recent: recent == .last(0) ? .none : recent)
    }

    private init(validSink: Int, recent: Recent) {
        sink = validSink
        self.recent = recent
    }

    /// The tokens of a cache of `tokens` that are quantized; those before and after stay in float16.
    public func quantizedRange(of side: CacheSide, tokens: Int) -> Range<Int> {
        let first = min(sink, tokens)
        let candidates = tokens - first
        let kept =
            switch recent {
            case .none: 0
            case .last(let count): min(count, candidates)
            case .residual(let length): side == .key ? candidates % length : min(length, candidates)
            }
        return first..<tokens - kept
    }

    /// As written at the end of a term, without the leading `+`; empty for no window.
    public var term: String {
        var parts: [String] = []
        switch recent {
        case .none: break
        case .last(let count): parts.append("window=\(count)")
        case .residual(let length): parts.append("residual=\(length)")
        }
        if sink > 0 { parts.append("sink=\(sink)") }
        return parts.joined(separator: "+")
    }
}
