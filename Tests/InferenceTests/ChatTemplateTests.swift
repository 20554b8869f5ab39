import Foundation
import Inference
import Testing

/// Prompts as Jinja writes the families' own templates, of which the marks are given here, for one message `Hi`.
@Suite struct ChatTemplateTests {
    private func prompt(_ template: String, system: String? = nil) throws -> String {
        try ChatTemplate(template: template, path: "model").prompt(user: "Hi", system: system)
    }

    @Test func chatMLBeginsWithItsOwnSystemMessage() throws {
        let plain = "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
        let turns = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        #expect(try prompt(plain) == turns)
        #expect(try prompt(plain, system: "Be brief") == "<|im_start|>system\nBe brief<|im_end|>\n" + turns)
        let own = "{{ '<|im_start|>system\\nYou are a helpful assistant<|im_end|>\\n' }}" + plain
        #expect(try prompt(own) == "<|im_start|>system\nYou are a helpful assistant<|im_end|>\n" + turns)
    }

    @Test func llama3HasHeaders() throws {
        let marks = "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
        let turns =
            "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n"
        #expect(try prompt(marks) == turns)
        let system = "<|start_header_id|>system<|end_header_id|>\n\n"
        #expect(try prompt(marks, system: " x ") == system + "x<|eot_id|>" + turns)
        let dated = marks + #"{{- "Cutting Knowledge Date: December 2023\n" }}{{- "Today Date: " + date }}"#
        let days = system + "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
        #expect(try prompt(dated) == days + "<|eot_id|>" + turns)
        #expect(try prompt(dated, system: "x") == days + "x<|eot_id|>" + turns)
    }

    @Test func gemmaHasNoTurnOfTheSystems() throws {
        let marks = "{{ '<start_of_turn>' + role + '\n' }}"
        #expect(try prompt(marks) == "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n")
        let told = try prompt(marks, system: "x")
        #expect(told == "<start_of_turn>user\nx\n\nHi<end_of_turn>\n<start_of_turn>model\n")
    }

    @Test func instructionMarksDifferInSpaces() throws {
        let plain = "{% set content = '<<SYS>>\\n' + system %}{{ '[INST] ' + content + '[/INST]' }}"
        #expect(try prompt(plain, system: "x") == "[INST] <<SYS>>\nx\n<</SYS>>\n\nHi[/INST]")
        let llama2 = "{% set content = '<<SYS>>\\n' + system %}{{ '[INST] ' + content + ' [/INST]' }}"
        #expect(try prompt(llama2) == "[INST] Hi [/INST]")
        #expect(try prompt(llama2, system: "x") == "[INST] <<SYS>>\nx\n<</SYS>>\n\nHi [/INST]")
        #expect(try prompt("{{ '[INST] ' + message['content'] + ' [/INST]' }}") == "[INST] Hi [/INST]")
        #expect(try prompt("{{ '[INST] ' + message['content'] + '[/INST]' }}") == "[INST] Hi[/INST]")
        #expect(try prompt("{{- '[INST]' + message['content'] + '[/INST]' }}", system: "x") == "[INST]x\n\nHi[/INST]")
    }

    private struct Rendered: Decodable {
        let system: String?
        let user: String
        /// `nil` if the template refuses such messages.
        let prompt: String?
    }

    /// What Jinja makes of each template of a folder, as `make_chat_golden.py` wrote it.
    private func compare(_ folder: URL, takingAll: Bool) throws {
        let golden = try JSONDecoder().decode(
            [String: [Rendered]].self,
            from: Data(contentsOf: folder.appending(path: "golden.json"))
        )
        #expect(!golden.isEmpty)
        for (name, prompts) in golden.sorted(by: { $0.key < $1.key }) {
            let template = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            guard let chat = try? ChatTemplate(template: template, path: name) else {
                #expect(!takingAll, "\(name) is refused")
                continue
            }
            for item in prompts {
                guard let expected = item.prompt else { continue }
                #expect(chat.prompt(user: item.user, system: item.system) == expected, "\(name)")
            }
        }
    }

    @Test func promptsAreThoseOfJinja() throws {
        try compare(TestModels.root.appending(path: "Tests/Fixtures/inference/chat"), takingAll: true)
    }

    private static let realTemplates = ProcessInfo.processInfo.environment["KVATLAS_CHAT_TEMPLATES"]

    /// Models' own templates, which are not ours to hand on: what is not known is refused, and nothing known is wrong.
    @Test(.enabled(if: realTemplates != nil)) func promptsOfRealTemplatesAreThoseOfJinja() throws {
        try compare(URL(fileURLWithPath: Self.realTemplates ?? ""), takingAll: false)
    }

    @Test func falconNamesTheSpeakers() throws {
        let speakers = "{{ 'System: ' }}{{ 'User: ' }}"
        #expect(try prompt(speakers + "{{ '\n' + 'Falcon:' }}") == "User: Hi\nFalcon:")
        #expect(try prompt(speakers + "{{ 'Assistant:' }}") == "User: Hi\n\nAssistant:")
        #expect(try prompt(speakers + "{{ 'Falcon:' }}", system: "x") == "System: x\nUser: Hi\nFalcon:")
    }

    /// They look like a format that is known and write another prompt.
    @Test(arguments: [
        "{{ '<|im_start|>user<|im_sep|>' }}", "{{ '<|user|>\n' + x + '<|end|>\n<|assistant|>' + eos_token }}",
        "{{ '[SYSTEM_PROMPT]' + x + '[/SYSTEM_PROMPT][INST]' }}", "{{ '<|im_start|>assistant\\n<think>\\n' }}",
        "{{ '<|user|>\n' + message['content'] + '\n' }}{{ '<|assistant|>\n' + message['content'] + eos_token }}",
        "{% set system_message = 'x' %}{{ '<|im_start|>system\\n' + system_message + '<|im_end|>\\n' }}",
        "{{ '<|im_start|>' + role + '\\n' + message['content'] | trim + '<|im_end|>\\n' }}",
        "{{ '<|start_header_id|>' + \"Cutting Knowledge Date: December 2023\" }}", "{{ 'User: ' + x + 'Assistant:' }}",
    ])
    func templatesThatSayMoreAreRefused(_ template: String) {
        #expect(throws: ModelError.self) { try ChatTemplate(template: template, path: "model") }
    }

    @Test func otherTemplatesAreRefused() {
        #expect(throws: ModelError.self) { try ChatTemplate(template: nil, path: "model") }
        let error = #expect(throws: ModelError.self) { try ChatTemplate(template: "{{ x }}", path: "model") }
        #expect(error?.expected?.contains("Gemma") == true)
    }
}
