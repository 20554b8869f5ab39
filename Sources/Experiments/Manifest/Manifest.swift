import Evaluation
import Reporting
import TensorCore

/// One experiment: a model, texts, what to capture, what to compute, what to draw.
///
/// Read from YAML by ``load(_:overrides:)``; ``resolvedYAML()`` writes it with every default
/// filled in. All paths are absolute after loading.
public struct Manifest: Sendable, Equatable {
    public struct Model: Sendable, Equatable {
        public var path: String
        /// For captions and tables.
        public var name: String
    }

    public struct Text: Sendable, Equatable {
        public var path: String
        public var name: String
    }

    public struct Output: Sendable, Equatable {
        /// Folder of the run.
        public var directory: String
        /// Whether `capture.h5` stays after the tables are made.
        public var keepsCapture = true
    }

    /// Kebab-case; also the name of the run's folder unless `output.directory` says otherwise.
    public var name: String
    public var description: String
    public var model: Model
    public var texts: [Text]
    public var capture = CaptureJob.Settings()
    public var statistics = StatisticsStudySettings()
    public var magnitude = MagnitudeStudySettings()
    /// `nil` unless asked for.
    public var structure: StructureStudySettings?
    public var errors = ErrorStudySettings()
    /// What schemes learn from, if one must.
    public var calibration: Calibration?
    /// Whether a capture is made and studied: it is, unless only live studies are asked for.
    public var hasCapture = true
    public var quality: QualityJobSettings?
    public var decode: DecodeJobSettings?
    public var figures: [FigureRequest]
    public var output: Output
    /// The file it was read from.
    public let path: String
}
