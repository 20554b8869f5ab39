import Kernels

/// Where the data of a benchmark lie while it is timed.
public enum Residence: String, Sendable, Codable, CaseIterable {
    /// Many times the last-level cache: every run reads memory.
    case memory
    /// Within one core's second-level cache.
    case cache
}

/// The sizes of one run of benchmarks at one residence, and the data that several of them share.
package final class Workload {
    package let residence: Residence
    /// Of each head.
    package let tokens: Int
    package let headDim: Int
    package let kvHeads: Int
    private var data: [String: AnyObject] = [:]

    package init(residence: Residence, tokens: Int, headDim: Int, kvHeads: Int) {
        self.residence = residence
        self.tokens = tokens
        self.headDim = headDim
        self.kvHeads = kvHeads
    }

    /// - Parameter tokens: of each head at `.memory`; at `.cache` as many as fit.
    /// - Throws: `BenchmarkError.tooLarge` for a head that would fill the machine's memory.
    package convenience init(residence: Residence, tokens: Int, headDim: Int, sizes: CacheSizes = .current) throws {
        // Keys and values of a token in float16.
        let (bytesPerToken, overflow) = headDim.multipliedReportingOverflow(by: 4)
        guard !overflow else { throw BenchmarkError.tooLarge(tokens: tokens, headDim: headDim) }
        switch residence {
        case .memory:
            // With the float32 rival, twice as large, and the plain read this fills half of the memory.
            let (head, overflow) = tokens.multipliedReportingOverflow(by: bytesPerToken)
            guard !overflow, head <= sizes.memory / 8 else {
                throw BenchmarkError.tooLarge(tokens: tokens, headDim: headDim)
            }
            // Sixteen times the last level, so that even 1-bit codes exceed it.
            let wanted = min(max(512 << 20, 16 * sizes.lastLevel), sizes.memory / 8)
            self.init(
                residence: residence,
                tokens: tokens,
                headDim: headDim,
                kvHeads: max(1, min((wanted + head - 1) / head, sizes.memory / 8 / head))
            )
        case .cache:
            // Half of the second level, which leaves room for what a kernel keeps beside the cache.
            let fitting = max(1, sizes.secondLevel / 2 / bytesPerToken)
            self.init(residence: residence, tokens: min(tokens, fitting), headDim: headDim, kvHeads: 1)
        }
    }

    /// Elements of all keys, and of all values.
    var elementCount: Int { kvHeads * tokens * headDim }

    /// Bytes of keys and values in float16.
    package var float16Bytes: Int { 4 * elementCount }

    /// What plain reads read, apart from all data; as large as keys and values in float16.
    private(set) lazy var readMemory = AlignedMemory(count: elementCount, repeating: SampleData.floats)

    /// Data made once for all benchmarks of a group, under a name of their own.
    func shared<Data: AnyObject>(_ name: String, _ make: () throws -> Data) rethrows -> Data {
        if let known = data[name] as? Data { return known }
        let made = try make()
        data[name] = made
        return made
    }

    /// Forgets what `shared` keeps.
    func release() { data = [:] }

    /// Keys and values as [kv_head, token, channel].
    func cache(_ precision: Attention.Precision) -> FullPrecisionCache {
        shared("cache-\(precision)") { FullPrecisionCache(precision, elementCount: elementCount) }
    }
}

/// Keys and values of all heads in full precision, [kv_head, token, channel].
final class FullPrecisionCache {
    let keys: AlignedMemory
    let values: AlignedMemory
    let precision: Attention.Precision

    init(_ precision: Attention.Precision, elementCount: Int) {
        self.precision = precision
        func make() -> AlignedMemory {
            switch precision {
            case .float16: AlignedMemory(count: elementCount, repeating: SampleData.halves)
            case .float32: AlignedMemory(count: elementCount, repeating: SampleData.floats)
            }
        }
        keys = make()
        values = make()
    }

    func view(_ side: AlignedMemory, of workload: Workload) -> Attention.CacheView {
        let headStride = workload.tokens * workload.headDim, tokenStride = workload.headDim
        return switch precision {
        case .float16:
            Attention.CacheView(float16: side.elements(UInt16.self), headStride: headStride, tokenStride: tokenStride)
        case .float32:
            Attention.CacheView(float32: side.elements(Float.self), headStride: headStride, tokenStride: tokenStride)
        }
    }
}
