import ModelFormats

/// How an instruction-tuned model wants a conversation to be written.
///
/// Files bring a template in Jinja. It is recognized by its marks, not run: one in ten thousand lines would need the
/// language, and a wrong guess would be silent.
public struct ChatTemplate: Sendable, Equatable {
    /// Formats that are known.
    enum Format: String, CaseIterable {
        /// `<|im_start|>role\n…<|im_end|>\n`, of Qwen, SmolLM and many more.
        case chatML = "ChatML"
        /// `[INST] … [/INST]`, of Llama 2 and Mistral.
        case instructionMarks = "[INST]"
    }

    static let key = "tokenizer.chat_template"

    let format: Format
    /// What the template says first if the conversation does not.
    let systemMessage: String?

    /// - Throws: `ModelError` if there is no template, or one of another format.
    public init(source: ModelSource) throws {
        let path = source.path
        guard let template = try source.stringIfPresent(Self.key) else {
            throw ModelError.unsupportedFeature(
                path: path,
                key: Self.key,
                value: "none",
                expected: "the template of a model for conversations; leave --chat out"
            )
        }
        if template.contains("<|im_start|>") {
            format = .chatML
        } else if template.contains("[INST]") {
            format = .instructionMarks
        } else {
            throw ModelError.unsupportedFeature(
                path: path,
                key: Self.key,
                value: "'\(template.prefix(40))…'",
                expected: "one of the formats " + Format.allCases.map { $0.rawValue }.joined(separator: ", ")
            )
        }
        systemMessage = Self.systemMessage(of: template)
    }

    /// What stands between a ChatML template's own system mark and its end.
    private static func systemMessage(of template: String) -> String? {
        for newline in ["\\n", "\n"] {
            let mark = "<|im_start|>system" + newline
            var rest = template[...]
            while let found = rest.range(of: mark) {
                rest = rest[found.upperBound...]
                // An expression begins with a quote or a brace: the message of the conversation, not one of its own.
                guard let end = rest.range(of: "<|im_end|>") else { break }
                let text = rest[..<end.lowerBound]
                if !text.isEmpty, !text.contains("'"), !text.contains("{") { return String(text) }
            }
        }
        return nil
    }

    /// One message of a person and the beginning of the answer, with control tokens as text.
    public func prompt(user: String) -> String {
        switch format {
        case .chatML:
            (systemMessage.map { "<|im_start|>system\n\($0)<|im_end|>\n" } ?? "")
                + "<|im_start|>user\n\(user)<|im_end|>\n<|im_start|>assistant\n"
        case .instructionMarks: "[INST] \(user) [/INST]"
        }
    }
}

extension StringProtocol {
    /// Where `other` stands first.
    fileprivate func range(of other: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
            start = index(after: start)
        }
        return nil
    }
}
