import Foundation
import ModelFormats

/// How an instruction-tuned model wants a conversation to be written.
///
/// Files bring a template in Jinja. It is recognized by its marks, not run: one in ten thousand lines would need the
/// language, and a wrong guess would be silent.
public struct ChatTemplate: Sendable, Equatable {
    /// Formats that are known.
    enum Format: Equatable {
        /// `<|im_start|>role\n…<|im_end|>\n`, of Qwen, SmolLM and many more.
        case chatML
        /// `<|start_header_id|>role<|end_header_id|>\n\n…<|eot_id|>`
        case llama3
        /// `<start_of_turn>role\n…<end_of_turn>\n`, without a turn of the system's.
        case gemma
        /// `[INST] <<SYS>>\n…\n<</SYS>>\n\n… [/INST]`
        case llama2(end: String, strips: Bool)
        /// `[INST] … [/INST]`, by version with or without spaces before and inside.
        case mistral(begin: String, end: String, strips: Bool)
        /// `User: …`, then `Falcon:` behind a line end, or `Assistant:` behind two.
        case falcon(answer: String)
        /// `<|user|>\n…</s>\n<|assistant|>\n`, of Zephyr and TinyLlama, where `</s>` is the model's end token.
        case zephyr(end: String)

        static let names = ["ChatML", "Llama 3", "Gemma", "Llama 2", "Mistral", "Falcon", "Zephyr"]

        /// Marks of templates that begin like one of these formats and then say more, or otherwise: a turn of the
        /// system's with its own marks, tools, a day, or a thought that is begun for the model.
        private static let marksOfOthers = [
            "[SYSTEM_PROMPT]", "<|im_sep|>", "<|end|>", "You are a function calling AI model", "Knowledge Cutoff Date",
            "elif true == true", ">>>", "assistant\\n<think>", "'<think>\\n'", "range(0, messages|length)",
        ]

        /// Of ChatML that trims messages, or puts its system message together elsewhere in the template.
        private static let marksOfSystems = [
            "set system_message", "default_system", "content'] | trim", "content']|trim", "content | trim",
            "content|trim",
        ]

