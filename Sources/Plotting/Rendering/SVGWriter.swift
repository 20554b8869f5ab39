/// Appends SVG elements to a text, escaped and with fixed number formatting.
public struct SVGWriter {
    public private(set) var text = ""
    private var open: [String] = []

    public init() {}

    /// Attributes in the order they are written.
    public typealias Attributes = KeyValuePairs<String, String>

    public mutating func begin(_ name: String, _ attributes: Attributes = [:]) {
        append(name, attributes, end: ">")
        open.append(name)
    }

    public mutating func end() {
        guard let name = open.popLast() else { return }
        text += "</\(name)>\n"
    }

    public mutating func element(_ name: String, _ attributes: Attributes) {
        append(name, attributes, end: "/>\n")
    }

    public mutating func element(_ name: String, _ attributes: Attributes = [:], content: String) {
        append(name, attributes, end: ">")
        text += Self.escaped(content) + "</\(name)>\n"
    }

    /// Text that is SVG already.
    public mutating func raw(_ svg: String) { text += svg }

    public mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String) {
        let path =
            "M\(NumberText.coordinate(x1)) \(NumberText.coordinate(y1))"
            + "L\(NumberText.coordinate(x2)) \(NumberText.coordinate(y2))"
        element("path", ["class": name, "d": path])
    }

    public mutating func label(
        _ content: String,
        x: Double,
        y: Double,
        class name: String,
        anchor: TextAnchor = .start,
        rotation: Double = 0
    ) {
        guard !content.isEmpty else { return }
        let (x, y) = (NumberText.coordinate(x), NumberText.coordinate(y))
        append("text", ["class": anchor == .start ? name : "\(name) \(anchor.rawValue)", "x": x, "y": y], end: "")
        if rotation != 0 { text += " transform=\"rotate(\(NumberText.coordinate(rotation)) \(x) \(y))\"" }
        text += ">" + Self.escaped(content) + "</text>\n"
    }

    private mutating func append(_ name: String, _ attributes: Attributes, end: String) {
        text += "<" + name
        for (key, value) in attributes where !value.isEmpty { text += " \(key)=\"\(Self.escaped(value))\"" }
        text += end
    }

    /// Text for XML content or a quoted attribute; characters that XML 1.0 forbids become U+FFFD.
    public static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += " "
            default:
                let isForbidden = scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF
                result.unicodeScalars.append(isForbidden ? "\u{FFFD}" : scalar)
            }
        }
        return result
    }
}

/// Where a label's position lies in it.
public enum TextAnchor: String, Sendable {
    case start, middle, end
}
