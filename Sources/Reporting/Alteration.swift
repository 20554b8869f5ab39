/// A file of a run that is not as the run left it, so that what is shown of it is not what was computed.
///
/// Whoever knows the run's checksums finds these; a report, a notebook and LaTeX tables say them.
public struct Alteration: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// Its checksum differs from the one noted when it was made.
        case changed
        /// It was made and is gone.
        case missing
        /// No stage of the run made it.
        case foreign
        /// The stage that writes it was cut short, so nothing vouches for it.
        case unfinished
    }

    /// Relative to the run's folder: `tables/errors.csv`.
    public let file: String
    public let kind: Kind

    public init(file: String, kind: Kind) {
        self.file = file
        self.kind = kind
    }

    /// What happened, without the file's name.
    public var problem: String {
        switch kind {
        case .changed: "was changed after the run made it"
        case .missing: "was made by the run and is gone"
        case .foreign: "was not made by the run"
        case .unfinished: "belongs to a stage that was cut short"
        }
    }

    /// `tables/errors.csv was changed after the run made it`.
    public var sentence: String { "\(file) \(problem)" }

    /// What to do about any number of these.
    public static let remedy =
        "'kvatlas run MANIFEST --out FOLDER --force' computes such files anew from the model; keep copies of edits elsewhere."
}
