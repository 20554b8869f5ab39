/// Which layers of two models are held side by side.
struct LayerPairing: Equatable {
    struct Pair: Hashable {
        let a: Int
        let b: Int
        /// 0 for the first layer of the first model, 1 for its last.
        let depth: Double
    }

    /// In the order of the first model's layers.
    let pairs: [Pair]
    /// Models of as many layers: a layer stands beside the one of its number. Else beside the one nearest in depth.
    let isByNumber: Bool
    let onlyInA: [Int]
    let onlyInB: [Int]

    /// - Parameters:
    ///   - a: layers that are there, rising; `b` likewise.
    ///   - layersA: layers of the whole model; taken to be as many as `b`'s if either is unknown.
    init(_ a: [Int], of layersA: Int?, _ b: [Int], of layersB: Int?) {
        func depth(_ layer: Int, _ layers: Int) -> Double { layers > 1 ? Double(layer) / Double(layers - 1) : 0 }
        isByNumber = layersA == nil || layersB == nil || layersA == layersB
        guard !isByNumber, let layersA, let layersB else {
            let layers = layersA ?? layersB ?? ((a + b).max() ?? 0) + 1
            pairs = a.filter { b.contains($0) }.map { Pair(a: $0, b: $0, depth: depth($0, layers)) }
            onlyInA = a.filter { !b.contains($0) }
            onlyInB = b.filter { !a.contains($0) }
            return
        }
        pairs = a.compactMap { layer in
            let own = depth(layer, layersA)
            // Of two as near the first, which is the shallower.
            let nearest = b.min { abs(depth($0, layersB) - own) < abs(depth($1, layersB) - own) }
            return nearest.map { Pair(a: layer, b: $0, depth: own) }
        }
        onlyInA = []
        onlyInB = []
    }
}
