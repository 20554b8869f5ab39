import Kernels
import Quantization

/// What the keys or values of one layer take, from their lengths alone; bytes of pages and envelopes.
struct PackedSideAccount {
    let side: CacheSide
    let format: PackedCacheFormat
    let shape: CacheShape
    private let packedFormat: PackedFormat
    /// What is beside the pages.
    private let envelope: Int

    init(_ side: CacheSide, _ format: PackedCacheFormat, shape: CacheShape) {
        self.side = side
        self.format = format
        self.shape = shape
        packedFormat = format.packedFormat(side, channels: shape.headDim)
        envelope = PackedStore.envelopeBytes(packedFormat, kvHeads: shape.kvHeads)
    }

    func packed(_ tokens: Int) -> Int {
        PackedStore.pageBytes(packedFormat, kvHeads: shape.kvHeads, tokens: tokens)
    }

    func window(_ tokens: Range<Int>) -> Int {
        FullStore.pageBytes(
            .float16,
            kvHeads: shape.kvHeads,
            channels: shape.headDim,
            pageTokens: PackedSide.windowPageTokens,
            tokens: tokens
        )
    }

    /// Of `all` tokens, so many packed.
    func resting(packed tokens: Int, of all: Int) -> Int { envelope + packed(tokens) + window(tokens..<all) }

    /// Of so many tokens, none of which were taken back.
    func restingBytes(_ tokens: Int) -> CacheBytes {
        let packed = format.packedTokens(of: side, held: tokens)
        var bytes = CacheBytes()
        bytes.codes = shape.kvHeads * packedFormat.codeBytes(tokens: packed)
        bytes.scales = shape.kvHeads * packedFormat.metadataBytes(tokens: packed)
        bytes.fullPrecision =
            (tokens - packed) * shape.kvHeads * shape.headDim * FullCache.Precision.float16.elementBytes
        bytes.unused = resting(packed: packed, of: tokens) - bytes.used
        return bytes
    }

    /// What each further token of a long sequence adds.
    var asymptoticBytesPerToken: Double {
        packedFormat.bitsPerElement / 8 * Double(shape.kvHeads * shape.headDim)
    }

    /// The most while what `all` tokens want packed becomes so, from `first` on; parts of it are dropped from the
    /// window as they are packed.
    func packing(from first: Int, of all: Int) -> Int {
        let wanted = format.packedTokens(of: side, held: all), part = PackedStore.largestPageTokens(packedFormat)
        var most = resting(packed: first, of: all), done = first
        while done < wanted {
            let next = min(wanted, done + part)
            most = max(most, envelope + packed(next) + window(done..<all))
            done = next
        }
        return most
    }

    /// The most while a prompt of so many tokens, the first of a sequence, comes in.
    func prompt(_ tokens: Int) -> Int {
        guard format.prefill == .inPlace, tokens > 1 else { return packing(from: 0, of: tokens) }
        return stride(from: 0, to: tokens, by: LanguageModel.tokensPerBlock).reduce(0) {
            max(
                $0,
                packing(
                    from: format.packedTokens(of: side, held: $1),
                    of: min(tokens, $1 + LanguageModel.tokensPerBlock)
                )
            )
        }
    }

    /// Numbers of packed tokens that a cache of so many may have which take the most pages.
    ///
    /// One that was longer and has been cut has more tokens packed than one that never was.
    ///
    /// - Parameter longest: the most that it ever held.
    func packedTokens(held tokens: Int, longest: Int) -> [Int] {
        let least = format.packedTokens(of: side, held: tokens), step = packedFormat.appendStep
        let most = min(tokens - tokens % step, format.packedTokens(of: side, held: longest))
        var counts = [least], room = PackedStore.lastPageTokens(packedFormat, tokens: least).upperBound
        // The least that needs another page leaves the most in the window.
        while room + step <= most {
            counts.append(room + step)
            room = PackedStore.lastPageTokens(packedFormat, tokens: room + step).upperBound
        }
        return counts
    }
}

extension PackedSideAccount {
    /// The most that is held at rest while a sequence grows from one length to another, with the tokens of a step that
    /// are not packed yet.
    func resting(from first: Int, to capacity: Int, step: Int) -> Int {
        // After so many tokens a window lies in its pages as it did before, and what is packed has only grown; a
        // second time for those that were cut.
        let begin = max(min(first, capacity), capacity - 2 * period)
        return (begin...capacity).reduce(0) { most, held in
            packedTokens(held: held, longest: capacity).reduce(most) {
                max($0, resting(packed: $1, of: min(held + step, capacity)))
            }
        }
    }

    private var period: Int {
        var length = PackedSide.windowPageTokens
        if case .residual(let residual) = format.window.recent { length = leastCommonMultiple(length, residual) }
        return leastCommonMultiple(length, packedFormat.appendStep)
    }

    /// Beyond rest: pages that are begun before tokens leave the window, or the window's of a cut group.
    func packingStep(capacity: Int, step: Int) -> Int {
        let packed = format.packedTokens(of: side, held: capacity), group = packedFormat.appendStep
        guard packed > 0 else { return 0 }
        let lastPage =
            self.packed(packed)
            - self.packed(PackedStore.lastPageTokens(packedFormat, tokens: packed).lowerBound)
        // Tokens that leave the window together.
        var leaving = step + group
        if side == .key, case .residual(let residual) = format.window.recent { leaving += residual - 1 }
        let smallPage = PackedStore.lastPageTokens(packedFormat, tokens: 1).upperBound
        let pages = lastPage + (leaving > smallPage ? self.packed(min(leaving, packed)) : 0)
        return max(pages, window(0..<group - 1))
    }
}

private func leastCommonMultiple(_ a: Int, _ b: Int) -> Int {
    var (x, y) = (a, b)
    while y > 0 { (x, y) = (y, x % y) }
    return a / x * b
}

extension PackedCacheFormat {
    /// What a cache takes at most whose sequence begins with a prompt and goes on with `step` tokens at a time.
    func peak(shape: CacheShape, prompt: Int, capacity: Int, step: Int) -> CachePeak {
        var peak = CachePeak()
        for side in CacheSide.allCases {
            let account = PackedSideAccount(side, self, shape: shape)
            let resting = account.resting(packed: packedTokens(of: side, held: prompt), of: prompt)
            peak.prompt += shape.layers * resting
            peak.packingPrompt += max(0, account.prompt(prompt) - resting)
            peak.steps += shape.layers * account.resting(from: prompt, to: capacity, step: step)
            peak.packingStep += account.packingStep(capacity: capacity, step: step)
        }
        return peak
    }
}