        /// The format of a template, by marks that only it has.
        init?(template: String, endToken: String) {
            guard !Self.marksOfOthers.contains(where: template.contains) else { return nil }
            // Of the person's message; answers before it are often trimmed where it is not.
            let strips = template.contains(/\[INST\][^{}]*(strip\(\)|trim)[^{}]*\[\/INST\]/)
            let end = template.contains(" [/INST]") ? " [/INST]" : "[/INST]"
            if template.contains("<|im_start|>") {
                guard !Self.marksOfSystems.contains(where: template.contains) else { return nil }
                self = .chatML
            } else if template.contains("<|start_header_id|>") {
                guard !template.contains("Cutting Knowledge Date") || template.contains("Today Date") else {
                    return nil
                }
                self = .llama3
            } else if template.contains("<start_of_turn>") {
                self = .gemma
            } else if template.contains("<<SYS>>") {
                self = .llama2(end: end, strips: strips)
            } else if template.contains("[INST]") {
                let marks = ["' [INST] ", "[INST] "].first(where: template.contains) ?? "[INST]"
                self = .mistral(begin: marks.replacing("'", with: ""), end: end, strips: strips)
            } else if ["User: ", "System: ", "Falcon:"].allSatisfy(template.contains) {
                self = .falcon(answer: "\nFalcon:")
            } else if ["User: ", "System: ", "Assistant:"].allSatisfy(template.contains), !template.contains("trim") {
                self = .falcon(answer: "\n\nAssistant:")
            } else if ["<|user|>", "<|assistant|>"].allSatisfy(template.contains),
                // Others with these marks end no turn, or all of them.
                template.contains(/<\|user\|>[^{}]*content['"]\] *\+ *eos_token/)
            {
                self = .zephyr(end: endToken)
            } else {
                return nil
            }
        }
    }

    private static let key = "tokenizer.chat_template"
    private static let folderKey = "tokenizer_config.chat_template"

    let format: Format
    /// What the template says first if the conversation does not.
    let systemMessage: String?

    /// The template of a GGUF file's metadata or of a folder: its `chat_template.jinja`, which goes before, or
    /// `tokenizer_config.json`'s, of several the one that is named `default`.
    ///
    /// - Parameter endToken: text of the token that ends the model's answers, for templates that write it.
    /// - Throws: `ModelError` if there is no template, or one of another format; `MappedFileError` or `MetadataError` if
    ///   it cannot be read.
    public init(source: ModelSource, endToken: String) throws {
        func template(_ text: String?, _ key: String) throws -> ChatTemplate {
            try ChatTemplate(template: text, endToken: endToken, path: source.path, key: key)
        }
        switch source.format {
        case .gguf: self = try template(try source.stringIfPresent(Self.key), Self.key)
        case .huggingFace:
            if let path = source.companionFile(ModelSource.chatTemplateFile) {
                let file = try MappedFile(path: path)
                let text = withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
                self = try template(text, ModelSource.chatTemplateFile)
            } else {
                self = try template(try Self.template(ofFolder: source), Self.folderKey)
            }
        }
    }

    /// A text, or objects with a name and a text, whose members have keys by their index.
    private static func template(ofFolder source: ModelSource) throws -> String? {
        guard source.metadata[folderKey] == nil else { return try source.string(folderKey) }
        var index = 0
        while let name = try source.stringIfPresent("\(folderKey).\(index).name") {
            if name == "default" { return try source.string("\(folderKey).\(index).template") }
            index += 1
        }
        return nil
    }

    /// - Parameters:
    ///   - template: in Jinja; `nil` if the model has none.
    ///   - endToken: text of the token that ends the model's answers, for templates that write it.
    ///   - path: where it is from, for errors, as is `key`.
    /// - Throws: `ModelError` if there is no template, or one of another format.
    public init(template: String?, endToken: String = "</s>", path: String, key: String = "chat_template") throws {
        guard let template else {
            throw ModelError.unsupportedFeature(
                path: path,
                key: key,
                value: "none",
                expected: "the template of a model for conversations; leave --chat out"
            )
        }
        guard let format = Format(template: template, endToken: endToken) else {
            throw ModelError.unsupportedFeature(
                path: path,
                key: key,
                value: "'\(template.prefix(40))…'",
                expected: "one of the formats " + Format.names.joined(separator: ", ")
            )
        }
        self.format = format
        switch format {
        case .chatML: systemMessage = Self.systemMessage(ofChatML: template)
        // Llama 3.1 and after tell the day in every conversation. This one is the template's own default: the day of
        // the run would make each day's answers others.
        case .llama3 where template.contains("Cutting Knowledge Date: December 2023"):
            systemMessage = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
        default: systemMessage = nil
        }
    }

    /// What stands between a ChatML template's own system mark and its end, as Jinja reads it.
    private static func systemMessage(ofChatML template: String) -> String? {
        for newline in ["\\n", "\n"] {
            let mark = "<|im_start|>system" + newline
            var rest = template[...]
            while let found = rest.range(of: mark) {
                rest = rest[found.upperBound...]
                guard let end = rest.range(of: "<|im_end|>") else { break }
                let text = rest[..<end.lowerBound]
                // The message of the conversation, not one of its own.
                let isExpression = ["{{", "' +", "'+", "\" +", "\"+", "' ~", "\" ~"].contains(where: text.contains)
                if !text.isEmpty, !isExpression { return newline == "\n" ? String(text) : unescaped(text) }
            }
        }
        return nil
    }

    /// What a string of Jinja stands for.
    private static func unescaped(_ text: Substring) -> String {
        var result = "", isEscaped = false
        for letter in text {
            if isEscaped {
                result.append(letter == "n" ? "\n" : letter == "t" ? "\t" : letter)
                isEscaped = false
            } else if letter == "\\" {
                isEscaped = true
            } else {
                result.append(letter)
            }
        }
        return result
    }

    /// One message of a person and the beginning of the answer, with control tokens as text, but for the token that
    /// begins every text.
    ///
    /// - Parameter system: what the model is told first; `nil` for what the template itself says.
    public func prompt(user: String, system: String? = nil) -> String {
        switch format {
        case .chatML:
            return ((system ?? systemMessage).map { "<|im_start|>system\n\($0)<|im_end|>\n" } ?? "")
                + "<|im_start|>user\n\(user)<|im_end|>\n<|im_start|>assistant\n"
        case .llama3:
            func turn(_ role: String, _ text: String) -> String {
                "<|start_header_id|>\(role)<|end_header_id|>\n\n\(text)<|eot_id|>"
            }
            let told = systemMessage.map { $0 + (system.map(trimmed) ?? "") } ?? system.map(trimmed)
            return (told.map { turn("system", $0) } ?? "") + turn("user", trimmed(user))
                + "<|start_header_id|>assistant<|end_header_id|>\n\n"
        case .gemma:
            return "<start_of_turn>user\n" + (system.map { "\($0)\n\n" } ?? "") + trimmed(user)
                + "<end_of_turn>\n<start_of_turn>model\n"
        case .llama2(let end, let strips):
            let text = (system.map { "<<SYS>>\n\($0)\n<</SYS>>\n\n" } ?? "") + user
            return "[INST] " + (strips ? trimmed(text) : text) + end
        case .mistral(let begin, let end, let strips):
            let text = (system.map { "\($0)\n\n" } ?? "") + user
            return begin + (strips ? trimmed(text) : text) + end
        case .falcon(let answer):
            return (system.map { "System: \($0)\n" } ?? "") + "User: \(user)" + answer
        case .zephyr(let end):
            func turn(_ role: String, _ text: String) -> String { "<|\(role)|>\n\(text)\(end)\n" }
            return (system.map { turn("system", $0) } ?? "") + turn("user", user) + "<|assistant|>\n"
        }
    }

    private func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
}
