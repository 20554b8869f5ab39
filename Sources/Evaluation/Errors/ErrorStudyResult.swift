import Quantization
import TensorCore

/// The tables of an error study.
public struct ErrorStudyResult: Sendable {
    /// One row a layer, head, quantized part, scheme and metric.
    public let errors: Table
    /// The same as a mean over heads.
    public let errorsByLayer: Table
    /// Mean over layers and heads, laid out as KIVI's Table 2.
    public let paperTable2: Table
    /// Round-to-nearest with scales per token beside scales per channel, in each layer.
    public let perTokenVersusPerChannel: Table

    /// Cache schemes evaluated, the control included.
    public let schemes: [CacheScheme]
    /// What was left out and why, for people.
    public internal(set) var warnings: [String]

    public var tables: [Table] { [errors, errorsByLayer, paperTable2, perTokenVersusPerChannel] }

    init(
        _ collector: ErrorCollector,
        settings: ErrorStudySettings,
        calibration: CalibrationSet?,
        warnings: [String]
    ) {
        schemes = collector.plan.schemes
        self.warnings = warnings
        errors = ErrorTables.errors(collector, settings: settings, calibration)
        errorsByLayer = ErrorTables.byLayer(collector)
        let comparisons = AxisComparison.all(in: collector)
        perTokenVersusPerChannel = AxisComparison.table(comparisons, collector)
        paperTable2 = PaperTable2.table(comparisons, collector)
    }
}
