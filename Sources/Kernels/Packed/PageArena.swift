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

    /// Addresses as numbers, which threads may pass to each other.
    private struct State {
        var slabs: [UInt] = []
        /// What is left of the last slab.
        var unused: UInt = 0
        var unusedBytes = 0
        var slabBytes = 0
        /// Pages given back, by their size.
        var returned: [Int: [UInt]] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    deinit {
        state.withLock { state in
            for slab in state.slabs { free(UnsafeMutableRawPointer(bitPattern: slab)) }
        }
    }

    /// Bytes taken from the system, used or not.
    public var allocatedBytes: Int { state.withLock { $0.slabBytes } }

    /// Zeroed memory on a cache line's border, valid until it is given back or the arena ends.
    func page(byteCount: Int) -> UnsafeMutableRawPointer {
        let bytes = (byteCount + 63) / 64 * 64
        let address = state.withLock { state in
            if let address = state.returned[bytes]?.popLast() { return address }
            if state.unusedBytes < bytes {
                let slab = Self.slab(atLeast: bytes)
                state.slabs.append(slab.address)
                (state.unused, state.unusedBytes) = (slab.address, slab.byteCount)
                state.slabBytes += slab.byteCount
            }
            let address = state.unused
            state.unused += UInt(bytes)
            state.unusedBytes -= bytes
            return address
        }
        guard let page = UnsafeMutableRawPointer(bitPattern: address) else {
            preconditionFailure("a page has an address")
        }
        page.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return page
    }

    /// Takes back a page for others of the same size.
    func giveBack(_ page: UnsafeMutableRawPointer, byteCount: Int) {
        let bytes = (byteCount + 63) / 64 * 64, address = UInt(bitPattern: page)
        state.withLock { $0.returned[bytes, default: []].append(address) }
    }

    private static func slab(atLeast bytes: Int) -> (address: UInt, byteCount: Int) {
        let byteCount = (bytes + slabBytes - 1) / slabBytes * slabBytes
        var address: UnsafeMutableRawPointer?
        guard posix_memalign(&address, slabBytes, byteCount) == 0, let base = address else {
            fatalError("no memory for \(byteCount) bytes of cache")
        }
        #if os(Linux)
            _ = madvise(base, byteCount, MADV_HUGEPAGE)
        #endif
        return (UInt(bitPattern: base), byteCount)
    }
}
