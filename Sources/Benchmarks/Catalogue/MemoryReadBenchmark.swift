import Kernels

/// The plain read: the benchmark itself, and the measure of all others.
enum MemoryReadBenchmark {
    static let name = "memory-read"

    static let all = [
        KernelBenchmark(
            name,
            group: "memory",
            summary: "adds up memory as 64-bit words; bytes: all read, as many as the float16 cache has"
        ) { workload in
            let read = prepare(workload, bytes: workload.float16Bytes)
            return .init(workload, bytes: read.bytes, run: read.run)
        }
    ]

    /// A read for the rounds of another benchmark that moves `bytes`: as long, or of all there is to read.
    static func prepare(_ workload: Workload, bytes: Int) -> (bytes: Int, run: () -> Void) {
        let memory = workload.readMemory
        let part = UnsafeRawBufferPointer(rebasing: memory.bytes.prefix(bytes))
        return (
            part.count,
            {
                keep(MemoryRead.sum(of: part))
                withExtendedLifetime(memory) {}
            }
        )
    }

    /// Takes a result that nobody wants, so that computing it is not left out.
    @inline(never)
    private static func keep(_: UInt64) {}
}
