/// Dense float32 values with named axes, row-major.
public struct Tensor: Sendable, Equatable {
    public let layout: Layout
    public var elements: [Float]

    /// - Precondition: as many elements as the layout has places.
    public init(layout: Layout, elements: [Float]) {
        precondition(
            elements.count == layout.elementCount,
            "\(elements.count) elements for \(layout), which has \(layout.elementCount) places"
        )
        self.layout = layout
        self.elements = elements
    }

    /// A tensor with every element equal to `value`.
    public init(repeating value: Float, layout: Layout) {
        self.init(layout: layout, elements: [Float](repeating: value, count: layout.elementCount))
    }

    /// The contiguous elements of one index along the first axis, e.g. one head of `[kv_head, token, channel]`.
    public subscript(first index: Int) -> ArraySlice<Float> {
        guard let first = layout.dimensions.first else { return elements[...] }
        precondition(index >= 0 && index < first.size, "index \(index) outside \(layout)")
        let count = elements.count / first.size
        return elements[index * count..<(index + 1) * count]
    }
}
