import Synchronization

/// A mutex for what is made once and kept.
final class Lock: Sendable {
    private let mutex = Mutex(())
    func with<Result>(_ body: () -> Result) -> Result { mutex.withLock { _ in body() } }
}
