import TensorCore
import Testing

@Suite struct ElementTypeTests {
    @Test(arguments: [(ElementType.q4_1, 20, 5.0), (.q8_0, 34, 8.5), (.q4K, 144, 4.5), (.float16, 2, 16)])
    func blockSizesGiveTheKnownBits(type: ElementType, blockBytes: Int, bits: Double) {
        #expect(type.bytesPerBlock == blockBytes)
        #expect(type.bitsPerElement == bits)
    }

    @Test func countsThatAreNoMultipleOfTheBlockHaveNoSize() {
        #expect(ElementType.q4K.byteCount(elements: 255) == nil)
        #expect(ElementType.q4K.byteCount(elements: 512) == 288)
        #expect(ElementType.float32.byteCount(elements: -1) == nil)
        #expect(ElementType.float32.byteCount(elements: 0) == 0)
    }

    @Test func sizesThatOverflowHaveNoSize() {
        #expect(ElementType.float32.byteCount(elements: Int.max) == nil)
    }
}
