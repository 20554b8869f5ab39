import Kernels
import ModelFormats
import TensorCore
import Tokenizers

/// Writes small models of random weights, for tests and for timings of shapes whose weights cannot be had.
///
/// Its text is noise; its file is a whole GGUF model with a byte-level
/// vocabulary that encodes every byte.
public enum RandomModel {
    /// Sizes of the model to write.
    public struct Shape: Sendable {
        public var layers = 2
        public var heads = 4
        public var kvHeads = 2
        public var headDim = 32
        public var feedForwardWidth = 96
        public var contextLength = 1024
        public var isOutputTied = true

        public init() {}

        /// Sizes of known models, for timings.
        public static let known: [(name: String, shape: Shape)] = [
            ("llama-2-7b", Shape(layers: 32, heads: 32, kvHeads: 32, feedForwardWidth: 11_008)),
            ("llama-2-13b", Shape(layers: 40, heads: 40, kvHeads: 40, feedForwardWidth: 13_824)),
            ("mistral-7b", Shape(layers: 32, heads: 32, kvHeads: 8, feedForwardWidth: 14_336)),
            ("llama-3-8b", Shape(layers: 32, heads: 32, kvHeads: 8, feedForwardWidth: 14_336)),
            ("qwen2.5-7b", Shape(layers: 28, heads: 28, kvHeads: 4, feedForwardWidth: 18_944)),
        ]

        private init(layers: Int, heads: Int, kvHeads: Int, feedForwardWidth: Int) {
            self.init()
            (self.layers, self.heads, self.kvHeads) = (layers, heads, kvHeads)
            self.feedForwardWidth = feedForwardWidth
            headDim = 128
            contextLength = 131_072
        }
    }

    /// Text of the token that ends a generation; bytes and a few merges come before it.
    public static let endText = "<|endoftext|>"
    private static let merges = ["Ġ t", "h e", "Ġt he", "i n", "e r", "a n"]

    /// Writes a model with the same bytes for the same arguments.
    ///
    /// Weights are Gaussian with variance 1/columns, so that activations keep
    /// their size through the layers; norms are 1; embeddings are an eighth of that,
    /// so that logits stay within a few units. The first key channel of
    /// every head is ten times the others, an outlier for analyses to find.
    ///
    /// - Parameters:
    ///   - architecture: one of ``ArchitectureCatalogue``; qwen2 gets random biases, and gemma3 a window of an eighth of
    ///     the context.
    ///   - elementType: of matrices, `.float32` or `.float16`; vectors are always float32.
    /// - Throws: `ModelError` for another architecture, type or impossible shape; `GGUFError` if it cannot be written.
    public static func write(
        path: String,
        architecture: String = "llama",
        seed: UInt64,
        shape: Shape = Shape(),
        elementType: ElementType = .float32,
        overwrite: Bool = true
    ) throws {
        let supported = ArchitectureCatalogue.all.map { $0.id }
        guard supported.contains(architecture) else {
            throw ModelError.unknownArchitecture(path: path, name: architecture, supported: supported)
        }
        guard elementType == .float32 || elementType == .float16 else {
            throw ModelError.invalidSetting(
                name: "element type",
                value: elementType.rawValue,
                expected: "f32 or f16"
            )
        }
        var builder = Builder(architecture: architecture, seed: seed, shape: shape, elementType: elementType)
        try builder.addTensors()
        try builder.writer.write(to: path, overwrite: overwrite)
    }

    private static var vocabulary: [String] {
        ByteAlphabet.scalars.compactMap { Unicode.Scalar($0).map { String($0) } }
            + merges.map { $0.split(separator: " ").joined() }
            + [endText]
    }
}

extension RandomModel {
    private struct Builder {
        let architecture: String
        let shape: Shape
        let elementType: ElementType
        var generator: SeededGenerator
        var writer = GGUFWriter()

        var width: Int { shape.heads * shape.headDim }
        var cachedWidth: Int { shape.kvHeads * shape.headDim }
        private var isFalcon: Bool { architecture == FalconArchitecture.id }
        private var isGemma3: Bool { architecture == Gemma3Architecture.id }

        init(architecture: String, seed: UInt64, shape: Shape, elementType: ElementType) {
            self.architecture = architecture
            self.shape = shape
            self.elementType = elementType
            generator = SeededGenerator(seed: seed)
            addMetadata(seed: seed)
        }

        private mutating func addMetadata(seed: UInt64) {
            writer.set("general.architecture", .string(architecture))
            writer.set("general.name", .string("random \(architecture), seed \(seed)"))
            for (key, value) in [
                ("block_count", shape.layers), ("context_length", shape.contextLength), ("embedding_length", width),
                ("feed_forward_length", shape.feedForwardWidth), ("attention.head_count", shape.heads),
                ("attention.head_count_kv", shape.kvHeads),
            ] {
                writer.set("\(architecture).\(key)", .uint32(UInt32(value)))
            }
            writer.set("\(architecture).rope.freq_base", .float32(10_000))
            let epsilon = isFalcon ? "layer_norm_epsilon" : "layer_norm_rms_epsilon"
            writer.set("\(architecture).attention.\(epsilon)", .float32(1e-5))
            if isGemma3 {
                writer.set("\(architecture).attention.sliding_window", .uint32(UInt32(max(1, shape.contextLength / 8))))
            }
            let vocabulary = RandomModel.vocabulary
            let end = vocabulary.count - 1
            writer.set("tokenizer.ggml.model", .string("gpt2"))
            writer.set("tokenizer.ggml.pre", .string("smollm"))
            writer.set("tokenizer.ggml.tokens", strings: vocabulary)
            writer.set("tokenizer.ggml.merges", strings: RandomModel.merges)
            let kinds = vocabulary.indices.map { Int32($0 == end ? 3 : 1) }
            writer.set("tokenizer.ggml.token_type", .array(MetadataArray(int32s: kinds)))
            writer.set("tokenizer.ggml.eos_token_id", .uint32(UInt32(end)))
        }

