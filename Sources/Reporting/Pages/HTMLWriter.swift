import Plotting
import TensorCore

/// Appends HTML, escaped.
struct HTMLWriter {
    var text = ""

    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\0": result += "\u{FFFD}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// Text that is HTML already.
    mutating func raw(_ html: String) { text += html }

    mutating func text(_ content: String) { text += Self.escaped(content) }

    mutating func element(_ name: String, _ content: String, class className: String = "") {
        text += className.isEmpty ? "<\(name)>" : "<\(name) class=\"\(className)\">"
        text += Self.escaped(content) + "</\(name)>\n"
    }

    mutating func section(_ id: String, _ title: String) {
        text += "<section id=\"\(id)\">\n<h2>\(Self.escaped(title))</h2>\n"
    }

    mutating func link(_ title: String, _ target: String) {
        text += "<a href=\"\(Self.escaped(target))\">\(Self.escaped(title))</a>"
    }

    /// - Parameter note: what stands before the link.
    mutating func csvLink(_ name: String, note: String? = nil) {
        text += "<p class=\"download\">" + Self.escaped(note ?? "")
        link("\(name).csv", "tables/\(name).csv")
        text += "</p>\n"
    }

    /// A table cell that sorts by its full value and shows about four digits.
    mutating func cell(_ value: Table.Value) {
        switch value {
        case .string(let string): text += "<td>\(Self.escaped(string))</td>"
        case .integer(let integer): text += "<td class=\"n\" data-v=\"\(integer)\">\(integer)</td>"
        case .number(let number):
            text += "<td class=\"n\" data-v=\"\(number)\">\(NumberText.short(number, digits: 4))</td>"
        case .missing: text += "<td class=\"n\"></td>"
        }
    }

    /// A number in a table that is read rather than sorted.
    mutating func number(_ value: Table.Value, isStrong: Bool = false) {
        text +=
            "<td class=\"n\(isStrong ? " strong" : "")\">"
            + (value.number.map { NumberText.short($0, digits: isStrong ? 3 : 4) } ?? "–") + "</td>"
    }
}
