import Kernels
import Testing

@Suite struct PageArenaTests {
    private static let slab = 2 << 20, channels = 64

    private func window(_ arena: PageArena) -> FullStore {
        FullStore(.float16, kvHeads: 2, channels: Self.channels, pageTokens: 32, isWindow: true, arena: arena)
    }

    /// A prompt in a window leaves nothing behind when it is packed.
    @Test func slabsWithoutPagesGoBackToTheSystem() throws {
        let arena = PageArena(), tokens = 40_000
        let rows = [Float](repeating: 1, count: tokens * 2 * Self.channels)
        let lasting = FullStore(.float16, kvHeads: 2, channels: Self.channels, arena: arena)
        var windows: [FullStore] = []
        for _ in 0..<3 {
            let window = window(arena)
            try window.append(rows, tokens: tokens)
            // Pages that stay are taken in between.
            try lasting.append(rows, tokens: 1000)
            window.dropTokens(before: tokens - 10)
            windows.append(window)
            window.keepPages()
            #expect(PageArena.hasGuards || arena.allocatedBytes <= arena.pageBytes + Self.slab)
            var last = [Float](repeating: 0, count: 10 * Self.channels)
            window.copy(head: 1, tokens: window.tokens, into: &last)
            #expect(last.allSatisfy { $0 == 1 })
        }
        #expect(lasting.tokens == 0..<3000)
        let most = tokens * 2 * Self.channels * 2
        #expect(arena.peakPageBytes > most && arena.peakPageBytes < most + Self.slab)
        #expect(arena.peakAllocatedBytes >= arena.peakPageBytes)
        #expect(PageArena.hasGuards || arena.peakAllocatedBytes < most + 3 * Self.slab)
    }

    @Test func whatAWindowTakesDependsOnItsTokensAlone() throws {
        let rows = [Float](repeating: 1, count: 200 * 2 * Self.channels)
        for begin in [0, 1, 31, 32, 33, 100] {
            for count in [1, 31, 32, 33, 70] {
                let arena = PageArena(), restarted = window(arena), dropped = window(PageArena())
                restarted.restart(at: begin)
                try restarted.append(rows, tokens: count)
                try dropped.append(rows, tokens: begin + count)
                dropped.dropTokens(before: begin)
                let expected = FullStore.pageBytes(
                    .float16,
                    kvHeads: 2,
                    channels: Self.channels,
                    pageTokens: 32,
                    tokens: begin..<begin + count
                )
                #expect(arena.pageBytes == expected && restarted.allocatedBytes == expected)
                #expect(dropped.allocatedBytes == expected && dropped.tokens == restarted.tokens)
            }
        }
    }
}
