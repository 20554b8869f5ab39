import TensorCore
import Testing

/// One reader for all JSON that nobody vouches for: headers of weights, configurations, vocabularies, provenance.
@Suite struct JSONReaderTests {
    private func read<Result>(_ text: String, _ body: (inout JSONReader) throws -> Result) throws -> Result {
        try Array(text.utf8).withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            let result = try body(&reader)
            try reader.finish()
            return result
        }
    }

    private func value(_ text: String, _ repeatedKeys: JSONReader.RepeatedKeys = .refused) throws -> JSONValue {
        try read(text) { try $0.value(repeatedKeys) }
    }

    private func failure(_ text: String) -> JSONReader.Failure? {
        #expect(throws: JSONReader.Failure.self) { try value(text) }
    }

    @Test func everyKindIsReadAndOrderAndDigitsAreKept() throws {
        let text =
            "{\"z\": [1, -0.50, 2e3, 12345678901234567890], \"a\": {\"k\": null}, \"b\": true, \"c\": \"\\u00e9\\n\"}"
        let numbers = ["1", "-0.50", "2e3", "12345678901234567890"].map { JSONValue.number($0) }
        let expected = JSONValue.object([
            .init("z", .array(numbers)), .init("a", .object([.init("k", .null)])), .init("b", .boolean(true)),
            .init("c", .string("é\n")),
        ])
        #expect(try value(text) == expected && value(expected.text) == expected)
        #expect(try value(expected.indentedText) == expected)
        #expect(expected["a"]?["k"] == .null && expected["y"] == nil)
        #expect(numbers.map { $0.integer } == [1, nil, 2000, nil])
        #expect(try value(" [ ] ") == .array([]) && value("{}") == .object([]))
        #expect(try value(#""\ud83d\ude42""#).string == "🙂")
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "[1 2]", "tru", "nul", "01", "1.", ".5", "+1", "1e", "-",
        "NaN",
        "\"open", "\"\n\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "1 2", "{1:2}",
        "\u{FEFF}1", "'a'", "// a\n1",
    ])
    func malformedTextsAreRefused(_ text: String) {
        guard let failure = failure(text) else { return }
        #expect((0...text.utf8.count).contains(failure.offset) && !failure.problem.isEmpty)
        #expect(throws: JSONReader.Failure.self) { try read(text) { try $0.skip() } }
    }

    @Test func stringsThatAreNotUTF8AreRefused() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0x5C, 0x6E, 0xED, 0xA0, 0x80, 0x22]] {
            #expect(throws: JSONReader.Failure.self) {
                try bytes.withUnsafeBytes { bytes in
                    var reader = JSONReader(bytes)
                    return try reader.string()
                }
            }
        }
    }

    @Test func depthIsBoundedWhateverReads() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
        }
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            #expect(throws: Never.self) { try value(nested(64, open, close)) }
            for depth in [65, 1 << 20] {
                #expect(failure(nested(depth, open, close))?.problem.contains("64 deep") == true)
                #expect(throws: JSONReader.Failure.self) { try read(nested(depth, open, close)) { try $0.skip() } }
            }
        }
        // Side by side they do not add up.
        let wide = "[" + Array(repeating: "[{}, []]", count: 1000).joined(separator: ",") + "]"
        #expect(try value(wide).elements?.count == 1000)
    }

    @Test func aKeyThatComesTwiceIsTheCallersChoice() throws {
        let text = "{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}"
        #expect(failure(text)?.problem.contains("'c' occurs twice") == true)
        #expect(try value(text, .allowed)["b"]?["c"]?.integer == 2)
        var keys: [String] = []
        try read(text) { reader in
            try reader.members { reader, key, place in
                keys.append("\(key)@\(place)")
                try reader.skip()
            }
        }
        #expect(keys == ["a@1", "b@9"])
    }

    @Test func countsAreBounded() throws {
        let members = "{" + (0..<5).map { "\"\($0)\": 0" }.joined(separator: ",") + "}"
        func count(_ limit: Int) throws {
            try read(members) { reader in try reader.members(atMost: limit) { reader, _, _ in try reader.skip() } }
        }
        #expect(throws: Never.self) { try count(5) }
        #expect(throws: JSONReader.Failure.self) { try count(4) }
        #expect(throws: Never.self) { try read("[0, [0]]") { try $0.value(atMost: 4) } }
        #expect(throws: JSONReader.Failure.self) { try read("[0, [0]]") { try $0.value(atMost: 3) } }
    }

    @Test func numbersAreReadAsAsked() throws {
        #expect(try read("9223372036854775807") { try $0.count("n") } == .max)
        for text in ["-1", "1.0", "1e2", "9223372036854775808"] {
            #expect(throws: JSONReader.Failure.self) { try read(text) { try $0.count("n") } }
        }
        #expect(try read("1e2") { try $0.integer() } == 100)
        for text in ["0.5", "1e999", "\"1\""] {
            #expect(throws: JSONReader.Failure.self) { try read(text) { try $0.integer() } }
        }
        #expect(try read("-2.5e-1") { try $0.number() } == -0.25)
        #expect(throws: JSONReader.Failure.self) { try value(String(repeating: "1", count: 401)) }
        #expect(try read("null") { try $0.stringIfPresent() } == nil)
        #expect(try read("\"x\"") { try $0.stringIfPresent() } == "x")
        #expect(try read("true") { try $0.boolean() } && !read("false") { try $0.boolean() })
    }
}
