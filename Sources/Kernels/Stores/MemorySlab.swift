#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory straight from the system, so that what is given back is given back, from which pages are cut.
struct MemorySlab {
    static let byteCount = 2 << 20
    /// As much as the largest page of memory that systems have.
    private static let guardBytes = 1 << 16

    /// An address as a number, which threads may pass to each other.
    let address: UInt
    let byteCount: Int
    /// What no page was cut from yet.
    private(set) var uncut: UInt
    private(set) var uncutBytes: Int
    private(set) var pagesInUse = 0
    /// Pages that came back, by their size.
    private var returned: [Int: [UInt]] = [:]

    /// On a border of 2 MB, as huge pages want it; `nil` if the system has none.
    init?(atLeast bytes: Int) {
        let count = (bytes + Self.byteCount - 1) / Self.byteCount * Self.byteCount, whole = count + Self.byteCount
        guard let base = Self.map(whole) else { return nil }
        let before = (Self.byteCount - Int(bitPattern: base) % Self.byteCount) % Self.byteCount
        let after = Self.byteCount - before
        if before > 0 { munmap(base, before) }
        if after > 0 { munmap(base + before + count, after) }
        #if os(Linux)
            _ = madvise(base + before, count, MADV_HUGEPAGE)
        #endif
        (address, byteCount) = (UInt(bitPattern: base + before), count)
        (uncut, uncutBytes) = (address, byteCount)
    }

    /// For one page, with memory that nobody may touch at its end.
    init?(guarding bytes: Int) {
        let guardBytes = Self.guardBytes, count = (bytes + guardBytes - 1) / guardBytes * guardBytes + guardBytes
        guard let base = Self.map(count) else { return nil }
        mprotect(base + count - guardBytes, guardBytes, PROT_NONE)
        (address, byteCount) = (UInt(bitPattern: base), count)
        (uncut, uncutBytes) = (address + UInt(count - guardBytes - bytes), bytes)
    }

    private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
        #if os(Linux)
            let flags = Int32(MAP_PRIVATE) | Int32(MAP_ANONYMOUS)
        #else
            let flags = MAP_PRIVATE | MAP_ANON
        #endif
        let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        return base == MAP_FAILED ? nil : base
    }

    /// Gives the memory back to the system.
    func unmap() { munmap(UnsafeMutableRawPointer(bitPattern: address), byteCount) }

    /// A page that came back, of exactly this size.
    mutating func reuse(_ bytes: Int) -> UInt? {
        guard let page = returned[bytes]?.popLast() else { return nil }
        pagesInUse += 1
        return page
    }

    /// A page that was none before.
    mutating func cut(_ bytes: Int) -> UInt? {
        guard bytes <= uncutBytes else { return nil }
        let page = uncut
        uncut += UInt(bytes)
        uncutBytes -= bytes
        pagesInUse += 1
        return page
    }

    mutating func takeBack(_ page: UInt, _ bytes: Int) {
        returned[bytes, default: []].append(page)
        pagesInUse -= 1
    }
}
