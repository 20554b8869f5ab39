internal import CKernels

/// Reading memory and doing nothing else: the pace to which a kernel over as many bytes is held.
public enum MemoryRead {
    /// Long enough for the processor to read ahead, short enough to share out what fits a cache.
    private static let bytesPerItem = 128 << 10

    /// The set it runs on: the fastest here, whatever `KVATLAS_ISA` asks for, since it tells of the machine.
    public static var instructionSet: InstructionSet { InstructionSet.available.last ?? .reference }

    /// Sum modulo 2⁶⁴ of the bytes as 64-bit words in the machine's order, the last filled up with zeros;
    /// on all threads.
    public static func sum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            let kernels = kva_kernels_for(instructionSet.identifier)
        else { return 0 }
        let items = (bytes.count + bytesPerItem - 1) / bytesPerItem
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: items) { sums in
            // Written by index, each by one thread.
            nonisolated(unsafe) let parts = sums
            Parallel.forEachBlock(of: bytesPerItem, in: bytes.count) { block in
                parts[block.lowerBound / bytesPerItem] = kernels.pointee.plain_read(
                    base + block.lowerBound,
                    block.count
                )
            }
            return sums.reduce(0, &+)
        }
    }
}
