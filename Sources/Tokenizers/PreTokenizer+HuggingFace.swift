import TensorCore

extension PreTokenizer {
    /// The expressions by which `Split` components cut, as the families' files have them.
    private static let expressions: [String: PreTokenizer] = [
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
            .qwen2,
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
            .llama3,
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
    ]

    /// The cuts of a `tokenizer.json`, from its flat list of pre-tokenizers, of which one is `ByteLevel`.
    ///
    /// - Throws: `TokenizerError.unsupportedComponent`.
    init(components: [JSONValue]) throws {
        for component in components {
            if component["type"]?.string == "ByteLevel", component["add_prefix_space"]?.boolean ?? true {
                throw HuggingFaceTokenizer.unsupported("pre-tokenizer", "ByteLevel with add_prefix_space", "without")
            }
            if component["type"]?.string == "Split", component["invert"]?.boolean == true {
                throw HuggingFaceTokenizer.unsupported("pre-tokenizer", component.componentName, "without invert")
            }
        }
        let steps = components.map(Self.step)
        switch steps {
        case ["ByteLevel words"]: self = .gpt2
        case ["Digits alone", "ByteLevel words"]: self = .smollm
        case ["Punctuation", "ByteLevel words", "Digits", "Split [0-9][0-9][0-9]"]: self = .falcon
        default:
            guard steps.count == 2, steps[1] == "ByteLevel",
                let pattern = components[0]["pattern"]?["Regex"]?.string,
                components[0]["behavior"]?.string == "Isolated",
                let known = Self.expressions[pattern]
            else {
                throw HuggingFaceTokenizer.unsupported(
                    "pre-tokenizer",
                    components.map { $0.componentName }.joined(separator: ", "),
                    "the cuts of one of \(PreTokenizer.allCases.map { $0.rawValue }.joined(separator: ", "))"
                )
            }
            self = known
        }
    }

    /// A component in a form that can be compared; settings that say other than is known keep it from being equal.
    private static func step(_ component: JSONValue) -> String {
        let type = component["type"]?.string ?? ""
        switch type {
        case "ByteLevel": return component["use_regex"]?.boolean ?? true ? "ByteLevel words" : "ByteLevel"
        case "Digits": return component["individual_digits"]?.boolean ?? false ? "Digits alone" : "Digits"
        case "Punctuation": return component["behavior"]?.string == "Contiguous" ? "Punctuation" : "Punctuation, other"
        case "Split":
            let behavior = component["behavior"]?.string == "Isolated" ? "" : ", other"
            return "Split \(component["pattern"]?["Regex"]?.string ?? "")\(behavior)"
        default: return type
        }
    }
}
