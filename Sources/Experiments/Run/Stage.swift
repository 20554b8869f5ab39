/// A step of a run: what it depends on, what it reads, how it is done.
package struct Stage {
    package enum ID: String, CaseIterable, Codable, Sendable {
        case capture, calibration, statistics, magnitude, structure, errors, quality, decode, report

        var title: String {
            switch self {
            case .capture: "capture"
            case .calibration: "calibration"
            case .statistics: "statistics"
            case .magnitude: "magnitudes"
            case .structure: "structure"
            case .errors: "errors"
            case .quality: "quality"
            case .decode: "speed of generation"
            case .report: "figures and report"
            }
        }

        /// The stages whose files it reads.
        var reads: [ID] {
            switch self {
            case .capture, .calibration, .quality, .decode: []
            case .statistics, .magnitude, .structure: [.capture]
            case .errors: [.capture, .calibration]
            case .report: [.statistics, .magnitude, .structure, .errors, .quality, .decode]
            }
        }

        /// Whether its files may be gone as long as no stage that reads them has to run.
        var isDisposable: Bool { self == .capture }

        /// Whether its files may be made anew although somebody edited them: the report is also
        /// rewritten by `kvatlas report`.
        var isAlwaysReplaceable: Bool { self == .report }
    }

    /// Does the work; returns the files made, relative to the run's folder, and a line on what was done.
    package typealias Body = (_ progress: (Double) throws -> Void) throws -> (outputs: [String], summary: String)

    package let id: ID
    /// SHA-256 over the tool's version, the stage's settings and the fingerprints of what it reads.
    package let fingerprint: String
    package let body: Body

    package init(id: ID, fingerprint: String, body: @escaping Body) {
        self.id = id
        self.fingerprint = fingerprint
        self.body = body
    }
}
