import Kernels
import Quantization
import TensorCore

/// Blocks that tests feed to schemes.
enum TestBlocks {
    static func gaussian(heads: Int = 2, tokens: Int, channels: Int, seed: UInt64 = 1) -> KVBlock {
        var generator = SeededGenerator(seed: seed)
        let values = (0..<heads * tokens * channels).map { _ in Float(generator.nextGaussian()) }
        return KVBlock(heads: heads, tokens: tokens, channels: channels, values: values)
    }

    static func constant(_ value: Float, heads: Int = 2, tokens: Int, channels: Int) -> KVBlock {
        let values = [Float](repeating: value, count: heads * tokens * channels)
        return KVBlock(heads: heads, tokens: tokens, channels: channels, values: values)
    }

    /// The block with one element replaced.
    static func replacing(_ block: KVBlock, at index: Int, with value: Float) -> KVBlock {
        var bits = block.bits
        bits[index] = HalfConversion.toHalf(value)
        return KVBlock(heads: block.heads, tokens: block.tokens, channels: block.channels, bits: bits)
    }
}

/// Which elements share a scale with one of them.
struct GroupMembership {
    let block: KVBlock
    let sharing: ScaleSharing?
    let size: GroupSize?

    /// True if the elements of the two flat indices `[kv_head, token, channel]` are in one group.
    func isShared(_ a: Int, _ b: Int) -> Bool {
        guard let sharing, let size else { return a == b }
        let (p, q) = (place(a), place(b))
        let dimension = sharing == .perChannel ? block.tokens : block.channels
        let length = size.resolved(dimension: dimension)
        guard p.head == q.head else { return false }
        switch sharing {
        case .perChannel: return p.channel == q.channel && p.token / length == q.token / length
        case .perToken: return p.token == q.token && p.channel / length == q.channel / length
        }
    }

    private func place(_ index: Int) -> (head: Int, token: Int, channel: Int) {
        let token = index / block.channels
        return (token / block.tokens, token % block.tokens, index % block.channels)
    }
}

/// Every tensor scheme of the catalogue, by id.
let tensorSchemeIDs = SchemeCatalogue.all.filter { $0.kind == .tensor }.map { $0.id }

/// Every cache scheme that needs nothing but keys and values: named ones, and each tensor scheme on both sides.
let cacheSchemeIDs = SchemeCatalogue.all.filter { $0.calibration == .none && !$0.id.hasPrefix("zipcache") }.map {
    $0.id
}

extension Tensor {
    func isEqual(to other: [Float]) -> Bool { elements == other }
}
