import Reporting
import TensorCore
import Testing

struct FigureSnapshotTests {
    /// Every figure that there is.
    static let ids = FigureCatalogue.every.map { $0.id }
    static let plain = SyntheticTables.plain.everything
    static let outliers = SyntheticTables.outliers.everything
    static let plainContext = FigureContext(model: "synthetic 30-layer model", text: "seeded noise", tokens: 2048)
    static let outlierContext = FigureContext(
        model: "synthetic 24-layer model with outlier channels and a name as long as some people give their files",
        text: "seeded noise",
        tokens: 2048
    )

    @Test(arguments: ids)
    func figureOfAPlainModelIsUnchanged(id: String) throws {
        let svg = try FigureCatalogue.figure(id: id, tables: Self.plain, context: Self.plainContext)
        #expect(svg.utf8.count < 500_000)
        try Snapshot.compare(svg, "\(id)-plain")
    }

    @Test(arguments: ids)
    func figureOfAModelWithOutliersIsUnchanged(id: String) throws {
        let svg = try FigureCatalogue.figure(id: id, tables: Self.outliers, context: Self.outlierContext)
        #expect(svg.utf8.count < 500_000)
        try Snapshot.compare(svg, "\(id)-outliers")
    }

    @Test(arguments: ["magnitude-surface", "magnitude-heatmap", "channel-profile"])
    func figureOfOneLayerAndTensorFillsTheWidth(id: String) throws {
        let svg = try FigureCatalogue.figure(
            id: id,
            tables: Self.outliers,
            context: Self.outlierContext,
            selection: FigureSelection(layer: 17, head: 0, tensor: "key")
        )
        try Snapshot.compare(svg, "\(id)-single")
    }

    @Test(arguments: ["magnitude-surface", "magnitude-heatmap"])
    func statesOfOneVectorShareOneScale(id: String) throws {
        let table = SyntheticTables.outliers.magnitudeStates
        let svg = try FigureCatalogue.figure(
            id: id,
            tables: ["magnitude": table],
            context: Self.outlierContext,
            selection: FigureSelection(layers: [0, 17], tensors: ["key_pre_rope", "key", "key_rotated"])
        )
        #expect(svg.utf8.count < 500_000)
        #expect(svg.contains("panels of |K| of one layer share one"))
        try Snapshot.compare(svg, "\(id)-states")
    }

    @Test func aStatisticIsChosenByItsColumn() throws {
        let svg = try FigureCatalogue.figure(
            id: "layer-head-heatmap",
            tables: Self.outliers,
            context: Self.outlierContext,
            selection: FigureSelection(layer: nil, tensor: "key", statistic: "excess_kurtosis")
        )
        try Snapshot.compare(svg, "layer-head-heatmap-kurtosis")
    }
}
