import Plotting
import TensorCore

/// JSON for people: provenance in a report.
extension HTMLWriter {
    /// `toolVersion`, `memory_bytes` → `tool version`, `memory bytes`; file names and abbreviations stay as they are.
    private static func words(_ name: String) -> String {
        guard !name.contains("/"), !name.contains("."), name.first?.isLowercase == true else { return name }
        return name.replacing("_", with: " ").replacing(#/([a-z0-9])([A-Z])(?=[a-z])/#) {
            "\($0.1) \($0.2.lowercased())"
        }
        .replacing(#/([a-z])([A-Z]{2,})/#) { "\($0.1) \($0.2)" }
    }

    /// Members that read better on one line: a command, seconds, and bytes in units.
    private static func line(_ member: JSONValue.Member) -> String? {
        if member.name == "command", case .array(let parts) = member.value {
            return parts.map { part in
                let word = part.string ?? part.text
                return word.isEmpty || word.contains(" ") ? "'\(word)'" : word
            }.joined(separator: " ")
        }
        if member.name == "seconds", case .number(let digits) = member.value, let seconds = Double(digits) {
            return NumberText.short(seconds)
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

    /// An object of a list under its name, so that one can be told from the next.
    private mutating func item(_ members: [JSONValue.Member]) {
        let title = members.first { ["id", "name"].contains($0.name) }
        text += "<div class=\"item\">"
        if let title, let name = title.value.string { text += "<strong>\(Self.escaped(name))</strong>" }
        tree(.object(members.filter { $0.name != title?.name }))
        text += "</div>\n"
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
                if case .object(let members) = element {
                    item(members)
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
