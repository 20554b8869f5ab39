import Capture
import Foundation
import Inference
import TensorCore
import TestSupport
import Testing

/// Files and options that an import must refuse, each with what the message says.
@Suite struct ImportRefusalTests {
    /// What importing these arrays, as members of one archive, says.
    private func refusal(
        _ members: [(name: String, content: [UInt8])],
        axes: String = "token,head,channel",
        checksum: UInt32? = nil,
        _ change: (inout CaptureImport.Options) -> Void = { _ in }
    ) throws -> String {
        try withTemporaryFolder { folder in
            let file = folder + "/a.npz"
            try write(zip(members.map { ($0.name + ".npy", $0.content) }, checksum: checksum), to: file)
            let message = try refusal(of: file, axes: axes, change)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.npz"])
            return message.replacingOccurrences(of: folder + "/", with: "")
        }
    }

    private func refusal(
        of file: String,
        axes: String = "token,head,channel",
        _ change: (inout CaptureImport.Options) -> Void = { _ in }
    ) throws -> String {
        do {
            var options = CaptureImport.Options(axes: try ImportAxes(parsing: axes))
            change(&options)
            let out = file + ".out.h5"
            _ = try CaptureImport(files: [file], options: options).run(to: out, command: "test", toolVersion: "test")
            try FileManager.default.removeItem(atPath: out)
            return "imported"
        } catch let error as any ActionableError {
            return error.description
        }
    }

    private func array(_ shape: [Int], _ descriptor: String = "<f4") -> [UInt8] {
        npy(descriptor, shape, [UInt8](repeating: 0, count: shape.reduce(1, *) * 4))
    }

