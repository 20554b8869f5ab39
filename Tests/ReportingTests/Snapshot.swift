import Foundation
import Testing

/// Committed SVG that figures are compared with, text for text.
enum Snapshot {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Figures")

    /// Compares with `Tests/Figures/NAME.svg`; a missing one is written, but not where `CI=true`.
    static func compare(_ svg: String, _ name: String) throws {
        let file = folder.appendingPathComponent(name + ".svg")
        guard let committed = try? String(contentsOf: file, encoding: .utf8) else {
            guard ProcessInfo.processInfo.environment["CI"] != "true" else {
                Issue.record(
                    "there is no snapshot \(name).svg; run the tests without CI=true to write it, and look at it"
                )
                return
            }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try svg.write(to: file, atomically: true, encoding: .utf8)
            return
        }
        // Not #expect(svg == committed): it would print both documents.
        let isSame = svg == committed
        #expect(isSame, "\(name).svg has changed; delete it, run the tests again and look at the new one")
    }
}
