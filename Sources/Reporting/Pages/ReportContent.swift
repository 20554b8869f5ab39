import TensorCore

/// Everything that a report shows.
public struct ReportContent: Sendable {
    /// One figure of the report.
    public struct FigureEntry: Sendable {
        public let id: String
        /// SVG with ids that no other figure of the page has.
        public let svg: String
        /// Path of the figure as a file of its own, from the report's folder.
        public let file: String

        /// What the figure says is seen, as it stands in the SVG: escaped already.
        var escapedTitle: String {
            guard let start = svg.range(of: "<title"), let open = svg[start.upperBound...].range(of: ">"),
                let end = svg[open.upperBound...].range(of: "</title>")
            else { return HTMLWriter.escaped(id) }
            return String(svg[open.upperBound..<end.lowerBound])
        }
    }

    /// A figure that was asked for and could not be drawn.
    public struct MissingFigure: Sendable, Equatable {
        public let id: String
        public let reason: String
    }

    public let name: String
    public let context: FigureContext
    public let verdicts: [Verdict]
    /// By name.
    public let tables: [String: Table]
    public let figures: [FigureEntry]
    public let missingFigures: [MissingFigure]
    /// The manifest that ran, as text.
    public let manifest: String?
    public let provenance: JSONValue?
    /// Files that are no longer as the run left them.
    public let alterations: [Alteration]
}
