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
        let dated = marks + #"{{- "Cutting Knowledge Date: December 2023\n" }}"#
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
        let llama2 = "{% set content = '<<SYS>>\\n' + system %}{{ '[INST] ' + content + ' [/INST]' }}"
        #expect(try prompt(llama2) == "[INST] Hi [/INST]")
        #expect(try prompt(llama2, system: "x") == "[INST] <<SYS>>\nx\n<</SYS>>\n\nHi [/INST]")
        #expect(try prompt("{{ '[INST] ' + message['content'] + ' [/INST]' }}") == "[INST] Hi [/INST]")
        #expect(try prompt("{{ '[INST] ' + message['content'] + '[/INST]' }}") == "[INST] Hi[/INST]")
        #expect(try prompt("{{- '[INST]' + message['content'] + '[/INST]' }}", system: "x") == "[INST]x\n\nHi[/INST]")
    }

    @Test func falconNamesTheSpeakers() throws {
        #expect(try prompt("{{ 'User: ' }}{{ '\n' + 'Falcon:' }}") == "User: Hi\nFalcon:")
        #expect(try prompt("{{ 'User: ' }}{{ 'Assistant:' }}") == "User: Hi\n\nAssistant:")
        #expect(try prompt("{{ 'User: ' }}{{ 'Falcon:' }}", system: "x") == "System: x\nUser: Hi\nFalcon:")
    }

    @Test func otherTemplatesAreRefused() {
        #expect(throws: ModelError.self) { try ChatTemplate(template: nil, path: "model") }
        let error = #expect(throws: ModelError.self) { try ChatTemplate(template: "{{ x }}", path: "model") }
        #expect(error?.expected?.contains("Gemma") == true)
    }
}
