import TensorCore

/// The one median that ratios of channels refer to: over all channels of all heads of a layer's tensor,
/// the median of their absolute maxima.
struct TensorMedians {
    private struct Key: Hashable {
        let layer: Int
        let tensor: String
    }

    private var medians: [Key: Double] = [:]

    /// From `statistics-channel`, else from `outlier-channels`; empty where a run has neither.
    init(_ input: FigureInput) {
        if let table = input.optionalTable("statistics-channel"),
            ["layer", "tensor", "absolute_maximum"].allSatisfy({ table.index(of: $0) != nil })
        {
            var maxima: [Key: [Double]] = [:]
            for row in table.rowViews {
                guard let layer = row.integer("layer"), let tensor = row.string("tensor"),
                    let maximum = row.number("absolute_maximum")
                else { continue }
                maxima[Key(layer: layer, tensor: tensor), default: []].append(maximum)
            }
            medians = maxima.mapValues { median($0) }
        } else if let table = input.optionalTable("outlier-channels"),
            ["layer", "tensor", "absolute_maximum", "ratio_to_median"].allSatisfy({ table.index(of: $0) != nil })
        {
            for row in table.rowViews {
                guard let layer = row.integer("layer"), let tensor = row.string("tensor"),
                    let maximum = row.number("absolute_maximum"), let ratio = row.number("ratio_to_median"), ratio > 0
                else { continue }
                medians[Key(layer: layer, tensor: tensor)] = maximum / ratio
            }
        }
    }

    /// `nil` where nothing is known or the median is zero.
    subscript(layer layer: Int, tensor tensor: String) -> Double? {
        medians[Key(layer: layer, tensor: tensor)].flatMap { $0 > 0 ? $0 : nil }
    }
}
