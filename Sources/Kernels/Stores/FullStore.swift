/// Keys or values of one layer of one sequence in float16 or float32, in pages that never move.
///
/// A queue: grows at the end and forgets from the front, so that it serves as a whole cache or as the window of
/// tokens that are not packed yet. A page holds `pageTokens` tokens of one head, [token, channel].
public final class FullStore {
    public let precision: Attention.Precision
    public let kvHeads: Int
    public let channels: Int
    public let pageTokens: Int
    /// Tokens held, as positions in the sequence.
    public private(set) var tokens = 0..<0

    private let arena: PageArena
    private let isWindow: Bool
    /// [page][head], from the one that holds the first token on.
    private var pages: [ArenaPage] = []
    /// Position of the first page's first token: a multiple of ``pageTokens``, so that what a window takes depends on
    /// the tokens that it holds and not on how it came to hold them.
    private var firstPosition = 0

    /// - Parameters:
    ///   - pageTokens: few waste less memory, many are read faster.
    ///   - isWindow: whether of many tokens that come together most are dropped soon; see ``keepPages()``.
    ///   - arena: where pages are taken from; one for all layers of a cache.
    public init(
        _ precision: Attention.Precision,
        kvHeads: Int,
        channels: Int,
        pageTokens: Int = 256,
        isWindow: Bool = false,
        arena: PageArena = PageArena()
    ) {
        precondition(kvHeads > 0 && channels > 0 && pageTokens > 0, "\(kvHeads) heads of \(channels) channels")
        self.precision = precision
        self.kvHeads = kvHeads
        self.channels = channels
        self.pageTokens = pageTokens
        self.arena = arena
        self.isWindow = isWindow
    }

    /// A store like this one without tokens; the first that is added has this position.
    public func empty(from position: Int) -> FullStore {
        let store = FullStore(
            precision,
            kvHeads: kvHeads,
            channels: channels,
            pageTokens: pageTokens,
            isWindow: isWindow,
            arena: arena
        )
        store.restart(at: position)
        return store
    }

    /// The same tokens; pages are shared until one of the two writes to them.
    public func copy() -> FullStore {
        let copy = empty(from: 0)
        copy.tokens = tokens
        copy.pages = pages
        copy.firstPosition = firstPosition
        return copy
    }

    private var elementBytes: Int { precision == .float16 ? 2 : 4 }
    private var pageBytes: Int { pageTokens * channels * elementBytes }

    /// Bytes that the held tokens take.
    public var tokenBytes: Int { tokens.count * kvHeads * channels * elementBytes }
    /// Bytes of the pages held, used or not.
    public var allocatedBytes: Int { pages.reduce(0) { $0 + $1.byteCount } }

    /// Bytes of pages that a store of some tokens takes.
    public static func pageBytes(
        _ precision: Attention.Precision,
        kvHeads: Int,
        channels: Int,
        pageTokens: Int = 256,
        tokens: Range<Int>
    ) -> Int {
        guard !tokens.isEmpty else { return 0 }
        let page = PageArena.pageSize(pageTokens * channels * (precision == .float16 ? 2 : 4))
        return ((tokens.upperBound - 1) / pageTokens - tokens.lowerBound / pageTokens + 1) * kvHeads * page
    }

    /// Adds `count` tokens of `[token, kv_head, channel]`, rounded to nearest even for float16.
    ///
    /// - Throws: `KernelError.outOfMemory`; the store then holds what it held.
    /// - Complexity: O(tokens × heads × channels), on the calling thread.
    public func append(_ x: UnsafePointer<Float>, tokens count: Int) throws {
        let begin = tokens.upperBound
        try addPages(until: begin + count)
        for token in 0..<count {
            for head in 0..<kvHeads {
                let row = x + (token * kvHeads + head) * channels, place = address(head: head, token: begin + token)
                switch precision {
                case .float16:
                    HalfConversion.toHalf(row, place.assumingMemoryBound(to: UInt16.self), count: channels)
                case .float32: place.assumingMemoryBound(to: Float.self).update(from: row, count: channels)
                }
            }
        }
        tokens = tokens.lowerBound..<begin + count
    }

    private func addPages(until end: Int) throws {
        var added: [ArenaPage] = []
        let use: PageArena.Use = isWindow && end - tokens.upperBound > pageTokens ? .passing : .lasting
        while firstPosition + (pages.count + added.count) / kvHeads * pageTokens < end {
            for _ in 0..<kvHeads { added.append(try arena.page(byteCount: pageBytes, use: use, isZeroed: false)) }
        }
        let last = (tokens.upperBound - firstPosition) % pageTokens
        if last > 0, end > tokens.upperBound, !pages.isEmpty { try ownPages(from: pages.count - kvHeads) }
        pages += added
    }

