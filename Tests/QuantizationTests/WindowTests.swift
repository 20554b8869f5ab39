import Quantization
import TensorCore
import Testing

@Suite struct WindowTests {
    /// KIVI §2.2 of the reference: keys' first T − T mod R, values all but the last R.
    @Test(arguments: [(0, 0, 0), (1, 0, 0), (127, 0, 0), (128, 128, 0), (129, 128, 1), (300, 256, 172)])
    func kiviQuantizesWhatItsCodeDoes(tokens: Int, keys: Int, values: Int) throws {
        let window = try WindowPolicy(recent: .residual(128))
        #expect(window.quantizedRange(of: .key, tokens: tokens) == 0..<keys)
        #expect(window.quantizedRange(of: .value, tokens: tokens) == 0..<values)
    }

    @Test func aSlidingWindowAndASinkFrameTheQuantizedTokens() throws {
        let window = try WindowPolicy(sink: 4, recent: .last(10))
        for side in CacheSide.allCases {
            #expect(window.quantizedRange(of: side, tokens: 100) == 4..<90)
            #expect(window.quantizedRange(of: side, tokens: 14) == 4..<4)
            #expect(window.quantizedRange(of: side, tokens: 3) == 3..<3)
            #expect(window.quantizedRange(of: side, tokens: 0) == 0..<0)
        }
    }

    @Test func noWindowQuantizesAll() {
        #expect(WindowPolicy.none.quantizedRange(of: .key, tokens: 33) == 0..<33)
    }

    @Test func negativeCountsAreRefused() {
        #expect(throws: SchemeError.self) { try WindowPolicy(sink: -1) }
        #expect(throws: SchemeError.self) { try WindowPolicy(recent: .last(-1)) }
        #expect(throws: SchemeError.self) { try WindowPolicy(recent: .residual(0)) }
    }

    @Test func windowTokensAreExactAndTheRestIsTheSchemes() throws {
        let scheme = try CacheScheme(parsing: "rtn-int2-channel-g8+window=5+sink=3")
        for tokens in 1...33 {
            let block = TestBlocks.gaussian(tokens: tokens, channels: 6, seed: UInt64(tokens))
            let exact = block.decoded().elements
            let range = scheme.window.quantizedRange(of: .key, tokens: tokens)
            let inner = block.tokens(range)
            let packed = try scheme.key.encode(inner)
            let decoded = try scheme.key.decode(packed).elements
            let trip = try scheme.roundTripKeys(block)
            for head in 0..<2 {
                for token in 0..<tokens {
                    let row = trip.tensor.elements[(head * tokens + token) * 6..<(head * tokens + token + 1) * 6]
                    let start = range.contains(token) ? (head * range.count + token - range.lowerBound) * 6 : 0
                    let expected =
                        range.contains(token)
                        ? decoded[start..<start + 6]
                        : exact[(head * tokens + token) * 6..<(head * tokens + token + 1) * 6]
                    #expect(Array(row) == Array(expected))
                }
            }
        }
    }
}
