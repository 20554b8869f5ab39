import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory from which the stores of one cache take their pages: 2 MB at a time, as huge pages where the system has them.
///
/// Attention reads pages of many heads and layers in turn; with 4 KB pages of the system it would wait for
/// address translations (measured: two thirds of the speed). Shared by all layers, so that few slabs are not full.
///
/// Pages of a prompt that will be packed come from slabs of their own, and a slab in which no page is in use goes back
/// to the system. Among pages that stay, they would leave holes that nothing else fits.
public final class PageArena: Sendable {
    /// How long pages stay in use.
    enum Use: Hashable, CaseIterable {
        /// As long as the sequence.
        case lasting
        /// Until the tokens of a prompt have left the window.
        case passing
    }

    /// Whether each page ends where memory that must not be touched begins, so that tests find what reads beyond it.
    package static let hasGuards = getenv("KVATLAS_GUARD_PAGES") != nil

    fileprivate struct Size: Hashable {
        let use: Use
        let bytes: Int
    }

    fileprivate struct State {
        /// By their address.
        var slabs: [UInt: MemorySlab] = [:]
        /// The slab that new pages are cut from.
        var current: [Use: UInt] = [:]
        /// Slabs with pages of a size that came back.
        var returned: [Size: Set<UInt>] = [:]
        var slabBytes = 0
        var pageBytes = 0
        var peakSlabBytes = 0
        var peakPageBytes = 0
    }

    /// Bytes that pages may take; as many as the system gives if `nil`.
    public let budgetBytes: Int?
    private let state = Mutex(State())

    public init(budgetBytes: Int? = nil) {
        self.budgetBytes = budgetBytes
    }

    deinit {
        state.withLock { state in
            for slab in state.slabs.values { slab.unmap() }
        }
    }

    /// Bytes taken from the system, used or not.
    public var allocatedBytes: Int { state.withLock { $0.slabBytes } }
    /// The most that ``allocatedBytes`` has been.
    public var peakAllocatedBytes: Int { state.withLock { $0.peakSlabBytes } }
    /// Bytes of the pages in use.
    public var pageBytes: Int { state.withLock { $0.pageBytes } }
    /// The most that ``pageBytes`` has been.
    public var peakPageBytes: Int { state.withLock { $0.peakPageBytes } }

    /// Bytes that a page of so many takes.
    static func pageSize(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 }

    /// Memory on a cache line's border, which comes back when the page is no longer referred to.
    ///
    /// - Parameter isZeroed: else it holds whatever it held.
    /// - Throws: `KernelError.outOfMemory`, before anything is taken.
    func page(byteCount: Int, use: Use = .lasting, isZeroed: Bool) throws -> ArenaPage {
        let bytes = Self.pageSize(byteCount)
        let (address, slab) = try state.withLock { state in
            if let budgetBytes, state.pageBytes + bytes > budgetBytes {
                throw KernelError.outOfMemory(wanted: bytes, used: state.pageBytes, budget: budgetBytes)
            }
            guard let place = state.reuse(bytes, use) ?? state.cut(bytes, use, isGuarded: Self.hasGuards) else {
                throw KernelError.outOfMemory(wanted: bytes, used: state.pageBytes, budget: budgetBytes)
            }
            state.pageBytes += bytes
            state.peakPageBytes = max(state.peakPageBytes, state.pageBytes)
            return place
        }
        guard let base = UnsafeMutableRawPointer(bitPattern: address) else {
            preconditionFailure("a page has an address")
        }
        if isZeroed { base.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
        return ArenaPage(base: base, byteCount: bytes, slab: slab, use: use, arena: self)
    }

    /// Takes back a page for others of the same size, or gives its slab to the system.
    fileprivate func giveBack(_ page: ArenaPage) {
        state.withLock { state in
            state.takeBack(UInt(bitPattern: page.base), page.byteCount, slab: page.slab, page.use)
            state.pageBytes -= page.byteCount
        }
    }
}

extension PageArena.State {
    mutating func reuse(_ bytes: Int, _ use: PageArena.Use) -> (page: UInt, slab: UInt)? {
        let size = PageArena.Size(use: use, bytes: bytes)
        while let slab = returned[size]?.first {
            if let page = slabs[slab]?.reuse(bytes) { return (page, slab) }
            // It has no more of them.
            returned[size]?.remove(slab)
        }
        return nil
    }

    mutating func cut(_ bytes: Int, _ use: PageArena.Use, isGuarded: Bool) -> (page: UInt, slab: UInt)? {
        if let slab = current[use], let page = slabs[slab]?.cut(bytes) { return (page, slab) }
        guard var slab = isGuarded ? MemorySlab(guarding: bytes) : MemorySlab(atLeast: bytes),
            let page = slab.cut(bytes)
        else { return nil }
        let previous = current.updateValue(slab.address, forKey: use)
        slabs[slab.address] = slab
        slabBytes += slab.byteCount
        peakSlabBytes = max(peakSlabBytes, slabBytes)
        if let previous { releaseIfEmpty(previous, use) }
        return (page, slab.address)
    }

    mutating func takeBack(_ page: UInt, _ bytes: Int, slab: UInt, _ use: PageArena.Use) {
        slabs[slab]?.takeBack(page, bytes)
        returned[PageArena.Size(use: use, bytes: bytes), default: []].insert(slab)
        releaseIfEmpty(slab, use)
    }

    /// The slab that lasting pages are cut from stays, so that a page that comes and goes does not cost a slab each time.
    private mutating func releaseIfEmpty(_ address: UInt, _ use: PageArena.Use) {
        guard use == .passing || current[use] != address, let slab = slabs[address], slab.pagesInUse == 0 else {
            return
        }
        slabs[address] = nil
        for size in returned.keys { returned[size]?.remove(address) }
        slabBytes -= slab.byteCount
        slab.unmap()
    }
}

/// A page in use; stores that were forked from each other share it until one of them writes.
final class ArenaPage {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    /// Address of the slab that it is cut from.
    fileprivate let slab: UInt
    let use: PageArena.Use
    private let arena: PageArena

    fileprivate init(
        base: UnsafeMutableRawPointer,
        byteCount: Int,
        slab: UInt,
        use: PageArena.Use,
        arena: PageArena
    ) {
        self.base = base
        self.byteCount = byteCount
        self.slab = slab
        self.use = use
        self.arena = arena
    }

    deinit { arena.giveBack(self) }

    /// A page of its own with the same bytes.
    func copy(_ use: PageArena.Use = .lasting) throws -> ArenaPage {
        let page = try arena.page(byteCount: byteCount, use: use, isZeroed: false)
        page.base.copyMemory(from: base, byteCount: byteCount)
        return page
    }
}