    private func ownPages(from first: Int) throws {
        for index in first..<pages.count where !isKnownUniquelyReferenced(&pages[index]) {
            pages[index] = try pages[index].copy()
        }
    }

    /// Forgets the tokens before `position`, and pages that hold no other.
    public func dropTokens(before position: Int) {
        precondition(position <= tokens.upperBound, "position \(position) of \(tokens)")
        guard position > tokens.lowerBound else { return }
        guard position < tokens.upperBound else { return restart(at: position) }
        tokens = position..<tokens.upperBound
        let empty = (position - firstPosition) / pageTokens
        pages.removeFirst(empty * kvHeads)
        firstPosition += empty * pageTokens
    }

    /// Moves what is left of many tokens to pages that may stay, so that the others' memory goes back to the system.
    ///
    /// Pages that are shared, or that there is no memory for, stay where they are.
    public func keepPages() {
        for index in pages.indices where pages[index].use == .passing && isKnownUniquelyReferenced(&pages[index]) {
            if let page = try? pages[index].copy() { pages[index] = page }
        }
    }

    /// Forgets the tokens from `position` on.
    public func truncate(to position: Int) {
        guard position < tokens.upperBound else { return }
        guard position > tokens.lowerBound else { return restart(at: position) }
        tokens = tokens.lowerBound..<position
        let kept = (position - firstPosition + pageTokens - 1) / pageTokens
        pages.removeLast(pages.count - kept * kvHeads)
    }

    /// Forgets all; the next token that is added has this position.
    public func restart(at position: Int) {
        pages.removeAll()
        firstPosition = position - position % pageTokens
        tokens = position..<position
    }

    /// Where the channels of a token begin.
    private func address(head: Int, token: Int) -> UnsafeMutableRawPointer {
        let (page, within) = (token - firstPosition).quotientAndRemainder(dividingBy: pageTokens)
        return pages[page * kvHeads + head].base + within * channels * elementBytes
    }

    /// Tokens of one head that lie together, from `token` on: at most `count`.
    func run(head: Int, token: Int, count: Int) -> (base: UnsafeRawPointer, count: Int) {
        precondition(tokens.contains(token), "token \(token) of \(tokens)")
        let within = (token - firstPosition) % pageTokens
        return (UnsafeRawPointer(address(head: head, token: token)), min(count, pageTokens - within))
    }

    /// Calls with each held token's channels of one head, to be changed in place, as float32.
    ///
    /// - Throws: `KernelError.outOfMemory` if shared pages must be copied and cannot.
    /// - Precondition: float32; the tokens are held.
    public func withMutableRows(
        head: Int,
        tokens range: Range<Int>,
        _ body: (Int, UnsafeMutablePointer<Float>) -> Void
    ) throws {
        precondition(precision == .float32 && tokens.contains(range), "tokens \(range) of \(tokens)")
        guard !range.isEmpty else { return }
        try ownPages(from: (range.lowerBound - firstPosition) / pageTokens * kvHeads)
        for token in range { body(token, address(head: head, token: token).assumingMemoryBound(to: Float.self)) }
    }

    /// Writes tokens of one head as float16 bits, [token, channel].
    /// - Precondition: float16; the tokens are held.
    public func copyHalves(head: Int, tokens range: Range<Int>, into target: UnsafeMutablePointer<UInt16>) {
        precondition(precision == .float16, "not float16")
        forEachRun(head: head, tokens: range) { base, offset, count in
            (target + offset * channels)
                .update(from: base.assumingMemoryBound(to: UInt16.self), count: count * channels)
        }
    }

    /// Writes tokens of one head as float32, [token, channel].
    /// - Precondition: the tokens are held.
    public func copy(head: Int, tokens range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        forEachRun(head: head, tokens: range) { base, offset, count in
            let place = target + offset * channels
            switch precision {
            case .float16:
                HalfConversion.toFloat(base.assumingMemoryBound(to: UInt16.self), place, count: count * channels)
            case .float32: place.update(from: base.assumingMemoryBound(to: Float.self), count: count * channels)
            }
        }
    }

    /// Calls with where tokens begin that lie together, how far into the range they are, and their number.
    private func forEachRun(head: Int, tokens range: Range<Int>, _ body: (UnsafeRawPointer, Int, Int) -> Void) {
        precondition(range.lowerBound >= tokens.lowerBound && range.upperBound <= tokens.upperBound, "\(range)")
        var token = range.lowerBound
        while token < range.upperBound {
            let (base, count) = run(head: head, token: token, count: range.upperBound - token)
            body(base, token - range.lowerBound, count)
            token += count
        }
    }
}
