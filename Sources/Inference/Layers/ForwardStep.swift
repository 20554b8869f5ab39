import Kernels

/// One block of tokens on its way through a layer: consecutive ones of each sequence.
struct ForwardStep {
    /// Of all sequences.
    let tokens: Int
    /// Position of the first token in its sequence, for taps, which see one sequence at a time.
    let firstPosition: Int
    /// Each covers the tokens of the block; in the order of the configuration's rotations.
    let rotations: [RotaryTable]
    /// One a sequence, all of the same accuracy.
    let caches: [any KVCache]
    /// Whether the tokens stay in the caches whatever comes of the step, so that they may be packed in it.
    let settles: Bool
    let tap: (any Tap)?
    let workspace: Workspace

    /// Tokens of each sequence.
    var rows: Int { tokens / caches.count }

    /// Adds `workspace.change` to the residual stream.
    func addChange(width: Int) {
        VectorMath.add(workspace.change.pointer, into: workspace.hidden, count: tokens * width)
    }
}

/// One layer of a decoder: reads and changes the residual stream in the step's workspace.
protocol DecoderBlock: Sendable {
    /// - Parameter isOutputNeeded: if not, the layer fills the cache and serves the taps, and leaves the
    ///   residual stream as it is.
    /// - Throws: what the tap or the cache throws.
    func run(layer: Int, step: ForwardStep, isOutputNeeded: Bool) throws
}
