import Kernels

/// The results of `count` work items, in their order.
func parallelMap<Result>(_ count: Int, _ body: (Int) throws -> Result) rethrows -> [Result] {
    var results = [Result?](repeating: nil, count: count)
    try results.withUnsafeMutableBufferPointer { slots in
        nonisolated(unsafe) let slots = slots
        try Parallel.forEach(count) { slots[$0] = try body($0) }
    }
    return results.compactMap { $0 }
}
