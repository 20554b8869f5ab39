import Plotting

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Schemes or caches by what they take and what they lose, and those of them that no other beats in both.
struct ParetoFront {
    struct Point {
        let name: String
        let bits: Double
        /// What is lost, lower is better.
        let loss: Double
    }

    /// All points.
    let points: [Point]
    /// Those that no other beats, by bits.
    let front: [Point]

    init(_ points: [Point]) {
        self.points = points
        var front: [Point] = []
        for point in points.sorted(by: { ($0.bits, $0.loss) < ($1.bits, $1.loss) })
        where point.loss < front.last?.loss ?? .infinity { front.append(point) }
        self.front = front
    }

    /// Points, the front as a line, and its names above that line.
    ///
    /// - Parameter series: what one point is.
    func marks(series: String, isLogarithmic: Bool) throws -> [any Mark] {
        let (x, y) = (front.map { $0.bits }, front.map { $0.loss })
        return [
            try PointMark(
                x: .numbers(points.map { $0.bits }),
                y: .numbers(points.map { $0.loss }),
                series: series,
                radius: 2.5
            ),
            try LineMark(x: x, y: y, series: "no other is better", showsPoints: true),
            try LabelMark(
                x: .numbers(x),
                y: .numbers(y),
                texts: front.map { SchemeName.short($0.name) },
                ground: isLogarithmic ? line({ log($0) }, { exp($0) }) : line({ $0 }, { $0 })
            ),
        ]
    }

    /// Places along the line as it is drawn: straight on its axis.
    private func line(_ onAxis: (Double) -> Double, _ back: (Double) -> Double) -> (x: [Double], y: [Double]) {
        var x: [Double] = [], y: [Double] = []
        for (from, to) in zip(front, front.dropFirst()) {
            for step in 0...16 {
                let along = Double(step) / 16
                x.append(from.bits + along * (to.bits - from.bits))
                y.append(back(onAxis(from.loss) + along * (onAxis(to.loss) - onAxis(from.loss))))
            }
        }
        return (x, y)
    }
}
