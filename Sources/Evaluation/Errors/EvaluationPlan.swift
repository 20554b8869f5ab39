import Quantization

/// Cache schemes, and the distinct key sides and value sides of which they are made.
struct EvaluationPlan {
    let schemes: [CacheScheme]
    /// One cache scheme for each distinct key side, and the same for values.
    let keySides: [CacheScheme]
    let valueSides: [CacheScheme]
    /// For each scheme, its place in `keySides`, and the same for values.
    let keySide: [Int]
    let valueSide: [Int]

    init(schemes: [CacheScheme]) {
        self.schemes = schemes
        (keySides, keySide) = Self.distinct(schemes, side: .key)
        (valueSides, valueSide) = Self.distinct(schemes, side: .value)
    }

    /// The schemes that use a key side.
    func schemes(withKeySide side: Int) -> [Int] { schemes.indices.filter { keySide[$0] == side } }

    /// Plans of some schemes each, such that the reconstructions of one fit into `budget` bytes.
    ///
    /// A scheme that alone is larger has a plan of its own.
    func passes(bytesPerSide: Int, budget: Int) -> [EvaluationPlan] {
        var passes: [EvaluationPlan] = []
        var current: [CacheScheme] = []
        for scheme in schemes {
            let wider = EvaluationPlan(schemes: current + [scheme])
            if !current.isEmpty, (wider.keySides.count + wider.valueSides.count) * bytesPerSide > budget {
                passes.append(EvaluationPlan(schemes: current))
                current = []
            }
            current.append(scheme)
        }
        if !current.isEmpty { passes.append(EvaluationPlan(schemes: current)) }
        return passes
    }

    private static func distinct(_ schemes: [CacheScheme], side: CacheSide) -> ([CacheScheme], [Int]) {
        var sides: [CacheScheme] = []
        var placeOfID: [String: Int] = [:]
        let places = schemes.map { scheme in
            let id = scheme.sideID(side)
            if let place = placeOfID[id] { return place }
            placeOfID[id] = sides.count
            sides.append(scheme)
            return sides.count - 1
        }
        return (sides, places)
    }
}
