import TensorCore

/// One number that describes a set of elements of a key, value or query tensor.
///
/// A statistic is read off a `Distribution`, never off the elements, so that any
/// number of them costs one pass. To add one, write its type in `Statistics/`
/// and list it in `StatisticCatalogue.all`.
public protocol Statistic: Sendable {
    /// Name of the column, snake_case, permanent.
    var id: String { get }
    /// `.integer` or `.number`.
    var kind: Table.Kind { get }
    /// For example `element`; empty for values in the tensor's own unit and for shares.
    var unit: String { get }
    /// The exact definition, as printed by `kvatlas list statistics` and beside each table.
    var definition: String { get }
    /// The grains for which it says something.
    var grains: Set<Grain> { get }

    /// Its value, `.missing` where the definition gives none.
    func value(of distribution: Distribution, in tensor: TensorContext) -> Table.Value
}

extension Statistic {
    public var unit: String { "" }
    public var grains: Set<Grain> { Set(Grain.allCases) }
}

/// What a statistic may need to know of the layer's whole tensor.
public struct TensorContext: Sendable {
    /// All heads, tokens and channels of the tensor together.
    public let moments: CentralMoments
    /// Absolute maximum of each channel of the set, [head · channel]; `nil` where a channel has no finite element.
    public let channelAbsoluteMaxima: [Double?]
    /// Median of the absolute maxima over all head · channels of the tensor; `nil` without finite elements.
    public let medianChannelAbsoluteMaximum: Double?

    /// - Parameter channelAbsoluteMaxima: of all head · channels of the tensor.
    public init(moments: CentralMoments, channelAbsoluteMaxima: [Double?]) {
        self.moments = moments
        self.channelAbsoluteMaxima = channelAbsoluteMaxima
        medianChannelAbsoluteMaximum = median(channelAbsoluteMaxima.compactMap { $0 })
    }

    private init(_ tensor: TensorContext, channels: Range<Int>) {
        moments = tensor.moments
        channelAbsoluteMaxima = Array(tensor.channelAbsoluteMaxima[channels])
        medianChannelAbsoluteMaximum = tensor.medianChannelAbsoluteMaximum
    }

    /// The same tensor, looking at some of its channels only.
    func restricted(to channels: Range<Int>) -> TensorContext { TensorContext(self, channels: channels) }
}

/// The middle value, or the mean of the two middle ones.
func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}

extension Table.Value {
    /// `.missing` for `nil`.
    package init(_ number: Double?) { self = number.map(Table.Value.number) ?? .missing }
}
