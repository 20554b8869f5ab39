import Kernels
import TensorCore
import Testing

/// Stores that are copied, cut, dropped and out of memory: what is left equals a store that was filled that far.
@Suite struct StoreLifeTests {
    static let channels = 64, heads = 2, tokens = 1664

    static func packed(_ side: PackedFormat.Side, bits: Int, symmetric: Bool = false) -> PackedFormat {
        PackedFormat(side, bits: bits, groupSize: 32, channels: channels, isSymmetric: symmetric)
    }

    static func append(_ store: PackedStore, _ x: [UInt16], _ range: Range<Int>) throws {
        try x.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let first = base + range.lowerBound * channels
            try store.append(.float16(first), tokens: range.count, headStride: tokens * channels, tokenStride: channels)
        }
    }

    static func same(_ a: PackedStore, _ b: PackedStore) -> Bool {
        a.tokens == b.tokens && a.codeBytes == b.codeBytes
            && (0..<heads).allSatisfy {
                identical(PackedStoreTests.floats(a, head: $0), PackedStoreTests.floats(b, head: $0))
                    // Words are the reference's, which has no symmetric ones.
                    && (a.format.isSymmetric || a.affineCodes(head: $0) == b.affineCodes(head: $0))
            }
    }

    // Within a small page and a large one, and at the borders of both.
    @Test(arguments: PackedFormat.bitWidths, [PackedFormat.Side.keys, .values])
    func whatIsCutAndFilledAgainEqualsWhatWasFilledOnce(_ bits: Int, _ side: PackedFormat.Side) throws {
        let x = PackedStoreTests.halves(Self.heads * Self.tokens * Self.channels, seed: UInt64(bits))
        let y = PackedStoreTests.halves(Self.heads * Self.tokens * Self.channels, seed: UInt64(100 + bits))
        for symmetric in [false, true] {
            let format = Self.packed(side, bits: bits, symmetric: symmetric)
            let cuts =
                side == .keys ? [0, 32, 256, 288, 1024, 1056, 1632] : [0, 1, 31, 255, 256, 257, 1024, 1030, 1663]
            for cut in cuts {
                let store = PackedStore(format, kvHeads: Self.heads), plain = PackedStore(format, kvHeads: Self.heads)
                try Self.append(store, x, 0..<Self.tokens)
                let copy = store.copy()
                try store.truncate(to: cut)
                if cut > 0 { try Self.append(plain, x, 0..<cut) }
                #expect(Self.same(store, plain), "cut to \(cut)")
                // Written over what the copy still holds.
                try Self.append(store, y, cut..<Self.tokens)
                try Self.append(plain, y, cut..<Self.tokens)
                #expect(Self.same(store, plain), "cut to \(cut) and filled")
                let whole = try PackedStoreTests.store(format, x, heads: Self.heads, tokens: Self.tokens)
                #expect(Self.same(copy, whole), "the copy, of which \(cut) tokens were shared")
                #expect(Self.scores(store) == Self.scores(plain))
            }
        }
    }

    /// Through the fast products, which see the largest scales that the store keeps beside its pages.
    static func scores(_ store: PackedStore) -> [Float] {
        guard store.format.side == .keys else { return [] }
        let shape = Attention.Shape(heads: heads, kvHeads: heads, channels: channels)
        var scores = [Float](repeating: .nan, count: heads * store.tokens)
        let query = SampleKind.gaussian.values(heads * channels, seed: 40)
        Attention.scores(query: query, shape: shape, keys: store, accuracy: .fast, into: &scores)
        return scores
    }

    @Test(arguments: [PackedFormat.Side.keys, .values])
    func aStoreWithoutMemoryKeepsWhatItHeld(_ side: PackedFormat.Side) throws {
        let format = Self.packed(side, bits: 2),
            x = PackedStoreTests.halves(Self.heads * Self.tokens * Self.channels, seed: 3)
        let arena = PageArena(budgetBytes: PackedStore.pageBytes(format, kvHeads: Self.heads, tokens: 256))
        let store = PackedStore(format, kvHeads: Self.heads, arena: arena)
        try Self.append(store, x, 0..<224)
        let before = (0..<Self.heads).map { store.affineCodes(head: $0) }
        #expect(throws: KernelError.self) { try Self.append(store, x, 224..<Self.tokens) }
        #expect(store.tokens == 224 && (0..<Self.heads).map { store.affineCodes(head: $0) } == before)
        // A copy shares its pages; to write to one it needs another.
        let copy = store.copy()
        #expect(throws: KernelError.self) { try Self.append(copy, x, 224..<256) }
        #expect(throws: KernelError.self) { try copy.truncate(to: 32) }
        #expect(copy.tokens == 224 && (0..<Self.heads).map { copy.affineCodes(head: $0) } == before)
        try copy.truncate(to: 0)
        try Self.append(store, x, 224..<256)
        #expect(store.tokens == 256 && arena.pageBytes <= arena.budgetBytes ?? 0)
    }

    /// A queue of tokens driven at random, beside an array of them.
    @Test(arguments: [Attention.Precision.float16, .float32], [1, 7, 256])
    func aQueueOfTokensEqualsAnArray(_ precision: Attention.Precision, _ pageTokens: Int) throws {
        let channels = 5, width = Self.heads * channels
        var random = SeededGenerator(seed: UInt64(pageTokens)), next: Float = 0
        func newStore() -> FullStore {
            FullStore(precision, kvHeads: Self.heads, channels: channels, pageTokens: pageTokens)
        }
        var stores = [(store: newStore(), first: 0, rows: [[Float]]())]
        func check(_ item: (store: FullStore, first: Int, rows: [[Float]])) {
            #expect(item.store.tokens == item.first..<item.first + item.rows.count)
            for head in 0..<Self.heads where !item.rows.isEmpty {
                var got = [Float](repeating: .nan, count: item.rows.count * channels)
                item.store.copy(head: head, tokens: item.store.tokens, into: &got)
                #expect(got == item.rows.flatMap { Array($0[head * channels..<(head + 1) * channels]) })
            }
        }
        for _ in 0..<400 {
            let index = Int(random.next() % UInt64(stores.count)), length = stores[index].rows.count
            switch random.next() % 8 {
            case 0...3:
                let count = Int(random.next() % 20)
                // Whole numbers below 2,048, which float16 holds.
                let rows = (0..<count).map { _ in
                    (0..<width).map { _ -> Float in
                        next = next == 2047 ? 0 : next + 1
                        return next
                    }
                }
                try stores[index].store.append(Array(rows.joined()), tokens: count)
                stores[index].rows += rows
            case 4:
                let kept = Int(random.next() % UInt64(length + 1))
                stores[index].store.truncate(to: stores[index].first + kept)
                stores[index].rows.removeLast(length - kept)
            case 5:
                let dropped = Int(random.next() % UInt64(length + 1))
                stores[index].store.dropTokens(before: stores[index].first + dropped)
                stores[index].first += dropped
                stores[index].rows.removeFirst(dropped)
            case 6:
                let copy = (stores[index].store.copy(), stores[index].first, stores[index].rows)
                if stores.count < 4 { stores.append(copy) } else { stores[Int(random.next() % 4)] = copy }
            default:
                guard random.next().isMultiple(of: 4) else { continue }
                stores[index].store.restart(at: 17)
                (stores[index].first, stores[index].rows) = (17, [])
            }
            for item in stores { check(item) }
        }
    }
}
