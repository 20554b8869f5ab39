import Foundation

/// One line on stderr that grows: only when stderr is a terminal.
///
/// Elsewhere it prints one line when a step is done, so that logs stay short.
final class ProgressBar: @unchecked Sendable {
    private let title: String
    private let isQuiet: Bool
    private let start = Date()
    private let lock = NSLock()
    private var lastDrawn = Date.distantPast

    init(_ title: String, isQuiet: Bool = false) {
        self.title = title
        self.isQuiet = isQuiet
    }

    /// Shows `fraction` (0…1) and passes Ctrl-C on.
    /// - Throws: `Interrupted`.
    func update(_ fraction: Double) throws {
        draw(fraction)
        try Interruption.check()
    }

    /// Shows `fraction` (0…1), at most ten times a second.
    func draw(_ fraction: Double) {
        guard !isQuiet, Terminal.errorIsTerminal else { return }
        lock.withLock {
            let now = Date()
            guard now.timeIntervalSince(lastDrawn) > 0.1 else { return }
            lastDrawn = now
            let done = min(max(fraction, 0), 1)
            let elapsed = now.timeIntervalSince(start)
            let left = done > 0.02 ? duration(elapsed / done * (1 - done)) + " left" : ""
            let width = max(10, min(40, Terminal.columns - title.count - 24))
            let filled = Int((Double(width) * done).rounded(.down))
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            let percent = String(format: "%3.0f", 100 * done)
            write("\r\u{1B}[2K\(title) \(bar) \(percent) % \(left)")
        }
    }

    /// Replaces the bar by what was done and how long it took.
    func finish(_ summary: String = "done") {
        guard !isQuiet else { return }
        let clear = Terminal.errorIsTerminal ? "\r\u{1B}[2K" : ""
        write("\(clear)\(title): \(summary) (\(duration(Date().timeIntervalSince(start))))\n")
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }

    private func duration(_ seconds: Double) -> String {
        if seconds < 60 { return String(format: "%.1f s", seconds) }
        return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
    }
}
