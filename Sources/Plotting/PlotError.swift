/// A plot that cannot be drawn, said at construction and by the name of the channel.
public enum PlotError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The mark needs a channel that was not given or is empty.
    case missingChannel(mark: String, channel: String)
    /// Two channels of one mark have different lengths.
    case lengthMismatch(mark: String, channel: String, count: Int, other: String, otherCount: Int)
    /// A logarithmic axis was given a value that has no logarithm.
    case notPositive(mark: String, channel: String, index: Int, value: Double)
    /// Names on a numeric axis, or numbers on a band axis.
    case wrongKind(mark: String, channel: String, expected: String)
    /// A panel without one finite value to draw.
    case nothingToDraw(panel: String)
    /// A plot without panels.
    case noPanels
    /// A grid larger than a surface or a heat map is meant to show.
    case tooManyCells(panel: String, count: Int, limit: Int)

    public var description: String {
        switch self {
        case .missingChannel(let mark, let channel):
            "\(mark): missing channel value: \(channel)"
        case .lengthMismatch(let mark, let channel, let count, let other, let otherCount):
            "\(mark): channel \(channel) has \(count) values; expected \(otherCount), as channel \(other) has"
        case .notPositive(let mark, let channel, let index, let value):
            "\(mark): channel \(channel) is \(value) at index \(index); expected a positive number on a logarithmic axis\n"
                + "  Leave such values out, or use a linear axis."
        case .wrongKind(let mark, let channel, let expected):
            "\(mark): channel \(channel) does not suit its axis; expected \(expected)"
        case .nothingToDraw(let panel):
            "panel '\(panel)': there is no finite value to draw"
        case .noPanels:
            "the plot has no panels; expected at least one"
        case .tooManyCells(let panel, let count, let limit):
            "panel '\(panel)': \(count) cells; expected at most \(limit)\n  Reduce the grid first, by maximum where peaks matter."
        }
    }
}
