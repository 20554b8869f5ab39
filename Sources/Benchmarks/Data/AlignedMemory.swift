#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory that begins on a border of 2 MB and, where the system offers them, consists of such pages.
///
/// With pages of 4 kB a virtual machine spends part of a sweep on translating addresses, more in one run than in
/// the next. numpy asks for large pages as well.
final class AlignedMemory {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        let page = 2 << 20
        var address: UnsafeMutableRawPointer?
        guard posix_memalign(&address, page, max(byteCount, 1)) == 0, let address else {
            preconditionFailure("no \(byteCount) bytes of memory")
        }
        #if os(Linux)
            // Advice: where it is not taken, pages are small.
            if byteCount >= page { _ = madvise(address, byteCount, MADV_HUGEPAGE) }
        #endif
        base = address
        self.byteCount = byteCount
    }

    /// Room for `count` elements, all set by repeating `pattern`.
    convenience init<Element: BitwiseCopyable>(count: Int, repeating pattern: [Element]) {
        let stride = MemoryLayout<Element>.stride
        self.init(byteCount: count * stride)
        pattern.withUnsafeBytes { pattern in
            guard let source = pattern.baseAddress else { return }
            for offset in Swift.stride(from: 0, to: byteCount, by: pattern.count) {
                memcpy(base + offset, source, min(pattern.count, byteCount - offset))
            }
        }
    }

    deinit { free(base) }

    func elements<Element>(_: Element.Type) -> UnsafeMutablePointer<Element> {
        base.assumingMemoryBound(to: Element.self)
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }
}
