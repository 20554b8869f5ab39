/// The values of one channel of a mark: numbers, or names for a band axis.
public enum Channel: Sendable, Equatable {
    case numbers([Double])
    case names([String])

    public var count: Int {
        switch self {
        case .numbers(let values): values.count
        case .names(let values): values.count
        }
    }
}

/// One channel with its name and the axis that it belongs to.
public struct MarkChannel: Sendable {
    public enum Direction: Sendable { case x, y }

    public let name: String
    public let direction: Direction
    public let values: Channel

    public init(_ name: String, _ direction: Direction, _ values: Channel) {
        self.name = name
        self.direction = direction
        self.values = values
    }
}

/// How a legend shows a series.
public enum LegendSymbol: Sendable, Equatable {
    case line, lineWithPoints, point, swatch
}

/// A layer of a panel: data in channels, drawn through the panel's scales.
///
/// Marks check themselves when they are made and throw ``PlotError`` by the
/// name of the channel, so that drawing cannot fail.
public protocol Mark: Sendable {
    /// Name used in errors.
    var name: String { get }
    /// Channels from which the panel's scales learn their limits.
    var channels: [MarkChannel] { get }
    /// The series that the mark belongs to; it sets colour, dash and shape, and appears in the legend.
    var series: String? { get }
    var symbol: LegendSymbol { get }
    /// Colour ramps that the mark draws with.
    var ramps: Set<ColorRamp> { get }
    /// Room that the mark needs at the right of the data, in pixels.
    var trailingWidth: Double { get }

    func draw(in frame: PanelFrame, to writer: inout SVGWriter)
}

extension Mark {
    public var series: String? { nil }
    public var symbol: LegendSymbol { .line }
    public var ramps: Set<ColorRamp> { [] }
    public var trailingWidth: Double { 0 }

    /// Checks that channels are there and equally long.
    func checkLengths(_ channels: [(name: String, values: Channel)]) throws {
        guard let first = channels.first else { return }
        for channel in channels {
            guard channel.values.count > 0 else { throw PlotError.missingChannel(mark: name, channel: channel.name) }
            guard channel.values.count == first.values.count else {
                throw PlotError.lengthMismatch(
                    mark: name,
                    channel: channel.name,
                    count: channel.values.count,
                    other: first.name,
                    otherCount: first.values.count
                )
            }
        }
    }
}
