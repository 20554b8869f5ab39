import Kernels

/// Quantizing float16 keys and values in groups of 32 into the packed cache as KIVI does, and back to float32.
enum QuantizationBenchmarks {
    private static let groupSize = 32

    static let all: [KernelBenchmark] = packed + blocks

    /// Cache types of llama.cpp, a head's float16 a call.
    private static let blocks: [KernelBenchmark] = GGMLBlocks.BlockType.allCases.map { type in
        KernelBenchmark(
            "quantize-ggml-\(type.rawValue)",
            group: "quantize",
            summary: "float16 to llama.cpp's blocks of 32 channels; bytes: input, blocks"
        ) { encode($0, type) }
    }

    private static func encode(_ workload: Workload, _ type: GGMLBlocks.BlockType) -> KernelBenchmark.Prepared {
        let keys = workload.cache(.float16).keys, elements = workload.tokens * workload.headDim
        let size = GGMLBlocks.blockElements
        let blockBytes = workload.kvHeads * ((elements + size - 1) / size) * type.blockBytes
        return .init(workload, bytes: 2 * workload.elementCount + blockBytes) {
            Parallel.forEach(workload.kvHeads) { head in
                let source = keys.elements(UInt16.self) + head * elements, part = 1 << 14
                // A part at a time, whose float32 stay in the first-level cache.
                var floats = [Float](repeating: 0, count: part)
                for first in stride(from: 0, to: elements, by: part) {
                    let count = min(part, elements - first), size = GGMLBlocks.blockElements
                    // A block is filled with zeros where heads or tokens are few.
                    if count < part { floats = [Float](repeating: 0, count: (count + size - 1) / size * size) }
                    HalfConversion.toFloat(source + first, &floats, count: count)
                    _ = GGMLBlocks.encode(floats, type)
                }
            }
        }
    }

    private static let packed: [KernelBenchmark] = PackedFormat.bitWidths.flatMap { bits in
        [("keys", PackedFormat.Side.keys, "tokens"), ("values", .values, "channels")].flatMap { name, side, axis in
            [
                KernelBenchmark(
                    "quantize-\(name)-\(bits)bit",
                    group: "quantize",
                    summary: "float16 to packed codes, groups of \(groupSize) \(axis); "
                        + "bytes: input, codes, scales, minima"
                ) { try quantize($0, bits: bits, side) },
                KernelBenchmark(
                    "dequantize-\(name)-\(bits)bit",
                    group: "quantize",
                    summary: "packed codes to float32, groups of \(groupSize) \(axis); "
                        + "bytes: codes, scales, minima, output"
                ) { try dequantize($0, bits: bits, side) },
            ]
        }
    }

    /// One head, packed; each call takes the pages that the last one gave back.
    private static func pack(
        _ head: Int,
        _ workload: Workload,
        _ bits: Int,
        _ side: PackedFormat.Side,
        _ arena: PageArena
    ) throws -> PackedStore {
        let cache = workload.cache(.float16), slab = side == .keys ? cache.keys : cache.values
        let format = PackedFormat(side, bits: bits, groupSize: groupSize, channels: workload.headDim)
        let store = PackedStore(format, kvHeads: 1, arena: arena)
        try store.append(
            .float16(slab.elements(UInt16.self) + head * workload.tokens * workload.headDim),
            tokens: workload.tokens,
            headStride: 0,
            tokenStride: workload.headDim
        )
        return store
    }

    private static func bytes(_ store: PackedStore) -> Int { store.codeBytes + store.metadataBytes }

    private static func quantize(
        _ workload: Workload,
        bits: Int,
        _ side: PackedFormat.Side
    ) throws -> KernelBenchmark.Prepared {
        let arena = PageArena(), heads = 0..<workload.kvHeads
        // Packed once, so that later runs find the pages of this one.
        let packed = try heads.map { try pack($0, workload, bits, side, arena) }
        let packedBytes = packed.reduce(0) { $0 + bytes($1) }
        return .init(workload, bytes: 2 * workload.elementCount + packedBytes) {
            Parallel.forEach(heads.count) { head in
                do {
                    _ = try pack(head, workload, bits, side, arena)
                } catch {
                    preconditionFailure("the pages of all heads are free: \(error)")
                }
            }
        }
    }

    private static func dequantize(
        _ workload: Workload,
        bits: Int,
        _ side: PackedFormat.Side
    ) throws -> KernelBenchmark.Prepared {
        let arena = PageArena()
        nonisolated(unsafe) let packed = try (0..<workload.kvHeads).map { try pack($0, workload, bits, side, arena) }
        let target = workload.shared("target") { AlignedMemory(byteCount: 4 * workload.elementCount) }
        let packedBytes = packed.reduce(0) { $0 + bytes($1) }, elements = workload.tokens * workload.headDim
        return .init(workload, bytes: packedBytes + target.byteCount) {
            Parallel.forEach(workload.kvHeads) { head in
                let place = target.elements(Float.self) + head * elements
                packed[head].dequantize(head: 0, tokens: 0..<workload.tokens, into: place)
            }
        }
    }
}
