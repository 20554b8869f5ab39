import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs numbered work items on all cores.
///
/// Items are handed out in order, so callers cut work by size and never by the
/// number of threads: then results are the same bit for bit on any machine.
public enum Parallel {
    /// The environment variable that sets the number of threads.
    public static let variable = "KVATLAS_THREADS"

    private static let threads = Atomic<Int>((try? requestedThreads()) ?? activeCores)

    /// Threads that share the work, the caller's included; `KVATLAS_THREADS`, or one for each active core.
    public static var threadCount: Int {
        get { threads.load(ordering: .relaxed) }
        set { threads.store(max(1, newValue), ordering: .relaxed) }
    }

    /// Checks `KVATLAS_THREADS`.
    /// - Throws: `KernelError` when it is no whole number of at least 1.
    public static func validateEnvironment() throws { _ = try requestedThreads() }

    /// Calls `body` once for each index below `count` and returns when all calls have.
    ///
    /// May be called from several threads and from within `body`. If calls
    /// throw, no further index is begun and the error of the lowest index is
    /// thrown, the same one for any number of threads.
    public static func forEach<Failure: Error>(
        _ count: Int,
        _ body: (Int) throws(Failure) -> Void
    ) throws(Failure) {
        let workers = min(threadCount, count)
        guard workers > 1 else {
            for index in 0..<max(0, count) { try body(index) }
            return
        }
        let job = Job<Failure>()
        withoutActuallyEscaping(body) { body in
            // The pointer outlives the call below, and `body` is safe to share by this function's contract.
            nonisolated(unsafe) let shared = body
            let run = {
                while let index = job.next(below: count) {
                    do throws(Failure) { try shared(index) } catch { job.fail(at: index, error) }
                }
            }
            // From within another region, or beside one.
            if !WorkerPool.shared.run(helpers: workers - 1, run) {
                nonisolated(unsafe) let run = run
                DispatchQueue.concurrentPerform(iterations: workers) { _ in run() }
            }
        }
        if let failure = job.firstFailure { throw failure }
    }

    /// Calls `body` for consecutive ranges of `size` indices that cover `0..<count`; the last may be shorter.
    public static func forEachBlock<Failure: Error>(
        of size: Int,
        in count: Int,
        _ body: (Range<Int>) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(size > 0, "block of \(size) indices")
        try forEach((count + size - 1) / size) { index throws(Failure) in
            try body(index * size..<min(count, (index + 1) * size))
        }
    }

    private static var activeCores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    private static func requestedThreads() throws -> Int? {
        guard let text = getenv(variable) else { return nil }
        return try parseThreadCount(String(cString: text))
    }

    package static func parseThreadCount(_ text: String) throws -> Int? {
        if text.isEmpty { return nil }
        guard let count = Int(text), count >= 1 else { throw KernelError.invalidThreadCount(text) }
        return count
    }
}

/// The state that the threads of one `forEach` share.
private final class Job<Failure: Error>: Sendable {
    private let begun = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)
    private let failure = Mutex<(index: Int, error: Failure)?>(nil)

    func next(below count: Int) -> Int? {
        if stopped.load(ordering: .relaxed) { return nil }
        let index = begun.wrappingAdd(1, ordering: .relaxed).oldValue
        return index < count ? index : nil
    }

    func fail(at index: Int, _ error: Failure) {
        failure.withLock { first in
            if let known = first, known.index < index { return }
            first = (index, error)
        }
        stopped.store(true, ordering: .relaxed)
    }

    var firstFailure: Failure? { failure.withLock { $0?.error } }
}
