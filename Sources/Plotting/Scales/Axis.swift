/// What one direction of a panel means: title, unit, kind of scale, limits.
public struct Axis: Sendable {
    /// How values become positions.
    public enum Kind: String, Sendable {
        case linear, logarithmic
        /// Logarithmic both ways from zero, and nearly linear within ``Axis/linearWithin`` of it:
        /// for values of either sign and heavy tails.
        case symmetricLogarithmic
        /// One band a name, in the order in which the names first appear.
        case band
    }

    public var title: String
    public var kind: Kind
    /// Limits of the axis; without them they follow from the data.
    public var domain: ClosedRange<Double>?
    /// Whether zero is always shown; for lengths of bars and magnitudes.
    public var includesZero: Bool
    /// Whether ticks keep to whole numbers; for layers, tokens and channels.
    public var integersOnly: Bool
    public var showsGrid: Bool
    /// Where a symmetric logarithmic axis turns from linear to logarithmic; positive.
    public var linearWithin: Double
    /// Ticks instead of those at nice numbers; labels that would touch are left out.
    public var ticks: [Tick]?

    /// - Parameter unit: shown in brackets after the title; empty for pure numbers.
    public init(
        _ title: String,
        unit: String = "",
        kind: Kind = .linear,
        domain: ClosedRange<Double>? = nil,
        includesZero: Bool = false,
        integersOnly: Bool = false,
        showsGrid: Bool = true,
        linearWithin: Double = 1,
        ticks: [Tick]? = nil
    ) {
        self.title = unit.isEmpty ? title : "\(title) (\(unit))"
        self.kind = kind
        self.domain = domain
        self.includesZero = includesZero
        self.integersOnly = integersOnly
        self.showsGrid = showsGrid
        self.linearWithin = linearWithin > 0 ? linearWithin : 1
        self.ticks = ticks
    }
}
