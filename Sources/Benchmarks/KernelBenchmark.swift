/// One kernel to be timed: what it is called, what it does, and how to set it up at given sizes.
public struct KernelBenchmark: Sendable {
    /// Permanent, lower-case, kebab: `attention-float16-gqa4`.
    public let name: String
    /// Benchmarks of one group follow each other and share data.
    public let group: String
    /// What is done and which bytes are counted as moved.
    public let summary: String
    /// The benchmark of the same work over a float16 cache, with whose time this one's is compared.
    public let rival: String?
    /// Throws if there is no memory for its data.
    package let prepare: @Sendable (Workload) throws -> Prepared

    /// A benchmark with its data in place.
    package struct Prepared {
        /// Of one head; rows, for work that has no heads.
        package let tokens: Int
        /// Channels of one token; elements of a row, for work that has no heads.
        package let headDim: Int
        /// Bytes that one run must read and write, each counted once.
        package let bytes: Int
        /// Does the work once, on `Parallel.threadCount` threads.
        package let run: () -> Void

        init(tokens: Int, headDim: Int, bytes: Int, run: @escaping () -> Void) {
            self.tokens = tokens
            self.headDim = headDim
            self.bytes = bytes
            self.run = run
        }

        /// Of the workload's own tokens and channels.
        init(_ workload: Workload, bytes: Int, run: @escaping () -> Void) {
            self.init(tokens: workload.tokens, headDim: workload.headDim, bytes: bytes, run: run)
        }
    }

    init(
        _ name: String,
        group: String,
        rival: String? = nil,
        summary: String,
        prepare: @escaping @Sendable (Workload) throws -> Prepared
    ) {
        self.name = name
        self.group = group
        self.rival = rival
        self.summary = summary
        self.prepare = prepare
    }
}
