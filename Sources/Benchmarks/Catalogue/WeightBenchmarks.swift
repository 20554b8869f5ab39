import Kernels
import TensorCore

/// Matrix–vector products straight from weights as a GGUF file stores them.
enum WeightBenchmarks {
    /// Elements of a row, a model's width.
    private static let columns = 4096

    static let all: [KernelBenchmark] = ElementType.allCases.map { type in
        KernelBenchmark(
            "gemv-\(type.rawValue.lowercased())",
            group: "gemv",
            summary: "matrix of rows of \(columns) stored as \(type.rawValue), times a vector; bytes: the matrix"
        ) { workload in
            guard let bytesPerRow = type.byteCount(elements: columns) else {
                preconditionFailure("rows of \(columns) are no whole blocks of \(type.rawValue)")
            }
            // As large as the float16 keys.
            let rows = max(4, 2 * workload.elementCount / bytesPerRow / 4 * 4)
            let weights = StoredWeights(type, byteCount: rows * bytesPerRow)
            let matrix = WeightMatrix(
                bytes: weights.memory.bytes,
                owner: weights,
                elementType: type,
                rows: rows,
                columns: columns
            )
            let vector = Array(SampleData.floats.prefix(columns))
            let result = AlignedMemory(byteCount: 4 * rows)
            return .init(tokens: 1, headDim: columns, bytes: matrix.byteCount) {
                matrix.multiply(vector: vector, into: result.elements(Float.self))
            }
        }
    }

    private final class StoredWeights: @unchecked Sendable {
        // Unchecked: never written again.
        let memory: AlignedMemory

        init(_ type: ElementType, byteCount: Int) {
            memory = AlignedMemory(count: byteCount, repeating: SampleData.weights(type))
        }
    }
}
