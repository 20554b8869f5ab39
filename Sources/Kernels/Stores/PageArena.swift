import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory from which the stores of one cache take their pages: 2 MB at a time, as huge pages where the system has them.
///
/// Attention reads pages of many heads and layers in turn; with 4 KB pages of the system it would wait for
/// address translations (measured: two thirds of the speed). Shared by all layers, so that at most one slab is not full.
public final class PageArena: Sendable {
    private static let slabBytes = 2 << 20
    /// Whether each page ends where memory that must not be touched begins, so that tests find what reads beyond it.
    private static let hasGuards = getenv("KVATLAS_GUARD_PAGES") != nil

    /// Addresses as numbers, which threads may pass to each other.
    private struct Slab {
        var address: UInt
        var byteCount: Int
    }

    private struct State {
        var slabs: [Slab] = []
        /// What is left of the last slab.
        var unused: UInt = 0
        var unusedBytes = 0
        var slabBytes = 0
        var pageBytes = 0
        /// Pages given back, by their size.
        var returned: [Int: [UInt]] = [:]
    }

    /// Bytes that pages may take; as many as the system gives if `nil`.
    public let budgetBytes: Int?
    private let state = Mutex(State())

    public init(budgetBytes: Int? = nil) {
        self.budgetBytes = budgetBytes
    }

    deinit {
        state.withLock { state in
            for slab in state.slabs { munmap(UnsafeMutableRawPointer(bitPattern: slab.address), slab.byteCount) }
        }
    }

    /// Bytes taken from the system, used or not.
    public var allocatedBytes: Int { state.withLock { $0.slabBytes } }
    /// Bytes of the pages in use.
    public var pageBytes: Int { state.withLock { $0.pageBytes } }

    /// Bytes that a page of so many takes.
    static func pageSize(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 }

    /// Memory on a cache line's border, which comes back when the page is no longer referred to.
    ///
    /// - Parameter isZeroed: else it holds whatever it held.
    /// - Throws: `KernelError.outOfMemory`, before anything is taken.
    func page(byteCount: Int, isZeroed: Bool) throws -> ArenaPage {
        let bytes = Self.pageSize(byteCount)
        let address = try state.withLock { state in
            if let budgetBytes, state.pageBytes + bytes > budgetBytes {
                throw KernelError.outOfMemory(wanted: bytes, used: state.pageBytes, budget: budgetBytes)
            }
            if let address = state.returned[bytes]?.popLast() {
                state.pageBytes += bytes
                return address
            }
            if state.unusedBytes < bytes || Self.hasGuards {
                guard let slab = Self.hasGuards ? Self.guarded(bytes) : Self.slab(atLeast: bytes) else {
                    throw KernelError.outOfMemory(wanted: bytes, used: state.pageBytes, budget: budgetBytes)
                }
                state.slabs.append(slab)
                let skipped = Self.hasGuards ? slab.byteCount - Self.guardBytes - bytes : 0
                (state.unused, state.unusedBytes) = (slab.address + UInt(skipped), slab.byteCount - skipped)
                state.slabBytes += slab.byteCount
            }
            let address = state.unused
            state.unused += UInt(bytes)
            state.unusedBytes -= bytes
            state.pageBytes += bytes
            return address
        }
        guard let base = UnsafeMutableRawPointer(bitPattern: address) else {
            preconditionFailure("a page has an address")
        }
        if isZeroed { base.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
        return ArenaPage(base: base, byteCount: bytes, arena: self)
    }

    /// Takes back a page for others of the same size.
    fileprivate func giveBack(_ page: UnsafeMutableRawPointer, byteCount: Int) {
        let address = UInt(bitPattern: page)
        state.withLock { state in
            state.returned[byteCount, default: []].append(address)
            state.pageBytes -= byteCount
        }
    }

    /// As much as the largest page of memory that systems have.
    private static let guardBytes = 1 << 16

    /// A slab for one page of its own, with memory that nobody may touch at its end.
    private static func guarded(_ bytes: Int) -> Slab? {
        let byteCount = (bytes + guardBytes - 1) / guardBytes * guardBytes + guardBytes
        guard let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, mapFlags, -1, 0), base != MAP_FAILED else {
            return nil
        }
        mprotect(base + byteCount - guardBytes, guardBytes, PROT_NONE)
        return Slab(address: UInt(bitPattern: base), byteCount: byteCount)
    }

    private static var mapFlags: Int32 {
        #if os(Linux)
            Int32(MAP_PRIVATE) | Int32(MAP_ANONYMOUS)
        #else
            MAP_PRIVATE | MAP_ANON
        #endif
    }

    /// Straight from the system, so that what is given back is given back. It is on a slab's border.
    private static func slab(atLeast bytes: Int) -> Slab? {
        let byteCount = (bytes + slabBytes - 1) / slabBytes * slabBytes, whole = byteCount + slabBytes
        guard let base = mmap(nil, whole, PROT_READ | PROT_WRITE, mapFlags, -1, 0), base != MAP_FAILED else {
            return nil
        }
        let before = (slabBytes - Int(bitPattern: base) % slabBytes) % slabBytes, after = slabBytes - before
        if before > 0 { munmap(base, before) }
        if after > 0 { munmap(base + before + byteCount, after) }
        #if os(Linux)
            _ = madvise(base + before, byteCount, MADV_HUGEPAGE)
        #endif
        return Slab(address: UInt(bitPattern: base + before), byteCount: byteCount)
    }
}

/// A page in use; stores that were forked from each other share it until one of them writes.
final class ArenaPage {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let arena: PageArena

    fileprivate init(base: UnsafeMutableRawPointer, byteCount: Int, arena: PageArena) {
        self.base = base
        self.byteCount = byteCount
        self.arena = arena
    }

    deinit { arena.giveBack(base, byteCount: byteCount) }

    /// A page of its own with the same bytes.
    func copy() throws -> ArenaPage {
        let page = try arena.page(byteCount: byteCount, isZeroed: false)
        page.base.copyMemory(from: base, byteCount: byteCount)
        return page
    }
}
