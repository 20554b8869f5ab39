import Foundation

/// A thread that appends blocks to the file in their order, so that inference does not wait for the disk.
///
/// Takes all blocks that wait, appends them and flushes, at the latest after
/// ``bytesPerFlush``: a writer that never catches up must still leave what a
/// killed recording or a full disk can keep. Unchecked, because the condition
/// guards all that changes.
final class CaptureWriter: @unchecked Sendable {
    private static let bytesPerFlush = 4 << 20

    private let store: CaptureStore
    private let byteLimit: Int
    private let condition = NSCondition()
    private var waiting: [CaptureBlock] = []
    private var bytesInMemory = 0
    private var isClosing = false
    private var hasEnded = false
    private var failure: (any Error)?

    /// - Parameter byteLimit: `enqueue` waits while more than this is in memory.
    init(store: CaptureStore, byteLimit: Int) {
        self.store = store
        self.byteLimit = byteLimit
        let thread = Thread { [self] in run() }
        thread.name = "capture writer"
        thread.start()
    }

    /// Hands over a block; waits for room.
    ///
    /// - Throws: what an earlier block met.
    func enqueue(_ block: CaptureBlock) throws {
        condition.lock()
        defer { condition.unlock() }
        while failure == nil, bytesInMemory > 0, bytesInMemory + block.byteCount > byteLimit { condition.wait() }
        if let failure { throw failure }
        waiting.append(block)
        bytesInMemory += block.byteCount
        condition.broadcast()
    }

    /// Throws what a block met so far.
    func check() throws {
        if let failure = condition.withLock({ failure }) { throw failure }
    }

    /// Waits until all blocks are written and the thread has ended.
    ///
    /// - Throws: what a block met; the file is still open then.
    func drain() throws {
        condition.lock()
        defer { condition.unlock() }
        isClosing = true
        condition.broadcast()
        while !hasEnded { condition.wait() }
        if let failure { throw failure }
    }

    private func run() {
        while let blocks = nextBlocks() {
            do {
                var unflushedBytes = 0
                for block in blocks {
                    try store.append(block)
                    release(block.byteCount)
                    unflushedBytes += block.byteCount
                    if unflushedBytes >= Self.bytesPerFlush {
                        try store.flush()
                        unflushedBytes = 0
                    }
                }
                try store.flush()
            } catch {
                fail(CaptureError.writing(error, path: store.path, tokens: store.flushedTokens))
                break
            }
        }
        condition.withLock {
            hasEnded = true
            condition.broadcast()
        }
    }

    /// Waits for blocks; `nil` when there will be no more.
    private func nextBlocks() -> [CaptureBlock]? {
        condition.lock()
        defer { condition.unlock() }
        while waiting.isEmpty, !isClosing { condition.wait() }
        guard !waiting.isEmpty else { return nil }
        defer { waiting = [] }
        return waiting
    }

    private func release(_ bytes: Int) {
        condition.withLock {
            bytesInMemory -= bytes
            condition.broadcast()
        }
    }

    private func fail(_ error: any Error) {
        condition.withLock {
            failure = error
            waiting = []
            bytesInMemory = 0
            condition.broadcast()
        }
    }
}
