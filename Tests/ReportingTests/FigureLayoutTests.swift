import Foundation
import Plotting
import Reporting
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

    static let cases = FigureCatalogue.ids.flatMap { id in ["plain", "outliers"].map { (id, $0) } }

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
