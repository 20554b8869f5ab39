internal import CKernels

/// Blocks of 32 elements in the types that llama.cpp keeps caches in, byte for byte as ggml's reference makes them.
public enum GGMLBlocks {
    /// By ggml's name.
    public enum BlockType: String, Sendable, CaseIterable {
        case q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl

        /// Bits of an element's code.
        public var codeBits: Int {
            switch self {
            case .q8_0: 8
            case .q5_1, .q5_0: 5
            case .q4_1, .q4_0, .iq4_nl: 4
            }
        }

        /// Codes and metadata of 32 elements.
        public var blockBytes: Int {
            switch self {
            case .q8_0: 34
            case .q5_1: 24
            case .q5_0: 22
            case .q4_1: 20
            case .q4_0, .iq4_nl: 18
            }
        }

        /// The same as a type of weights.
        fileprivate var weightType: kva_type {
            switch self {
            case .q8_0: KVA_Q8_0
            case .q5_1: KVA_Q5_1
            case .q5_0: KVA_Q5_0
            case .q4_1: KVA_Q4_1
            case .q4_0: KVA_Q4_0
            case .iq4_nl: KVA_IQ4_NL
            }
        }

        fileprivate var kernelType: kva_block_type {
            switch self {
            case .q8_0: KVA_BLOCK_Q8_0
            case .q5_1: KVA_BLOCK_Q5_1
            case .q5_0: KVA_BLOCK_Q5_0
            case .q4_1: KVA_BLOCK_Q4_1
            case .q4_0: KVA_BLOCK_Q4_0
            case .iq4_nl: KVA_BLOCK_IQ4_NL
            }
        }
    }

    public static let blockElements = 32

    /// A block with a NaN or an infinity is all NaN when it is read back, and no other is.
    ///
    /// - Precondition: a multiple of 32 elements.
    /// - Complexity: O(elements), on the calling thread.
    public static func encode(_ x: [Float], _ type: BlockType) -> [UInt8] {
        precondition(x.count.isMultiple(of: blockElements), "\(x.count) elements are no whole blocks")
        let blocks = x.count / blockElements
        return [UInt8](unsafeUninitializedCapacity: blocks * type.blockBytes) { target, filled in
            if let base = target.baseAddress, blocks > 0 {
                KernelTable.active.pointee.encode_blocks(x, blocks, type.kernelType, base)
            }
            filled = blocks * type.blockBytes
        }
    }

    /// - Precondition: whole blocks.
    /// - Complexity: O(elements), on the calling thread.
    public static func decode(_ bytes: [UInt8], _ type: BlockType) -> [Float] {
        precondition(bytes.count.isMultiple(of: type.blockBytes), "\(bytes.count) bytes are no whole blocks")
        let blocks = bytes.count / type.blockBytes
        return [Float](unsafeUninitializedCapacity: blocks * blockElements) { target, filled in
            if let base = target.baseAddress, blocks > 0 {
                KernelTable.active.pointee.dequantize(type.weightType, bytes, base, blocks * blockElements)
            }
            filled = blocks * blockElements
        }
    }
}
