import TensorCore
import Testing

@Suite struct LayoutTests {
    let block = Layout.block(heads: 3, tokens: 5, channels: 7)

    @Test func stridesAreRowMajor() {
        #expect(block.stride(of: .channel) == 1)
        #expect(block.stride(of: .token) == 7)
        #expect(block.stride(of: .kvHead) == 35)
        #expect(block.stride(of: .layer) == nil)
        #expect(block.elementCount == 105)
        #expect(Layout([]).elementCount == 1)
    }

    @Test func describesItselfByNames() {
        #expect(block.description == "[kv_head 3, token 5, channel 7]")
    }

    @Test func aTensorGivesItsHeads() {
        let tensor = Tensor(layout: .block(heads: 2, tokens: 1, channels: 2), elements: [1, 2, 3, 4])
        #expect(Array(tensor[first: 1]) == [3, 4])
        #expect(Tensor(repeating: 2, layout: block).elements.allSatisfy { $0 == 2 })
    }
}
