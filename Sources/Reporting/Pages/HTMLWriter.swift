import Plotting
import TensorCore

/// Appends HTML, escaped.
struct HTMLWriter {
    private(set) var text = ""

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

    mutating func csvLink(_ name: String, rows: Int, shown: Int? = nil) {
        text += "<p class=\"download\">"
        if let shown, shown < rows { text += "The first \(shown) of \(rows) rows; all are in " }
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

    /// JSON as nested lists of names and values.
    mutating func tree(_ value: JSONValue) {
        switch value {
        case .object(let members) where members.isEmpty: text += "–"
        case .object(let members):
            text += "<dl>\n"
            for member in members {
                text += "<div><dt>\(Self.escaped(member.name.replacing("_", with: " ")))</dt><dd>"
                tree(member.value)
                text += "</dd></div>\n"
            }
            text += "</dl>\n"
        case .array(let elements):
            if elements.isEmpty { text += "–" }
            for (index, element) in elements.enumerated() {
                if case .object = element {
                    tree(element)
                } else {
                    if index > 0 { text += ", " }
                    tree(element)
                }
            }
        case .string(let string): text += Self.escaped(string)
        case .number(let number): text += Self.escaped(number)
        case .boolean(let flag): text += flag ? "yes" : "no"
        case .null: text += "–"
        }
    }
}