    @Test func axesAreCheckedAgainstTheShape() throws {
        let key = [(name: "layer_0_key", content: array([1, 5, 2, 4]))]
        let missing = try refusal(key)
        #expect(missing.contains("a.npz, member 'layer_0_key.npy': its shape (1, 5, 2, 4) has 4 axes; expected 3"))
        #expect(missing.contains("--axes batch,token,head,channel"))
        let batch = try refusal([("layer_0_key", array([3, 5, 2, 4]))], axes: "batch,token,head,channel")
        #expect(batch.contains("its batch axis has the size 3; expected 1"))
        #expect(try refusal(key, axes: "batch,token,haed,channel").contains("Did you mean 'head'?"))
        #expect(try refusal(key, axes: "batch,token,token,channel").contains("the axis token stands twice"))
        #expect(
            try refusal(key, axes: "batch,token,channel").contains("expected token, and either kv_head and channel")
        )
        #expect(try refusal([("layer_0_key", array([5, 8]))], axes: "token,kv_head*channel").contains("--kv-heads"))
        let odd = try refusal([("layer_0_key", array([5, 8]))], axes: "token,kv_head*channel") {
            $0.description.kvHeads = 3
        }
        #expect(odd.contains("its 8 columns are not those of 3 heads"))
        #expect(try refusal([("layer_0_key", array([0, 2, 4]))]).contains("has no elements"))
        let layers = try refusal([("key", npy("<x9", [1 << 40, 2, 2, 4], []))], axes: "layer,token,head,channel")
        #expect(layers.contains("its layer axis has the size 1099511627776; expected at most 10000"))
    }

    @Test func shapesMustAgree() throws {
        let tokens = try refusal([("layer_0_key", array([5, 2, 4])), ("layer_0_value", array([6, 2, 4]))])
        #expect(tokens.contains("'layer_0_value.npy': its shape (6, 2, 4) has 6 along the token axis; expected 5"))
        let heads = try refusal([("layer_0_key", array([5, 2, 4])), ("layer_1_key", array([5, 1, 4]))])
        #expect(heads.contains("has 1 along the head axis; expected 2") && heads.contains("change places"))
        let channels = try refusal([("layer_0_key", array([5, 2, 4])), ("layer_0_value", array([5, 2, 6]))])
        #expect(channels.contains("a capture holds heads of one width"))
        let queries = try refusal([("layer_0_key", array([5, 2, 4])), ("layer_0_query", array([5, 3, 4]))])
        #expect(queries.contains("3 query heads cannot share 2 key/value heads"))
        let given = try refusal([("layer_0_key", array([5, 2, 4]))]) { $0.description.kvHeads = 5 }
        #expect(given.contains("has 2 heads by --axes token,head,channel; expected 5, as --kv-heads says"))
    }

    @Test func axesThatCanOnlyHaveChangedPlacesAreRefused() throws {
        let long = [(name: "layer_0_key", content: array([8, 2048, 4]))]
        // Right as it is: 8 heads of 2,048 tokens.
        #expect(try refusal(long, axes: "head,token,channel") == "imported")
        let swapped = try refusal(long)
        #expect(swapped.contains("its shape (8, 2048, 4) has 2048 heads of 8 tokens by --axes token,head,channel"))
        #expect(swapped.contains("exchange token and head in --axes, or say that it is so: --kv-heads 2048"))
        #expect(try refusal(long) { $0.description.kvHeads = 2048 } == "imported")
        // The model has 32 query heads, which 2,048 key heads contradict; and 8 of both.
        let heads = try refusal(long) { $0.description.heads = 32 }
        #expect(heads.contains("2048 heads of 8 tokens"), "\(heads)")
        let few = try refusal([("layer_0_key", array([8, 48, 4]))]) { $0.description.heads = 32 }
        #expect(few.contains("32 query heads cannot share 48 key/value heads") && few.contains("change places"))
        let told = try refusal([("layer_0_key", array([8, 20, 4]))]) { $0.description.kvHeads = 8 }
        #expect(told.contains("has 20 heads") && told.contains("change places"))
    }

    @Test func attentionThatMakesNoSenseIsRefused() throws {
        let key = [(name: "layer_0_key", content: array([5, 2, 4]))]
        let layer = try refusal(key) { $0.description.attentionWindows = [.init(tokens: 4, layers: [3])] }
        #expect(layer.contains("--attention-window names layer 3") && layer.contains("--model-layers"))
        #expect(try refusal(key) { $0.description.attentionScale = 0 }.contains("--attention-scale is 0"))
        #expect(try refusal(key) { $0.description.logitSoftcap = -1 }.contains("--logit-softcap is -1"))
    }

    @Test func aTypoInANameIsFound() throws {
        let key = array([5, 2, 4])
        let typo = try refusal([
            ("layer_0_key", key), ("layer_0_value", key), ("layer_1_key", key), ("layer_1_vlaue", key),
        ])
        #expect(typo.contains("layer 1 has no value") && typo.contains("'layer_1_vlaue' is not understood"))
        #expect(typo.contains("did you mean 'layer_1_value'?"), "\(typo)")
        let none = try refusal([("hidden", key), ("logits", key)])
        #expect(none.contains("no array has a name that is understood: hidden, logits") && none.contains("--pattern"))
        let pattern = try refusal([("a0", key)]) { $0.pattern = "layer_{layr}_{tensor}" }
        #expect(pattern.contains("{layr} is unknown"))
        #expect(try refusal([("a0", key)]) { $0.pattern = "{tensor}" }.contains("{layer} is missing"))
        let twice = try refusal([("layer_0_key", key), ("layer_0_keys", key)])
        #expect(twice.contains("is key of layer 0, as layer_0_key is"))
    }

    @Test func otherElementsAreRefusedByName() throws {
        for (descriptor, words) in [
            (">f4", "big-endian"), ("<i4", "of type <i4"), ("<u2", "--bits16 bf16"), ("<c8", "of type <c8"),
        ] {
            let bytes = descriptor == "<u2" ? 2 : descriptor == "<c8" ? 8 : 4
            let content = npy(descriptor, [5, 2, 4], [UInt8](repeating: 0, count: 40 * bytes))
            let message = try refusal([("layer_0_key", content)])
            #expect(message.contains(words) && message.contains("layer_0_key"), "\(message)")
        }
        let ids = try refusal([
            ("layer_0_key", array([5, 2, 4])), ("tokens", npy("<i4", [4], bytes(of: [Int32](0..<4)))),
        ])
        #expect(ids.contains("token ids of shape (4); expected (5)") && ids.contains("change places"))
    }

    @Test func bitsOfBFloat16AreTakenAsTold() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/layer_0_key.npy"
            // 1.0 in bfloat16.
            for (descriptor, told) in [("|V2", nil), ("<u2", ElementType.bfloat16)] {
                try write(npy(descriptor, [1, 1, 2], bytes(of: [UInt16(0x3F80), 0xBF80])), to: file)
                var options = CaptureImport.Options(axes: try ImportAxes(parsing: "token,head,channel"))
                options.bits16 = told
                _ = try CaptureImport(files: [file], options: options)
                    .run(to: folder + "/c.h5", overwrite: true, command: "test", toolVersion: "test")
                #expect(try CaptureFile(path: folder + "/c.h5").readFloat(.key, layer: 0, tokens: 0..<1) == [1, -1])
            }
        }
    }

    @Test func changedBytesAreFoundByTheChecksum() throws {
        let message = try refusal([("layer_0_key", array([5, 2, 4]))], checksum: 1)
        #expect(message.contains("member 'layer_0_key.npy': its CRC-32 does not match"))
        try withTemporaryFolder { folder in
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: ImportFixtures.path("tiny-llama-deflated.npz"))))
            let file = folder + "/a.npz"
            // Some member's deflated bytes: either they do not inflate, or to something else.
            for place in stride(from: 200, to: 3000, by: 97) {
                bytes[place] ^= 0x10
                try write(bytes, to: file)
                let message = try refusal(of: file, axes: "batch,head,token,channel") {
                    $0.tensors = [.key, .value, .query]
                }
                bytes[place] ^= 0x10
                #expect(message == "imported" || message.contains("a.npz"), "\(place): \(message)")
            }
        }
    }

    @Test(arguments: [
        "tiny-llama.npz", "tiny-llama-deflated.npz", "stacked-key.npy", "tiny-llama-bfloat16.safetensors",
    ])
    func anEndAnywhereIsRefused(name: String) throws {
        let whole = [UInt8](try Data(contentsOf: URL(filePath: ImportFixtures.path(name))))
        let axes =
            name.hasPrefix("stacked")
            ? "layer,token,kv_head*channel"
            : name.hasSuffix("npz") ? "batch,head,token,channel" : "token,head,channel"
        try withTemporaryFolder { folder in
            let file = folder + "/" + name.replacingOccurrences(of: "stacked-", with: "")
            func message(_ length: Int) throws -> String {
                try write(Array(whole.prefix(length)), to: file)
                return try refusal(of: file, axes: axes) {
                    $0.description.kvHeads = 2
                    $0.tensors = [.key]
                }
            }
            #expect(try message(whole.count) == "imported")
            for length in stride(from: 0, to: whole.count, by: 61) {
                let message = try message(length)
                #expect(message != "imported" && message.contains(file), "\(length): \(message)")
            }
        }
    }

    @Test func otherFilesAreToldApart() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/file"
            #expect(try refusal(of: folder + "/none.npz").contains("cannot be opened: No such file"))
            #expect(try refusal(of: folder).contains("is no regular file"))
            try write([], to: path)
            #expect(try refusal(of: path).contains("the file is empty"))
            try write(Array("GGUF....".utf8), to: path)
            #expect(try refusal(of: path).contains("that is a model: kvatlas capture"))
            try write([0x80, 2, 0x8A], to: path)
            #expect(try refusal(of: path).contains("that is a pickle"))
            try SyntheticCapture(sequenceLengths: [3]).write(to: folder + "/c.h5")
            #expect(try refusal(of: folder + "/c.h5").contains("is a capture already"))
            try write(zip([("archive/data.pkl", [1, 2, 3])]), to: path)
            #expect(try refusal(of: path).contains("a checkpoint of PyTorch"))
            try write(zip([("x.npy", [1, 2, 3])]), to: path)
            #expect(try refusal(of: path).contains("member 'x.npy': does not begin with \\x93NUMPY"))
            let wrong = npy("<f4", [5, 2, 4], [UInt8](repeating: 0, count: 100))
            try write(zip([("layer_0_key.npy", wrong)]), to: path)
            #expect(try refusal(of: path).contains("its shape [5, 2, 4] of <f4 takes 160 bytes; expected 100"))
            let huge = npy("<f4", [1 << 40, 1 << 40, 4], [])
            try write(huge, to: path)
            #expect(try refusal(of: path).contains("has more elements than any file"))
        }
    }

    @Test(arguments: [
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "its elements are records"),
        ("{'descr': '<f4', 'shape': (1,)}", "lacks one of its keys"),
        ("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}", "neither True nor False"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (-1,)}", "no size of an axis"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)} x", "goes on after its end"),
        ("{'descr': '<f4', 'descr': '<f4'}", "has the key 'descr' here"), ("[1]", "has no '{' here"),
        ("{'descr': '<f4", "ends inside a text"),
    ])
    func headersOfNumPyAreReadStrictly(literal: String, words: String) throws {
        try withTemporaryFolder { folder in
            let path = folder + "/layer_0_key.npy"
            let text = literal + "\n"
            let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0]
            try write(start + Array(text.utf8), to: path)
            let message = try refusal(of: path)
            #expect(message.contains(words), "\(message)")
        }
    }
}
