import Kernels

/// float16 and bfloat16 to float32 and back.
enum ConversionBenchmarks {
    private typealias Widen = @Sendable (UnsafePointer<UInt16>, UnsafeMutablePointer<Float>, Int) -> Void
    private typealias Narrow = @Sendable (UnsafePointer<Float>, UnsafeMutablePointer<UInt16>, Int) -> Void

    static let all = [
        widening("half-to-float", "float16") { HalfConversion.toFloat($0, $1, count: $2) },
        narrowing("float-to-half", "float16") { HalfConversion.toHalf($0, $1, count: $2) },
        widening("bfloat-to-float", "bfloat16") { HalfConversion.toFloat(bfloat16: $0, $1, count: $2) },
        narrowing("float-to-bfloat", "bfloat16") { HalfConversion.toBFloat($0, $1, count: $2) },
    ]

    /// Elements of one work item.
    private static let elementsPerItem = 32 << 10

    private static func memory(_ workload: Workload) -> (halves: AlignedMemory, floats: AlignedMemory) {
        let count = workload.elementCount
        return (
            workload.shared("halves") { AlignedMemory(count: count, repeating: SampleData.halves) },
            workload.shared("floats") { AlignedMemory(count: count, repeating: SampleData.floats) }
        )
    }

    private static func widening(_ name: String, _ type: String, _ convert: @escaping Widen) -> KernelBenchmark {
        KernelBenchmark(name, group: "convert", summary: "\(type) to float32; bytes: input and output") { workload in
            let (halves, floats) = memory(workload)
            return .init(workload, bytes: halves.byteCount + floats.byteCount) {
                let source = halves.elements(UInt16.self), target = floats.elements(Float.self)
                Parallel.forEachBlock(of: elementsPerItem, in: workload.elementCount) { block in
                    convert(source + block.lowerBound, target + block.lowerBound, block.count)
                }
            }
        }
    }

    private static func narrowing(_ name: String, _ type: String, _ convert: @escaping Narrow) -> KernelBenchmark {
        KernelBenchmark(name, group: "convert", summary: "float32 to \(type); bytes: input and output") { workload in
            let (halves, floats) = memory(workload)
            return .init(workload, bytes: halves.byteCount + floats.byteCount) {
                let source = floats.elements(Float.self), target = halves.elements(UInt16.self)
                Parallel.forEachBlock(of: elementsPerItem, in: workload.elementCount) { block in
                    convert(source + block.lowerBound, target + block.lowerBound, block.count)
                }
            }
        }
    }
}
