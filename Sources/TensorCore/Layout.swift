/// What an axis of a tensor counts. Axes are named, never only numbered.
public enum Axis: String, Sendable, Hashable, Codable, CaseIterable {
    case layer
    case head
    case kvHead = "kv_head"
    case token
    case channel
    case vocabulary
}

/// The named axes of a dense row-major tensor; the last axis is contiguous.
public struct Layout: Sendable, Hashable, CustomStringConvertible {
    /// One axis and its length.
    public struct Dimension: Sendable, Hashable {
        public let axis: Axis
        public let size: Int

        public init(_ axis: Axis, _ size: Int) {
            self.axis = axis
            self.size = size
        }
    }

    public let dimensions: [Dimension]

    /// - Precondition: sizes are not negative and no axis is named twice.
    public init(_ dimensions: [Dimension]) {
        precondition(dimensions.allSatisfy { $0.size >= 0 }, "negative size in \(dimensions)")
        precondition(Set(dimensions.map(\.axis)).count == dimensions.count, "axis named twice in \(dimensions)")
        self.dimensions = dimensions
    }

    /// `[kv_head, token, channel]`, the block that schemes and metrics work on.
    public static func block(heads: Int, tokens: Int, channels: Int) -> Layout {
        Layout([Dimension(.kvHead, heads), Dimension(.token, tokens), Dimension(.channel, channels)])
    }

    /// Product of all sizes; 1 for no axes.
    public var elementCount: Int { dimensions.reduce(1) { $0 * $1.size } }

    /// Length along `axis`, or `nil` if there is no such axis.
    public func size(of axis: Axis) -> Int? { dimensions.first { $0.axis == axis }?.size }

    /// Elements between neighbours along `axis`, or `nil` if there is no such axis.
    public func stride(of axis: Axis) -> Int? {
        guard let index = dimensions.firstIndex(where: { $0.axis == axis }) else { return nil }
        return dimensions[(index + 1)...].reduce(1) { $0 * $1.size }
    }

    public var description: String {
        "[" + dimensions.map { "\($0.axis.rawValue) \($0.size)" }.joined(separator: ", ") + "]"
    }
}
