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
        /// `[INST] … [/INST]`, by version with or without spaces inside.
        case mistral(spaceBefore: Bool, spaceAfter: Bool)
        /// `User: …`, then `Falcon:` behind a line end, or `Assistant:` behind two.
        case falcon(answer: String)

        static let names = ["ChatML", "Llama 3", "Gemma", "Llama 2", "Mistral", "Falcon"]

        /// The format of a template, by marks that only it has.
        init?(template: String) {
            if template.contains("<|im_start|>") {
                self = .chatML
            } else if template.contains("<|start_header_id|>") {
                self = .llama3
            } else if template.contains("<start_of_turn>") {
                self = .gemma
            } else if template.contains("<<SYS>>") {
                self = .llama2
            } else if template.contains("[INST]") {
                self = .mistral(
                    spaceBefore: template.contains("[INST] "),
                    spaceAfter: template.contains(" [/INST]")
                )
            } else if template.contains("User: "), template.contains("Falcon:") {
                self = .falcon(answer: "\nFalcon:")
            } else if template.contains("User: "), template.contains("Assistant:") {
                self = .falcon(answer: "\n\nAssistant:")
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
    /// - Throws: `ModelError` if there is no template, or one of another format; `MappedFileError` or `MetadataError` if
    ///   it cannot be read.
    public init(source: ModelSource) throws {
        switch source.format {
        case .gguf: try self.init(template: try source.stringIfPresent(Self.key), path: source.path, key: Self.key)
        case .huggingFace:
            if let path = source.companionFile(ModelSource.chatTemplateFile) {
                let file = try MappedFile(path: path)
                let text = withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
                try self.init(template: text, path: source.path, key: ModelSource.chatTemplateFile)
            } else {
                let template = try Self.template(ofFolder: source)
                try self.init(template: template, path: source.path, key: Self.folderKey)
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
    ///   - path: where it is from, for errors, as is `key`.
    /// - Throws: `ModelError` if there is no template, or one of another format.
    public init(template: String?, path: String, key: String = "chat_template") throws {
        guard let template else {
            throw ModelError.unsupportedFeature(
                path: path,
                key: key,
                value: "none",
                expected: "the template of a model for conversations; leave --chat out"
            )
        }
        guard let format = Format(template: template) else {
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
        // Llama 3.1 and after tell the day in every conversation; this one is the template's own default.
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
                if !text.isEmpty, !text.contains("'"), !text.contains("{") { return String(text) }
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
        case .mistral(let spaceBefore, let spaceAfter):
            return "[INST]" + (spaceBefore ? " " : "") + (system.map { "\($0)\n\n" } ?? "") + user
                + (spaceAfter ? " " : "") + "[/INST]"
        case .falcon(let answer):
            return (system.map { "System: \($0)\n" } ?? "") + "User: \(user)" + answer
        }
    }

    private func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
}