        mutating func addTensors() throws {
            let vocabulary = RandomModel.vocabulary.count
            try addMatrix("token_embd.weight", rows: vocabulary, columns: width, deviation: 0.125)
            try addNorm("output_norm")
            if !shape.isOutputTied { try addMatrix("output.weight", rows: vocabulary, columns: width) }
            for layer in 0..<shape.layers { try addLayer("blk.\(layer).") }
        }

        private mutating func addLayer(_ prefix: String) throws {
            try addNorm(prefix + "attn_norm")
            if isFalcon { return try addParallelParts(prefix) }
            try addNorm(prefix + "ffn_norm")
            if isGemma3 {
                try addNorm(prefix + "post_attention_norm")
                try addNorm(prefix + "post_ffw_norm")
            }
            let hasHeadNorms = isGemma3 || architecture == Qwen3Architecture.id
            if hasHeadNorms {
                try addNorm(prefix + "attn_q_norm", count: shape.headDim)
                // A large row would be evened out with its head.
                try addNorm(prefix + "attn_k_norm", count: shape.headDim, first: 10)
            }
            for (part, rows) in [("q", width), ("k", cachedWidth), ("v", cachedWidth)] {
                let name = "\(prefix)attn_\(part)"
                try addMatrix(
                    name + ".weight",
                    rows: rows,
                    columns: width,
                    outlierRows: part == "k" && !hasHeadNorms ? 0..<cachedWidth : 0..<0
                )
                if architecture == Qwen2Architecture.id {
                    try writer.add(name + ".bias", dimensions: [rows], floats: gaussians(rows, deviation: 0.1))
                }
            }
            try addMatrix(prefix + "attn_output.weight", rows: width, columns: width)
            try addMatrix(prefix + "ffn_gate.weight", rows: shape.feedForwardWidth, columns: width)
            try addMatrix(prefix + "ffn_up.weight", rows: shape.feedForwardWidth, columns: width)
            try addMatrix(prefix + "ffn_down.weight", rows: width, columns: shape.feedForwardWidth)
        }

        /// Falcon's: one matrix of queries, keys and values; no gate.
        private mutating func addParallelParts(_ prefix: String) throws {
            let fused = prefix + "attn_qkv.weight", keys = width..<width + cachedWidth
            try addMatrix(fused, rows: width + 2 * cachedWidth, columns: width, outlierRows: keys)
            try addMatrix(prefix + "attn_output.weight", rows: width, columns: width)
            try addMatrix(prefix + "ffn_up.weight", rows: shape.feedForwardWidth, columns: width)
            try addMatrix(prefix + "ffn_down.weight", rows: width, columns: shape.feedForwardWidth)
        }

        /// Ones, and zeros of biases where the family's norms have them.
        private mutating func addNorm(_ name: String, count: Int? = nil, first: Float = 1) throws {
            let count = count ?? width
            let weights = [first] + [Float](repeating: 1, count: count - 1)
            try writer.add(name + ".weight", dimensions: [count], floats: weights)
            guard isFalcon else { return }
            try writer.add(name + ".bias", dimensions: [count], floats: [Float](repeating: 0, count: count))
        }

        /// Of the outlier rows the first of each head is ten times the others.
        private mutating func addMatrix(
            _ name: String,
            rows: Int,
            columns: Int,
            deviation: Double? = nil,
            outlierRows: Range<Int> = 0..<0
        ) throws {
            var values = gaussians(rows * columns, deviation: deviation ?? 1 / Double(columns).squareRoot())
            for row in stride(from: outlierRows.lowerBound, to: outlierRows.upperBound, by: shape.headDim) {
                for place in row * columns..<(row + 1) * columns { values[place] *= 10 }
            }
            if elementType == .float16 {
                try writer.add(name, dimensions: [columns, rows], halves: HalfConversion.toHalf(values))
            } else {
                try writer.add(name, dimensions: [columns, rows], floats: values)
            }
        }

        /// Beyond a million, numbers come again from a random place on: large models are for timings only.
        private mutating func gaussians(_ count: Int, deviation: Double) -> [Float] {
            let drawn = (0..<min(count, 1 << 20)).map { _ in Float(generator.nextGaussian() * deviation) }
            guard drawn.count < count else { return drawn }
            return [Float](unsafeUninitializedCapacity: count) { buffer, filled in
                while filled < count {
                    let first = filled == 0 ? 0 : Int(generator.next() % UInt64(drawn.count))
                    let part = min(drawn.count - first, count - filled)
                    _ = buffer[filled..<filled + part].initialize(fromContentsOf: drawn[first..<first + part])
                    filled += part
                }
            }
        }
    }
}
