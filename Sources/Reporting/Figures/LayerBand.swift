import Plotting
import TensorCore

/// One quantity by layer: the mean over heads as a line, the range over heads as a soft band.
struct LayerBand {
    private(set) var layers: [Int] = []
    private(set) var means: [Double] = []
    private var lows: [Double] = []
    private var highs: [Double] = []

    /// - Parameter samples: one a head of a layer; what is not finite is left out.
    init(_ samples: [(layer: Int, value: Double)]) {
        let byLayer = Dictionary(grouping: samples.filter { $0.value.isFinite }) { $0.layer }
        for (layer, own) in byLayer.sorted(by: { $0.key < $1.key }) {
            let values = own.map { $0.value }
            layers.append(layer)
            means.append(values.reduce(0, +) / Double(values.count))
            lows.append(values.min() ?? .nan)
            highs.append(values.max() ?? .nan)
        }
    }

    var isEmpty: Bool { layers.isEmpty }

    func marks(series: String) throws -> [any Mark] {
        guard !isEmpty else { return [] }
        let x = layers.map { Double($0) }
        let line = try LineMark(x: x, y: means, series: series, showsPoints: layers.count <= 40)
        // A band of no width would only thicken the line.
        guard zip(lows, highs).contains(where: { $0 < $1 }), layers.count > 1 else { return [line] }
        return [line, try AreaMark(x: x, low: lows, high: highs, series: series)]
    }
}

extension Plotting.Axis {
    /// Layers, whole numbers with half a layer of room on either side.
    static func layers(_ layers: [Int], hasTitle: Bool = true) -> Plotting.Axis {
        let (low, high) = (Double(layers.min() ?? 0), Double(layers.max() ?? 0))
        return Axis(
            hasTitle ? "Layer" : "",
            domain: (low - 0.5)...(high + 0.5),
            integersOnly: true,
            showsGrid: false
        )
    }
}
