import Capture
import Foundation
import HDF5
import Inference
import Kernels
import TensorCore
import TestSupport
import Testing

/// Arrays of other programs become captures with the same elements.
@Suite struct ImportTests {
    private func importing(
        _ files: [String],
        axes: String,
        to path: String,
        _ change: (inout CaptureImport.Options) -> Void = { _ in }
    ) throws -> CaptureImport.Summary {
        var options = CaptureImport.Options(axes: try ImportAxes(parsing: axes))
        change(&options)
        return try CaptureImport(files: files, options: options)
            .run(to: path, command: "test", toolVersion: "test")
    }

    private func expectBits(
        _ capture: CaptureFile,
        _ expected: [String: [UInt16]],
        tensors: [CapturedTensor],
        _ rounding: ([UInt16]) -> [UInt16] = { $0 }
    ) throws {
        #expect(capture.tensorsPresent == tensors)
        for layer in 0..<2 {
            for tensor in tensors {
                let bits = try capture.readHalf(tensor, layer: layer, tokens: 0..<capture.tokenCount)
                let wanted = try #require(expected["\(layer) \(tensor.rawValue)"])
                #expect(bits == rounding(wanted), "\(tensor.rawValue) of layer \(layer)")
            }
        }
    }

    @Test func theHooksFileIsTheModelsTensors() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let files = [ImportFixtures.path("tiny-llama.h5")]
            let summary = try importing(files, axes: "token,kv_head,channel", to: path)
            #expect(summary.warnings == [] && summary.layers == [0, 1])
            let capture = try CaptureFile(path: path)
            try expectBits(capture, try ImportFixtures.bits(), tensors: CapturedTensor.allCases)
            #expect(capture.isComplete && capture.sequences.map { $0.name } == ["tiny-llama"])
            #expect(try capture.readTokens(0..<11) == ImportFixtures.ids)
            #expect(try capture.readTexts(0..<3) == ["<3>", "<14>", "<15>"])
            let metadata = capture.metadata
            #expect(metadata.name == "llama" && metadata.architecture == "llama" && metadata.vocabulary == 100)
            #expect(metadata.layers == 2 && metadata.heads == 4 && metadata.kvHeads == 2 && metadata.headDim == 8)
            #expect(metadata.ropeBase == 10000 && metadata.ropeLayout == "halves" && metadata.weightType == "float32")
            #expect(metadata.attention == .usual(layers: 2, headDim: 8, ropeBase: 10000))
        }
    }

    @Test func storedAndDeflatedArchivesAreTheSame() throws {
        try withTemporaryFolder { folder in
            for name in ["tiny-llama.npz", "tiny-llama-deflated.npz"] {
                let path = folder + "/\(name).h5"
                let summary = try importing(
                    [ImportFixtures.path(name)],
                    axes: "batch,kv_head,token,channel",
                    to: path
                ) {
                    $0.description.ropeBase = 10000
                    $0.description.ropeLayout = "halves"
                    $0.description.name = "tiny"
                }
                #expect(summary.warnings == [])
                let capture = try CaptureFile(path: path)
                try expectBits(capture, try ImportFixtures.bits(), tensors: CapturedTensor.allCases)
                #expect(capture.metadata.name == "tiny" && capture.metadata.weightsSHA256 == "unknown")
                let ids = try capture.readTokens(0..<11)
                #expect(ids == (name == "tiny-llama.npz" ? ImportFixtures.ids : [Int32](repeating: -1, count: 11)))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
        }
    }

    @Test func bfloat16OfSafetensorsIsRoundedOnce() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let files = [ImportFixtures.path("tiny-llama-bfloat16.safetensors")]
            let summary = try importing(files, axes: "token,head,channel", to: path) { $0.elementType = .float32 }
            #expect(summary.warnings == [])
            let capture = try CaptureFile(path: path)
            #expect(capture.metadata.name == "tiny" && capture.metadata.ropeBase == 10000)
            let expected = try ImportFixtures.bits()
            for tensor in [CapturedTensor.query, .key, .value] {
                let values = try capture.readFloat(tensor, layer: 1, tokens: 0..<11)
                let halves = try #require(expected["1 \(tensor.rawValue)"])
                let wanted = HalfConversion.toFloat(
                    bfloat16: HalfConversion.toBFloat(HalfConversion.toFloat(halves))
                )
                #expect(values == wanted)
            }
        }
    }

    @Test func layersMayLieAlongAnAxisAndHeadsBesideTheirChannels() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let file = folder + "/key.npy"
            try FileManager.default.copyItem(atPath: ImportFixtures.path("stacked-key.npy"), toPath: file)
            let summary = try importing([file], axes: "layer,token,kv_head*channel", to: path) {
                $0.description.kvHeads = 2
            }
            #expect(
                summary.warnings == ["the number of query heads is not known and taken to be 2; --heads says otherwise"]
            )
            try expectBits(try CaptureFile(path: path), try ImportFixtures.bits(), tensors: [.key])
        }
    }

    @Test func everyOrderOfAxesAndEveryTypeGivesTheSame() throws {
        var generator = SeededGenerator(seed: 5)
        for (tokens, heads, channels) in [(1, 1, 1), (1, 3, 2), (7, 1, 5), (33, 3, 4), (5000, 2, 128)] {
            // Values that float16 holds exactly, so that every type can.
            let values = (0..<tokens * heads * channels).map { _ in
                Float(Int.random(in: -1024...1024, using: &generator)) / 64
            }
            let sizes = ["token": tokens, "kv_head": heads, "channel": channels]
            let strides = ["token": heads * channels, "kv_head": channels, "channel": 1]
            let orders = [
                ["token", "kv_head", "channel"], ["kv_head", "token", "channel"], ["token", "channel", "kv_head"],
                ["channel", "token", "kv_head"], ["kv_head", "channel", "token"], ["channel", "kv_head", "token"],
            ]
            try withTemporaryFolder { folder in
                for (index, order) in orders.enumerated() where tokens < 1000 || index < 3 {
                    let shape = order.map { sizes[$0] ?? 0 }, step = order.map { strides[$0] ?? 0 }
                    var ordered: [Float] = []
                    for a in 0..<shape[0] {
                        for b in 0..<shape[1] {
                            for c in 0..<shape[2] { ordered.append(values[a * step[0] + b * step[1] + c * step[2]]) }
                        }
                    }
                    let encodings: [(String, [UInt8])] = [
                        ("<f4", bytes(of: ordered)), ("<f2", bytes(of: HalfConversion.toHalf(ordered))),
                        ("<f8", bytes(of: ordered.map { Double($0) })),
                    ]
                    let (descriptor, data) = encodings[index % 3]
                    let isFortran = index.isMultiple(of: 2)
                    let names = isFortran ? order.reversed() : order
                    let file = folder + "/layer_0_value.npy"
                    try write(npy(descriptor, isFortran ? shape.reversed() : shape, fortran: isFortran, data), to: file)
                    let path = folder + "/\(index).h5"
                    _ = try importing([file], axes: names.joined(separator: ","), to: path)
                    let capture = try CaptureFile(path: path)
                    #expect(capture.tokenCount == tokens && capture.metadata.kvHeads == heads)
                    #expect(try capture.readFloat(.value, layer: 0, tokens: 0..<tokens) == values, "\(order)")
                }
            }
        }
    }

    @Test func filesThatRepeatATensorAreFurtherPrompts() throws {
        try withTemporaryFolder { folder in
            let lengths = [5, 1, 9]
            var files: [String] = []
            for (index, length) in lengths.enumerated() {
                let values = (0..<length * 4).map { Float($0 + 100 * index) }
                let member = npy("<f4", [length, 1, 4], bytes(of: values))
                files.append(folder + "/text-\(index).npz")
                try write(zip([("key_0.npy", member), ("key_1.npy", member)]), to: files[index])
            }
            let path = folder + "/capture.h5"
            let summary = try importing(files, axes: "token,head,channel", to: path)
            #expect(summary.sequences == 3 && summary.result.tokens == 15)
            let capture = try CaptureFile(path: path)
            #expect(capture.sequences.map { $0.name } == ["text-0", "text-1", "text-2"])
            #expect(capture.sequences.map { $0.length } == lengths)
            #expect(try capture.readFloat(.key, layer: 1, tokens: 5..<7) == [100, 101, 102, 103, 200, 201, 202, 203])
        }
    }

    @Test func nonFiniteNumbersStayAndTooLargeOnesAreCounted() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/layer_0_key.npy", path = folder + "/capture.h5"
            try write(npy("<f4", [1, 1, 5], bytes(of: [Float.nan, .infinity, -.infinity, 1e6, -2])), to: file)
            let summary = try importing([file], axes: "token,head,channel", to: path)
            #expect(summary.result.overflowed == ["layers/000/key": 1])
            #expect(summary.warnings.contains { $0.contains("1 value beyond ±65504") && $0.contains("import with") })
            let values = try CaptureFile(path: path).readFloat(.key, layer: 0, tokens: 0..<1)
            #expect(values[0].isNaN && values[1] == .infinity && values[2] == -.infinity)
            #expect(values[3] == .infinity && values[4] == -2)
        }
    }

    @Test func attentionIsKeptAsOptionsAndFilesSayIt() throws {
        try withTemporaryFolder { folder in
            func attention(
                _ file: String,
                axes: String,
                _ change: (inout CaptureImport.Options) -> Void = { _ in }
            ) throws -> AttentionLayout? {
                let path = folder + "/\(UUID().uuidString).h5"
                _ = try importing([file], axes: axes, to: path, change)
                return try CaptureFile(path: path).metadata.attention
            }
            let silent = folder + "/layer_2_key.npy"
            try write(npy("<f4", [3, 1, 4], bytes(of: [Float](repeating: 1, count: 12))), to: silent)
            #expect(try attention(silent, axes: "token,head,channel") == nil)
            // A window of 0 says that there is none.
            let full = try attention(silent, axes: "token,head,channel") {
                $0.description.attentionWindows = [.init(tokens: 0)]
            }
            #expect(full == .usual(layers: 3, headDim: 4, ropeBase: 0))
            let given = try #require(
                try attention(silent, axes: "token,head,channel") {
                    $0.description.layers = 5
                    $0.description.ropeBase = 1000
                    $0.description.attentionWindows = [.init(tokens: 8), .init(tokens: 0, layers: [1, 4])]
                    $0.description.attentionScale = 0.25
                    $0.description.logitSoftcap = 50
                }
            )
            #expect(given.layers.map { $0.window } == [8, nil, 8, 8, nil])
            #expect(given.scale == 0.25 && given.softcap == 50 && given.rotations == [RotaryEmbedding(base: 1000)])

            // As the hook writes it for models whose layers differ.
            let told = folder + "/told.h5"
            let file = try HDF5.File.create(at: told)
            let key = try file.root.createGroup("layers").createGroup("001")
                .createDataset("key", .float32, shape: [2, 1, 4], storage: Storage(checksum: false))
            try key.write([Double](repeating: 1, count: 8))
            let attributes = try file.root.attributes
            try attributes.write("attention_windows", .integers([4, 0]))
            try attributes.write("attention_scale", .double(0.5))
            try attributes.write("attention_softcap", .double(0))
            try attributes.write("attention_rotations", .integers([1, 0]))
            try attributes.write("rotation_bases", .doubles([1e6, 1e4]))
            try attributes.write("rotation_divisors_0", .doubles([8, 8]))
            try file.close()
            let found = try #require(try attention(told, axes: "token,kv_head,channel"))
            #expect(found.layers == [AttentionReach(window: 4, rotation: 1), AttentionReach(window: nil, rotation: 0)])
            #expect(found.scale == 0.5 && found.softcap == nil)
            let rotations = [RotaryEmbedding(base: 1e6, frequencyDivisors: [8, 8]), RotaryEmbedding(base: 1e4)]
            #expect(found.rotations == rotations)
            let overridden = try attention(told, axes: "token,kv_head,channel") {
                $0.description.attentionWindows = [.init(tokens: 2, layers: [1])]
            }
            #expect(overridden?.layers.map { $0.window } == [4, 2])
        }
    }

    @Test func layersAndTensorsCanBeChosen() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            var options = CaptureImport.Options(axes: try ImportAxes(parsing: "token,head,channel"))
            options.tensors = [.value]
            let source = try CaptureImport(files: [ImportFixtures.path("tiny-llama.h5")], options: options)
            #expect(source.layersFound == [0, 1])
            _ = try source.run(to: path, layers: [1], command: "test", toolVersion: "test")
            let capture = try CaptureFile(path: path)
            #expect(capture.layersPresent == [1] && capture.tensorsPresent == [.value])
            #expect(try capture.readHalf(.value, layer: 1, tokens: 0..<11) == ImportFixtures.bits()["1 value"])
        }
    }

    @Test func whatStopsInTheMiddleLeavesNothing() throws {
        struct Stop: Error {}
        try withTemporaryFolder { folder in
            let source = try CaptureImport(
                files: [ImportFixtures.path("tiny-llama-deflated.npz")],
                options: CaptureImport.Options(axes: try ImportAxes(parsing: "batch,head,token,channel"))
            )
            #expect(throws: ImportError.self) {
                // Keys before RoPE need its base.
                _ = try source.run(to: folder + "/c.h5", command: "test", toolVersion: "test")
            }
            var options = CaptureImport.Options(axes: try ImportAxes(parsing: "batch,head,token,channel"))
            options.tensors = [.key, .value]
            let stopped = try CaptureImport(files: [ImportFixtures.path("tiny-llama-deflated.npz")], options: options)
            #expect(throws: Stop.self) {
                _ = try stopped.run(to: folder + "/c.h5", command: "test", toolVersion: "test") { share in
                    if share > 0.5 { throw Stop() }
                }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }
}
