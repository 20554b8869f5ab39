import Foundation

/// Seconds that one input of up to 64 KB may take.
private let longestSeconds = 1.0

/// What libFuzzer calls. The target's `readOneInput` is timed by the thread's own clock, which other work on the
/// machine does not move; an input that never ends is left to libFuzzer's.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let begin = threadSeconds()
    readOneInput(start, count)
    let seconds = threadSeconds() - begin
    if seconds > longestSeconds { fatalError("an input of \(count) bytes took \(seconds) s") }
    return 0
}

private func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
