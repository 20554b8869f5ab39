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
        case llama2
        /// `[INST] … [/INST]`, by version with or without spaces before and inside.
        case mistral(begin: String, end: String)
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

        /// The format of a template, by marks that only it has.
        init?(template: String, endToken: String) {
            guard !Self.marksOfOthers.contains(where: template.contains) else { return nil }
            if template.contains("<|im_start|>") {
                self = .chatML
            } else if template.contains("<|start_header_id|>") {
                guard !template.contains("Cutting Knowledge Date") || template.contains("Today Date") else {
                    return nil
                }
                self = .llama3
            } else if template.contains("<start_of_turn>") {
                self = .gemma
            } else if template.contains("<<SYS>>") {
                self = .llama2
            } else if template.contains("[INST]") {
                self = .mistral(
                    begin: template.contains("' [INST] ")
                        ? " [INST] " : template.contains("[INST] ") ? "[INST] " : "[INST]",
                    end: template.contains(" [/INST]") ? " [/INST]" : "[/INST]"
                )
            } else if ["User: ", "System: ", "Falcon:"].allSatisfy(template.contains) {
                self = .falcon(answer: "\nFalcon:")
            } else if ["User: ", "System: ", "Assistant:"].allSatisfy(template.contains), !template.contains("trim") {
                self = .falcon(answer: "\n\nAssistant:")
            } else if ["<|user|>", "<|assistant|>", "eos_token"].allSatisfy(template.contains) {
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

    /// What stands between a ChatML template's own system mark and its end.
    private static func systemMessage(ofChatML template: String) -> String? {
        for newline in ["\\n", "\n"] {
            let mark = "<|im_start|>system" + newline
            var rest = template[...]
            while let found = rest.range(of: mark) {
                rest = rest[found.upperBound...]
                // An expression begins with a quote or a brace: the message of the conversation, not one of its own.
                guard let end = rest.range(of: "<|im_end|>") else { break }
                let text = rest[..<end.lowerBound]
                if !text.isEmpty, !["'", "{", "\" +"].contains(where: text.contains) { return String(text) }
            }
        }
        return nil
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
        case .llama2:
            let told = system.map { "<<SYS>>\n\($0)\n<</SYS>>\n\n" } ?? ""
            return "[INST] \(trimmed(told + user)) [/INST]"
        case .mistral(let begin, let end): return begin + (system.map { "\($0)\n\n" } ?? "") + user + end
        case .falcon(let answer):
            return (system.map { "System: \($0)\n" } ?? "") + "User: \(user)" + answer
        case .zephyr(let end):
            func turn(_ role: String, _ text: String) -> String { "<|\(role)|>\n\(text)\(end)\n" }
            return (system.map { turn("system", $0) } ?? "") + turn("user", user) + "<|assistant|>\n"
        }
    }

    private func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
}
