import Quantization
import TensorCore
import Testing

@Suite struct BitAccountingTests {
    /// Both numbers are 8 × real bytes / elements, whatever the length and the window.
    @Test(arguments: cacheSchemeIDs + ["rtn-int3-channel-g32/rtn-int4-token-g7+window=9+sink=2"])
    func bothCountsEqualTheBytes(id: String) throws {
        let scheme = try CacheScheme(parsing: id)
        for tokens in [1, 2, 31, 32, 33, 127, 128, 129, 161] {
            let block = TestBlocks.gaussian(tokens: tokens, channels: 64)
            for side in CacheSide.allCases {
                let trip = try scheme.roundTrip(block, side: side)
                let range = scheme.window.quantizedRange(of: side, tokens: tokens)
                let packed = try scheme.scheme(for: side).encode(block.tokens(range))
                let kept = 2 * (tokens - range.count) * 64
                #expect(trip.bitsAtLength == 8 * Double(packed.byteCount + 2 * kept) / Double(block.elementCount))
                let whole = try range.isEmpty ? scheme.scheme(for: side).encode(block) : packed
                #expect(trip.bitsAsymptotic == 8 * Double(whole.byteCount) / Double(whole.elementCount))
            }
        }
    }

    /// kivi.md §1.5: float16 bytes over cache bytes, 2 bits, G = 32 (its 5.25 for 4,096 tokens is 5.2446).
    @Test(arguments: [
        (499, 32, 4.37), (499, 128, 2.60), (1024, 32, 5.00), (1024, 128, 4.20), (4096, 32, 5.24), (4096, 128, 5.00),
    ])
    func kiviCompressesAsItsArithmeticSays(tokens: Int, residual: Int, ratio: Double) throws {
        let scheme = try CacheScheme(parsing: "kivi-2-g32-r\(residual)")
        let block = TestBlocks.gaussian(heads: 1, tokens: tokens, channels: 32)
        let (keys, values) = (try scheme.roundTripKeys(block), try scheme.roundTripValues(block))
        let ours = Double(4 * block.elementCount) / Double(keys.bytes + values.bytes)
        #expect(abs(ours - ratio) <= 0.005)
        #expect(keys.bitsAsymptotic == 3 && values.bitsAsymptotic == 3)
    }

    @Test func anEmptyCacheCostsNothing() throws {
        let block = KVBlock(heads: 2, tokens: 0, channels: 8, bits: [])
        let trip = try CacheScheme(parsing: "kivi-2-g32-r128").roundTripKeys(block)
        #expect(trip.bitsAtLength == 0 && trip.bytes == 0)
    }

    @Test func tokenMajorBitsAreReordered() {
        let bits = (0..<2 * 3 * 4).map { UInt16($0) }
        let block = KVBlock(tokenMajor: bits, tokens: 2, heads: 3, channels: 4)
        for head in 0..<3 {
            for token in 0..<2 {
                for channel in 0..<4 {
                    #expect(block.bits[(head * 2 + token) * 4 + channel] == UInt16((token * 3 + head) * 4 + channel))
                }
            }
        }
    }
}
