extension JSONValue {
    /// As compact text of RFC 8259, on one line.
    public var text: String {
        var result = ""
        append(to: &result, indent: nil)
        return result
    }

    /// As text with one member or element a line, each level one space further in, as Jupyter writes notebooks.
    public var indentedText: String {
        var result = ""
        append(to: &result, indent: 0)
        return result
    }

    private func append(to text: inout String, indent: Int?) {
        switch self {
        case .object(let members):
            Self.list(members, "{", "}", to: &text, indent: indent) { member, text, inner in
                Self.quote(member.name, to: &text)
                text += indent == nil ? ":" : ": "
                member.value.append(to: &text, indent: inner)
            }
        case .array(let elements):
            Self.list(elements, "[", "]", to: &text, indent: indent) { $0.append(to: &$1, indent: $2) }
        case .string(let string): Self.quote(string, to: &text)
        case .number(let number): text += number
        case .boolean(let flag): text += flag ? "true" : "false"
        case .null: text += "null"
        }
    }

    private static func list<Element>(
        _ elements: [Element],
        _ open: String,
        _ close: String,
        to text: inout String,
        indent: Int?,
        _ element: (Element, inout String, Int?) -> Void
    ) {
        text += open
        for (index, item) in elements.enumerated() {
            if index > 0 { text += "," }
            if let indent { text += "\n" + String(repeating: " ", count: indent + 1) }
            element(item, &text, indent.map { $0 + 1 })
        }
        if let indent, !elements.isEmpty { text += "\n" + String(repeating: " ", count: indent) }
        text += close
    }

    private static func quote(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{00}"..."\u{1F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
