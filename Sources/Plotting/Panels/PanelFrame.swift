/// Where and with which scales a mark draws.
public struct PanelFrame: Sendable {
    /// The data area in pixels.
    public let area: Rect
    public let x: PositionScale
    public let y: PositionScale
    let seriesIndex: [String: Int]

    /// Number of a series, which sets its colour, dash and shape; `nil` for marks in the plain ink.
    public func index(of series: String?) -> Int? { series.flatMap { seriesIndex[$0] } }

    /// Class names that stroke in the colour of a series.
    func stroke(_ series: String?) -> String { index(of: series).map(SeriesPalette.className) ?? "s" }

    /// Class name that fills in the colour of a series.
    func fill(_ series: String?) -> String {
        index(of: series).map { "f\($0 % SeriesPalette.colorCount)" } ?? "f"
    }

    func dash(_ series: String?) -> String { index(of: series).map(SeriesPalette.dash) ?? "" }
    func shape(_ series: String?) -> PointShape { index(of: series).map(SeriesPalette.shape) ?? .circle }

    /// Pixels of one datum, or `nil` where a value is not finite.
    func point(_ xs: Channel, _ ys: Channel, _ index: Int) -> (x: Double, y: Double)? {
        guard let px = Self.position(xs, index, x), let py = Self.position(ys, index, y) else { return nil }
        return (px, py)
    }

    static func position(_ channel: Channel, _ index: Int, _ scale: PositionScale) -> Double? {
        switch channel {
        case .numbers(let values): values[index].isFinite ? scale(values[index]) : nil
        case .names(let values): scale.index(of: values[index]).map { scale(Double($0)) }
        }
    }
}
