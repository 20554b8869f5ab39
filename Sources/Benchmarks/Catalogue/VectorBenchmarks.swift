import Kernels

/// What stands between the products of a layer: softmax, normalization, gating, rotary positions.
enum VectorBenchmarks {
    /// Elements of a normalized row, a model's width.
    private static let width = 4096

    static let all = [
        KernelBenchmark(
            "softmax",
            group: "vectors",
            summary: "softmax of float32 rows, one score a token; bytes: read and written once"
        ) { workload in
            let rows = max(1, workload.elementCount / workload.tokens)
            let scores = AlignedMemory(count: rows * workload.tokens, repeating: SampleData.floats)
            return .init(tokens: workload.tokens, headDim: 1, bytes: 2 * scores.byteCount) {
                Parallel.forEach(rows) { row in
                    VectorMath.softmax(scores.elements(Float.self) + row * workload.tokens, count: workload.tokens)
                }
            }
        },
        KernelBenchmark(
            "rms-norm",
            group: "vectors",
            summary: "RMSNorm of float32 rows of \(width); bytes: input and output"
        ) { workload in
            let rows = max(1, workload.elementCount / width / 2)
            let input = AlignedMemory(count: rows * width, repeating: SampleData.floats)
            let output = AlignedMemory(byteCount: input.byteCount)
            let weight = [Float](repeating: 1, count: width)
            return .init(tokens: rows, headDim: width, bytes: input.byteCount + output.byteCount) {
                VectorMath.rmsNorm(
                    rows: rows,
                    input.elements(Float.self),
                    weight: weight,
                    epsilon: 1e-5,
                    into: output.elements(Float.self),
                    count: width
                )
            }
        },
        KernelBenchmark(
            "silu-multiply",
            group: "vectors",
            summary: "silu(gate)·up in float32; bytes: two inputs and the output"
        ) { workload in
            let count = max(1, workload.elementCount / 2)
            let gate = AlignedMemory(count: count, repeating: SampleData.floats)
            let up = AlignedMemory(count: count, repeating: SampleData.floats)
            let output = AlignedMemory(byteCount: gate.byteCount)
            return .init(tokens: 1, headDim: count, bytes: 3 * gate.byteCount) {
                VectorMath.siluMultiply(
                    gate: gate.elements(Float.self),
                    up: up.elements(Float.self),
                    into: output.elements(Float.self),
                    count: count
                )
            }
        },
        KernelBenchmark(
            "rope",
            group: "vectors",
            summary: "rotary positions of float32 keys in place; bytes: keys read and written, cosines, sines"
        ) { workload in
            // Channels are rotated in pairs.
            let channels = max(2, workload.headDim / 2 * 2), tokens = workload.tokens, heads = workload.kvHeads
            let keys = AlignedMemory(count: heads * tokens * channels, repeating: SampleData.floats)
            let table = RotaryTable(positions: 0..<tokens, channels: channels, base: 10_000)
            return .init(tokens: tokens, headDim: channels, bytes: 2 * keys.byteCount + 4 * tokens * channels) {
                table.rotate(
                    keys.elements(Float.self),
                    tokens: tokens,
                    heads: heads,
                    headStride: channels,
                    tokenStride: heads * channels
                )
            }
        },
    ]
}
