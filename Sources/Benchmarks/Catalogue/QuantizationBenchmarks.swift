import Kernels

/// Quantizing float16 keys and values in groups of 32 as KIVI does, and back to float32.
enum QuantizationBenchmarks {
    private static let groupSize = 32

    static let all: [KernelBenchmark] = [1, 2, 3, 4, 8].flatMap { bits in
        [("keys", GroupedAxis.tokens), ("values", .channels)].flatMap { side, axis in
            [
                KernelBenchmark(
                    "quantize-\(side)-\(bits)bit",
                    group: "quantize",
                    summary: "float16 to packed codes, groups of \(groupSize) \(axis.rawValue); "
                        + "bytes: input, codes, scales, minima"
                ) { quantize($0, bits: bits, axis: axis) },
                KernelBenchmark(
                    "dequantize-\(side)-\(bits)bit",
                    group: "quantize",
                    summary: "packed codes to float32, groups of \(groupSize) \(axis.rawValue); "
                        + "bytes: codes, scales, minima, output"
                ) { dequantize($0, bits: bits, axis: axis) },
            ]
        }
    }

    private static func slab(_ workload: Workload, _ axis: GroupedAxis) -> AlignedMemory {
        let cache = workload.cache(.float16)
        return axis == .tokens ? cache.keys : cache.values
    }

    private static func pack(_ head: Int, _ slab: AlignedMemory, _ workload: Workload, _ bits: Int, _ axis: GroupedAxis)
        -> AffineCodes
    {
        AffineQuantizer.quantize(
            slab.elements(UInt16.self) + head * workload.tokens * workload.headDim,
            tokens: workload.tokens,
            channels: workload.headDim,
            tokenStride: workload.headDim,
            bits: bits,
            groupSize: groupSize,
            groupedAxis: axis
        )
    }

    private static func quantize(_ workload: Workload, bits: Int, axis: GroupedAxis) -> KernelBenchmark.Prepared {
        let slab = slab(workload, axis)
        let packedBytes = pack(0, slab, workload, bits, axis).byteCount * workload.kvHeads
        return .init(workload, bytes: slab.byteCount + packedBytes) {
            for head in 0..<workload.kvHeads { _ = pack(head, slab, workload, bits, axis) }
        }
    }

    private static func dequantize(_ workload: Workload, bits: Int, axis: GroupedAxis) -> KernelBenchmark.Prepared {
        let slab = slab(workload, axis)
        let packed = (0..<workload.kvHeads).map { pack($0, slab, workload, bits, axis) }
        let target = workload.shared("target") { AlignedMemory(byteCount: 4 * workload.elementCount) }
        let packedBytes = packed.reduce(0) { $0 + $1.byteCount }
        return .init(workload, bytes: packedBytes + target.byteCount) {
            for (head, codes) in packed.enumerated() {
                let place = target.elements(Float.self) + head * workload.tokens * workload.headDim
                AffineQuantizer.dequantize(codes, into: place, tokenStride: workload.headDim)
            }
        }
    }
}
