internal import CKernels

/// The checksum that HDF5 keeps of a chunk: Fletcher's of 1982 over 16-bit words, the first byte of each the high one.
///
/// Finds every change of a single byte; a word of zeros and a word of ones are the same to it.
public struct Fletcher32: Sendable {
    private var sums = kva_fletcher32(first: 0, second: 0)

    public init() {}

    /// Goes on with more bytes.
    ///
    /// - Precondition: all pieces but the last are of an even length.
    /// - Complexity: O(bytes), at the pace of a read from cache.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        KernelTable.active.pointee.fletcher32(&sums, base, bytes.count)
    }

    /// The checksum of all bytes so far.
    public var value: UInt32 { sums.second << 16 | sums.first }

    /// The checksum of `bytes`.
    public static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = Fletcher32()
        checksum.update(bytes)
        return checksum.value
    }
}
