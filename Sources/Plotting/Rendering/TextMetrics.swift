/// Widths of text, from a table, since there is no font engine here.
///
/// The table holds the advance widths of Helvetica and Arial in thousandths of
/// the font size; an allowance covers DejaVu Sans, the widest of the usual fonts that stand in for them.
package enum TextMetrics {
    package static let fontFamily = "Helvetica Neue,Helvetica,Arial,Liberation Sans,sans-serif"
    private static let allowance = 1.16

    /// Width in pixels of one line of text.
    package static func width(_ text: String, size: Double, isBold: Bool = false) -> Double {
        var thousandths = 0
        for scalar in text.unicodeScalars { thousandths += advance(scalar) }
        return Double(thousandths) / 1000 * size * allowance * (isBold ? 1.12 : 1)
    }

    /// Breaks text at spaces into lines no wider than `limit`; a longer word stands alone.
    package static func wrap(_ text: String, size: Double, isBold: Bool = false, limit: Double) -> [String] {
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: true) {
            var line = ""
            for word in paragraph.split(separator: " ") {
                let longer = line.isEmpty ? String(word) : line + " " + word
                if !line.isEmpty, width(longer, size: size, isBold: isBold) > limit {
                    lines.append(line)
                    line = String(word)
                } else {
                    line = longer
                }
            }
            if !line.isEmpty { lines.append(line) }
        }
        return lines
    }

    /// Like ``wrap(_:size:isBold:limit:)`` with lines of about one length, so that no word is left alone on the last.
    package static func balanced(_ text: String, size: Double, isBold: Bool = false, limit: Double) -> [String] {
        let lines = wrap(text, size: size, isBold: isBold, limit: limit)
        guard lines.count > 1 else { return lines }
        var best = lines
        for narrower in stride(from: limit * 0.95, to: limit * 0.4, by: -limit * 0.05) {
            let candidate = wrap(text, size: size, isBold: isBold, limit: narrower)
            if candidate.count > lines.count { break }
            best = candidate
        }
        return best
    }

    /// The text, or as much of it as fits with an ellipsis in the middle, where names differ least.
    package static func fitted(_ text: String, size: Double, isBold: Bool = false, limit: Double) -> String {
        guard width(text, size: size, isBold: isBold) > limit else { return text }
        let letters = Array(text)
        var kept = letters.count - 1
        while kept > 2 {
            let head = (kept + 1) / 2
            let short = String(letters.prefix(head)) + "…" + String(letters.suffix(kept - head))
            if width(short, size: size, isBold: isBold) <= limit { return short }
            kept -= 1
        }
        return "…"
    }

    private static func advance(_ scalar: Unicode.Scalar) -> Int {
        let value = Int(scalar.value)
        if value >= 32, value < 127 { return ascii[value - 32] }
        switch value {
        case 0x2212, 0xD7, 0xB1: return 584
        case 0x2070...0x209F, 0xB2, 0xB3, 0xB9: return 345
        case 0x300...0x36F, 0x200B...0x200F: return 0
        case 0x2026, 0x2014: return 1000
        case 0x1100...0x11FF, 0x2E80...0xA4CF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60,
            0x1F300...0x1FAFF, 0x20000...0x3FFFF:
            return 1000
        default: return 600
        }
    }

    private static let ascii = [
        278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
        556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
        1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
        667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
        333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
        556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
    ]
}
