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

    /// `toolVersion`, `memory_bytes` → `tool version`, `memory bytes`; file names and abbreviations stay as they are.
    private static func words(_ name: String) -> String {
        guard !name.contains("/"), !name.contains(".") else { return name }
        return name.replacing("_", with: " ").replacing(#/([a-z0-9])([A-Z])(?=[a-z])/#) {
            "\($0.1) \($0.2.lowercased())"
        }
        .replacing(#/([a-z])([A-Z]{2,})/#) { "\($0.1) \($0.2)" }
    }

    /// Members that read better on one line: a command, and bytes in units.
    private static func line(_ member: JSONValue.Member) -> String? {
        if member.name == "command", case .array(let parts) = member.value {
            return parts.map { part in
                let word = part.string ?? part.text
                return word.isEmpty || word.contains(" ") ? "'\(word)'" : word
            }.joined(separator: " ")
        }
        if member.name.lowercased().hasSuffix("bytes") || member.name.hasSuffix("Count"),
            let count = member.value.integer
        {
            let bytes = Double(count)
            let scaled =
                bytes >= Double(1 << 30)
                ? "\(NumberText.short(bytes / Double(1 << 30))) GiB"
                : bytes >= Double(1 << 20) ? "\(NumberText.short(bytes / Double(1 << 20))) MiB" : nil
            return scaled.map { "\(count) (\($0))" }
        }
        return nil
    }

    /// JSON as nested lists of names and values.
    mutating func tree(_ value: JSONValue) {
        switch value {
        case .object(let members) where members.isEmpty: text += "–"
        case .object(let members):
            text += "<dl>\n"
            for member in members {
                text += "<div><dt>\(Self.escaped(Self.words(member.name)))</dt><dd>"
                if let line = Self.line(member) { text += Self.escaped(line) } else { tree(member.value) }
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
