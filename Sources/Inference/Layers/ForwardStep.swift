import Kernels

/// One block of consecutive tokens on its way through all layers.
struct ForwardStep {
    let tokens: Int
    /// Position of the first token in the sequence.
    let firstPosition: Int
    /// Covers the positions of the block.
    let rotation: RotaryTable
    let cache: any KVCache
    let tap: (any Tap)?
    let workspace: Workspace
}

/// One layer of a decoder: reads and changes the residual stream in the step's workspace.
protocol DecoderBlock: Sendable {
    /// - Parameter isOutputNeeded: if not, the layer fills the cache and serves the taps, and leaves the
    ///   residual stream as it is.
    /// - Throws: what the tap or the cache throws.
    func run(layer: Int, step: ForwardStep, isOutputNeeded: Bool) throws
}
