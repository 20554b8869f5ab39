internal import CKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Threads that wait for work awake for a moment, then asleep.
///
/// A token takes some 200 parallel regions of 10 to 100 microseconds each. Waking a thread costs as much as a short
/// one, so a worker spins for the next before it sleeps.
final class WorkerPool: Sendable {
    static let shared = WorkerPool()

    /// Looks for work before a worker sleeps, some 50 microseconds; and before a caller yields its processor.
    private static let spins = 2000

    /// `generation << 16 | closed << 15 | workers in it`: a worker joins an open generation or none at all, so nobody
    /// waits for one that wakes late.
    private let state = Atomic<UInt>(1 << 15)
    private static let closed: UInt = 1 << 15
    /// Whether some thread has the pool.
    private let isTaken = Atomic<Bool>(false)
    private let sleepers = Atomic<Int>(0)
    private let wanted = Atomic<Int>(0)
    private let workers = Atomic<Int>(0)
    // Written by who has the pool before it opens a generation, read by those who have joined it.
    nonisolated(unsafe) private var work: () -> Void = {}
    nonisolated(unsafe) private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    nonisolated(unsafe) private let condition: UnsafeMutablePointer<pthread_cond_t>

    private init() {
        // Never freed: the pool lives as long as the process.
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    /// Calls `body` on this thread and on up to `helpers` others at the same time, and returns when all have returned.
    ///
    /// - Returns: false, with nothing done, if another caller has the pool.
    func run(helpers: Int, _ body: () -> Void) -> Bool {
        guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            return false
        }
        while workers.load(ordering: .relaxed) < helpers { guard addWorker() else { break } }
        withoutActuallyEscaping(body) { body in
            // It is called until the generation is closed and empty, which is before this returns.
            work = body
            wanted.store(helpers, ordering: .relaxed)
            let generation = (state.load(ordering: .relaxed) >> 16) &+ 1
            state.store(generation << 16, ordering: .sequentiallyConsistent)
            if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wake() }
            body()
            close()
            work = {}
        }
        isTaken.store(false, ordering: .releasing)
        return true
    }

    private func close() {
        var spins = 0
        state.bitwiseOr(Self.closed, ordering: .acquiringAndReleasing)
        while state.load(ordering: .acquiring) & (Self.closed - 1) != 0 {
            kva_pause()
            spins += 1
            if spins.isMultiple(of: Self.spins) { sched_yield() }
        }
    }

    private func wake() {
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// False if the system gives no more threads.
    private func addWorker() -> Bool {
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
            WorkerPool.shared.serve()
        }
        guard pthread_create(&thread, nil, start, nil) == 0 else { return false }
        #if canImport(Glibc)
            pthread_detach(thread)
        #else
            if let thread { pthread_detach(thread) }
        #endif
        workers.add(1, ordering: .relaxed)
        return true
    }

    private func serve() -> Never {
        var seen = state.load(ordering: .acquiring) >> 16
        // What was opened before this thread was there may still be open.
        if join(seen) { leave() }
        while true {
            seen = awaitGeneration(after: seen)
            if join(seen) { leave() }
        }
    }

    /// Enters a generation and does its work, unless it is closed or has workers enough.
    private func join(_ generation: UInt) -> Bool {
        var current = state.load(ordering: .acquiring)
        while current >> 16 == generation, current & Self.closed == 0,
            current & (Self.closed - 1) < UInt(wanted.load(ordering: .relaxed))
        {
            let result = state.compareExchange(
                expected: current,
                desired: current + 1,
                ordering: .acquiringAndReleasing
            )
            if result.exchanged {
                work()
                return true
            }
            current = result.original
        }
        return false
    }

    private func leave() { state.subtract(1, ordering: .releasing) }

    private func awaitGeneration(after seen: UInt) -> UInt {
        for _ in 0..<Self.spins {
            let generation = state.load(ordering: .acquiring) >> 16
            if generation != seen { return generation }
            kva_pause()
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        sleepers.add(1, ordering: .sequentiallyConsistent)
        defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
        while true {
            let generation = state.load(ordering: .sequentiallyConsistent) >> 16
            if generation != seen { return generation }
            pthread_cond_wait(condition, mutex)
        }
    }
}
