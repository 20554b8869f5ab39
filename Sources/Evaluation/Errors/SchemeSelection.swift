import Quantization

/// The schemes of a study that can show something at its length, the control first.
struct SchemeSelection {
    /// Each once.
    let schemes: [CacheScheme]
    /// One a scheme that was left out, for people.
    let warnings: [String]

    /// Leaves out lossy schemes whose window holds every token of every sequence.
    ///
    /// - Throws: `ErrorStudyError.nothingLost` if these were all the lossy ones.
    init(_ requested: [CacheScheme], sequenceLengths: [Int]) throws {
        let control = CacheScheme(key: IdentityScheme(), value: IdentityScheme())
        var seen: Set<String> = []
        let distinct = ([control] + requested).filter { seen.insert($0.id).inserted }
        let idle = distinct.filter { !$0.isLossless && !$0.quantizes(sequenceLengths) }
        schemes = distinct.filter { !idle.contains($0) }

        let tokens = sequenceLengths.reduce(0, +)
        if let first = idle.first, schemes.allSatisfy({ $0.isLossless }) {
            throw ErrorStudyError.nothingLost(scheme: first.id, tokens: tokens, isAllWindow: true)
        }
        warnings = idle.map {
            "scheme '\($0.id)' is left out, since its window holds all \(tokens) tokens; "
                + "use a longer text or a smaller window"
        }
    }
}

extension CacheScheme {
    /// Whether a lossy side stores a token of a sequence in its codes.
    fileprivate func quantizes(_ sequenceLengths: [Int]) -> Bool {
        CacheSide.allCases.contains { side in
            !(scheme(for: side) is IdentityScheme)
                && sequenceLengths.contains { !window.quantizedRange(of: side, tokens: $0).isEmpty }
        }
    }
}
