import Foundation

/// Seconds that one input of up to 64 KB may take.
private let longestSeconds = 1.0

/// What libFuzzer calls. The target's `readOneInput` is timed by the thread's own clock, which other work on the
/// machine does not move; an input that never ends is left to libFuzzer's. What it holds in memory at a time is counted
/// at each allocation, so that a length which a file only claims is seen however soon it is given back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    Heap.count()
    let begin = threadSeconds()
    readOneInput(start, count)
    let seconds = threadSeconds() - begin
    if seconds > longestSeconds { fatalError("an input of \(count) bytes took \(seconds) s") }
    let bytes = Heap.peakBytes
    if bytes > mostBytes(ofInput: count) { fatalError("an input of \(count) bytes took \(bytes) bytes of memory") }
    return 0
}

/// Memory in proportion to the input, whatever lengths it claims: the most that one byte of text becomes is half a
/// number of a list, an element of an array that has just grown. The rest is what each parser sets up.
private func mostBytes(ofInput count: Int) -> Int { 64 * count + (1 << 18) }

private func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Bytes on the heap, by the address sanitizer's own hooks.
private enum Heap {
    nonisolated(unsafe) private static var isHooked = false
    nonisolated(unsafe) private static var liveBytes = 0
    nonisolated(unsafe) private(set) static var peakBytes = 0

    /// Begins to count from nothing.
    static func count() {
        if !isHooked {
            isHooked = true
            // Neither may allocate.
            _ = installHooks(
                { _, size in
                    Heap.liveBytes += size
                    if Heap.liveBytes > Heap.peakBytes { Heap.peakBytes = Heap.liveBytes }
                },
                // What was there before the count began may be freed too.
                { address in Heap.liveBytes = max(0, Heap.liveBytes - (address.map(allocatedSize) ?? 0)) }
            )
        }
        liveBytes = 0
        peakBytes = 0
    }
}

@_silgen_name("__sanitizer_install_malloc_and_free_hooks")
private func installHooks(
    _ allocated: @convention(c) (UnsafeRawPointer?, Int) -> Void,
    _ freed: @convention(c) (UnsafeRawPointer?) -> Void
) -> CInt

@_silgen_name("__sanitizer_get_allocated_size")
private func allocatedSize(_ address: UnsafeRawPointer) -> Int
