import Reporting
import TensorCore
import Testing

struct FigureSnapshotTests {
    static let plain = SyntheticTables.plain.all
    static let outliers = SyntheticTables.outliers.all
    static let plainContext = FigureContext(model: "synthetic 30-layer model", text: "seeded noise", tokens: 2048)
    static let outlierContext = FigureContext(
        model: "synthetic 24-layer model with outlier channels and a name as long as some people give their files",
        text: "seeded noise",
        tokens: 2048
    )

    @Test(arguments: FigureCatalogue.ids)
    func figureOfAPlainModelIsUnchanged(id: String) throws {
        let svg = try FigureCatalogue.figure(id: id, tables: Self.plain, context: Self.plainContext)
        #expect(svg.utf8.count < 500_000)
        try Snapshot.compare(svg, "\(id)-plain")
    }

    @Test(arguments: FigureCatalogue.ids)
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
}
