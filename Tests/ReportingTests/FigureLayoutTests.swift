import Foundation
import Plotting
import Reporting
import TensorCore
import Testing

/// Checks over the text of a figure: what a reader would find ugly.
struct FigureLayoutTests {
    struct Label {
        let text: String
        let left: Double
        let right: Double
        let top: Double
        let bottom: Double
    }

    /// Font sizes by class; everything else is 11 pixels.
    private static let sizes = ["title": 17, "subtitle": 13, "panel": 12.5, "axis-title": 12, "caption": 11.5]

    /// Upright labels of an SVG with the boxes that they cover.
    static func labels(_ svg: String) -> [Label] {
        svg.matches(of: #/<text class="([^"]*)" x="([^"]*)" y="([^"]*)"( transform="[^"]*")?>([^<]*)<\/text>/#)
            .compactMap { match -> Label? in
                guard match.4 == nil, let x = Double(match.2), let y = Double(match.3) else { return nil }
                let classes = match.1.split(separator: " ")
                let size = sizes.first { classes.contains($0.key[...]) }?.value ?? 11
                let text = String(match.5).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing(
                    "&amp;",
                    with: "&"
                )
                // Without the allowance for wider fonts.
                let width =
                    TextMetrics.width(text, size: size, isBold: classes.contains("title") || classes.contains("panel"))
                    / 1.05
                let left = classes.contains("middle") ? x - width / 2 : classes.contains("end") ? x - width : x
                return Label(text: text, left: left, right: left + width, top: y - size * 0.72, bottom: y)
            }
    }

    /// Ends of the thin lines from labels to their points.
    static func leaders(_ svg: String) -> [(x1: Double, y1: Double, x2: Double, y2: Double)] {
        svg.matches(of: #/class="leader" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/#).compactMap { match in
            guard let x1 = Double(match.1), let y1 = Double(match.2), let x2 = Double(match.3), let y2 = Double(match.4)
            else { return nil }
            return (x1, y1, x2, y2)
        }
    }

    /// Outliers side by side, of nearly one height, at the edge of the panel: where labels have least room.
    private static func crowded(_ seed: UInt64) -> [String: Table] {
        var table = Table(
            name: "statistics-channel",
            meaning: "",
            columns: SyntheticTables.plain.statisticsChannel.columns
        )
        var random = SeededGenerator(seed: seed)
        for head in 0..<2 {
            for channel in 0..<64 {
                let isWide = channel > 60 || (channel > 29 && channel < 32)
                let peak = (isWide ? 20 : 1) * (1 + 0.5 * random.nextUniform())
                table.append([
                    .integer(0), .string("key"), .integer(head), .integer(channel), .integer(64), .number(peak),
                    .number(peak / 3),
                ])
            }
        }
        return ["statistics-channel": table]
    }

    @Test(arguments: 1...33)
    func noLeaderCrossesALabelOrAnotherLeader(seed: UInt64) throws {
        let svg = try FigureCatalogue.figure(
            id: "channel-profile",
            tables: Self.crowded(seed),
            context: FigureSnapshotTests.plainContext
        )
        let names = Self.labels(svg).filter { $0.text.contains(" c") && $0.text.hasSuffix("×") }
        #expect(names.count >= 2)
        for leader in Self.leaders(svg) {
            // Points along the line, but for its end at its own label.
            for step in 0..<98 {
                let along = Double(step) / 100
                let x = leader.x1 + along * (leader.x2 - leader.x1)
                let y = leader.y1 + along * (leader.y2 - leader.y1)
                let struck = names.first { $0.left < x && x < $0.right && $0.top < y && y < $0.bottom }
                #expect(struck == nil, "a line runs through '\(struck?.text ?? "")'")
            }
        }
    }

    static let cases = FigureSnapshotTests.ids.flatMap { id in ["plain", "outliers"].map { (id, $0) } }

    @Test(arguments: cases)
    func noLabelCoversAnotherOrLeavesThePage(id: String, model: String) throws {
        let tables = model == "plain" ? FigureSnapshotTests.plain : FigureSnapshotTests.outliers
        let svg = try FigureCatalogue.figure(id: id, tables: tables, context: FigureSnapshotTests.outlierContext)
        let labels = Self.labels(svg)
        #expect(labels.count > 20)
        for (index, label) in labels.enumerated() {
            #expect(label.left >= 0 && label.right <= 800 && label.top >= 0, "\(label.text) leaves the page")
            for other in labels[..<index] {
                let isApart =
                    label.right <= other.left || other.right <= label.left || label.bottom <= other.top
                    || other.bottom <= label.top
                #expect(isApart, "'\(label.text)' covers '\(other.text)'")
            }
        }
    }
}
