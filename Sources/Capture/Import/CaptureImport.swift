import Foundation
import HDF5
import Inference
import TensorCore

/// Turns arrays that other programs saved into a capture file.
///
/// Elements are read in slabs, layer by layer, and never all at once: memory is that of a `CaptureRecorder` and one
/// slab of each tensor of a layer, whatever the size of the files.
public struct CaptureImport {
    /// What the model is, where files do not say; a value given here wins.
    public struct Description: Sendable {
        public var name: String?
        public var architecture: String?
        /// Layers of the model, of which the files may hold some.
        public var layers: Int?
        public var heads: Int?
        public var kvHeads: Int?
        public var ropeBase: Double?
        public var ropeLayout: String?
        public var vocabulary: Int?
        /// Factor on scores before the softmax; 1/√channels if nothing says another.
        public var attentionScale: Double?
        /// Scaled scores s become c·tanh(s / c), as in Gemma 2; 0 for none.
        public var logitSoftcap: Double?
        /// What layers see; a later entry wins.
        public var attentionWindows: [AttentionWindow] = []

        public init() {}
    }

    /// How many tokens some layers see.
    public struct AttentionWindow: Sendable, Equatable {
        /// The token itself among them; 0 for all before it.
        public var tokens: Int
        /// `nil` for all layers.
        public var layers: [Int]?

        public init(tokens: Int, layers: [Int]? = nil) {
            self.tokens = tokens
            self.layers = layers
        }
    }

    public struct Options: Sendable {
        public var axes: ImportAxes
        /// How arrays are named; `nil` tries the usual ways.
        public var pattern: String?
        /// Tensors to import; `nil` for all that are found.
        public var tensors: [CapturedTensor]?
        /// Name of the array of token ids; `nil` tries the usual ones.
        public var tokens: String?
        /// What 16-bit integers stand for: `.bfloat16` or `.float16`; without it they are refused, and NumPy's raw
        /// 16 bits (`|V2`), which it writes for bfloat16, are taken as that.
        public var bits16: ElementType?
        /// How the capture stores elements: `.float16` or `.float32`.
        public var elementType: ElementType = .float16
        public var description = Description()

        public init(axes: ImportAxes) { self.axes = axes }

        func heads(of tensor: CapturedTensor) -> Int? { tensor == .query ? description.heads : description.kvHeads }
    }

    /// What an import did beside writing the capture.
    public struct Summary: Sendable {
        public let result: CaptureResult
        public let sequences: Int
        public let layers: [Int]
        public let tensors: [CapturedTensor]
        /// One sentence each.
        public let warnings: [String]
    }

    private let sequences: [ImportSequence]
    private let options: Options

    /// Opens files and sorts their arrays; no element is read yet.
    ///
    /// - Throws: `ImportError` with file, member and byte; `CaptureError` for an HDF5 file that cannot be read.
    public init(files: [String], options: Options) throws {
        self.options = options
        sequences = try ImportSequence.sort(try files.map { try ImportedFile(path: $0) }, options: options)
    }

    /// Layers that the files hold, rising.
    public var layersFound: [Int] { Set(sequences.flatMap { $0.tensors.keys.map { $0.layer } }).sorted() }

    /// Writes the capture; nothing is left at `path` or beside it if that fails or `progress` throws.
    ///
    /// - Parameters:
    ///   - layers: layers to import; `nil` for all that are found.
    ///   - progress: called with the share that is done, from 0 to 1.
    /// - Throws: `ImportError`, `CaptureError`, what `progress` throws.
    /// - Complexity: O(elements), each read once; members of a zip are read once more for their checksum.
    public func run(
        to path: String,
        layers chosen: [Int]? = nil,
        overwrite: Bool = false,
        command: String,
        toolVersion: String,
        progress: (Double) throws -> Void = { _ in }
    ) throws -> Summary {
        let shape = try ImportShape(sequences, options: options, layers: chosen)
        let metadata = try ImportMetadata(sequences, shape: shape, options: options)
        let recorder = try CaptureRecorder(
            path: path,
            metadata: metadata.capture(command: command, toolVersion: toolVersion),
            tensors: shape.tensors,
            layers: shape.layers,
            elementType: options.elementType,
            overwrite: overwrite
        )
        do {
            var done = 0
            let total = Double(shape.tokenCounts.reduce(0, +) * shape.layers.count * shape.tensors.count)
            for (sequence, tokens) in zip(sequences, shape.tokenCounts) {
                let (ids, pieces) = try sequence.tokens(count: tokens, scratchFolder: folder(of: path))
                try recorder.beginSequence(name: sequence.name, tokens: ids, tokenBytes: pieces)
                for layer in shape.layers {
                    try copy(layer, of: sequence, tokens: tokens, shape, to: recorder, folder: folder(of: path)) {
                        done += $0
                        try progress(Double(done) / total)
                    }
                }
            }
            let result = try recorder.finish()
            return Summary(
                result: result,
                sequences: sequences.count,
                layers: shape.layers,
                tensors: CapturedTensor.allCases.filter { shape.tensors.contains($0) },
                warnings: warnings(shape) + metadata.notes
                    + result.warnings.map {
                        $0.replacing("capture with", with: "import with")
                    }
            )
        } catch {
            recorder.abandon()
            unlink(recorder.partialPath)
            throw error
        }
    }

    /// Elements of a slab of one tensor.
    private static let slabElements = 1 << 20

    private func copy(
        _ layer: Int,
        of sequence: ImportSequence,
        tokens: Int,
        _ shape: ImportShape,
        to recorder: CaptureRecorder,
        folder: String,
        step: (Int) throws -> Void
    ) throws {
        let tensors = CapturedTensor.allCases.filter { shape.tensors.contains($0) }
        let sources = try tensors.compactMap { tensor in
            try sequence.tensors[TensorKey(layer: layer, tensor: tensor)].map { source in
                try ImportedSlabs(
                    source,
                    axes: options.axes,
                    heads: tensor == .query ? shape.queryHeads ?? 0 : shape.kvHeads,
                    channels: shape.headDim,
                    element: options.element(of: source.array),
                    scratchFolder: folder
                )
            }
        }
        let widest = sources.reduce(1) { max($0, $1.rowElements) }
        let most = max(1, Self.slabElements / widest)
        let slab = most < 512 ? most : most / 512 * 512
        for first in stride(from: 0, to: tokens, by: slab) {
            let range = first..<min(tokens, first + slab)
            for (tensor, source) in zip(tensors, sources) {
                try source.withTokens(range) { values in
                    try recorder.record(
                        tensor,
                        layer: layer,
                        firstToken: first,
                        tokens: range.count,
                        heads: source.heads,
                        headDim: source.channels,
                        values: values
                    )
                }
                try step(range.count)
            }
        }
    }

    private func warnings(_ shape: ImportShape) -> [String] {
        var warnings: [String] = []
        let ignored = sequences.flatMap { $0.ignored }
        if !ignored.isEmpty {
            let names = ignored.map { name, nearest in
                name + (nearest.map { " (did you mean \($0)?)" } ?? "")
            }
            warnings.append("not imported, since the names are not understood: \(shownNames(names))")
        }
        let tokens = shape.tokenCounts.max() ?? 0
        if shape.kvHeads > tokens, tokens > 0, shape.kvHeads > 16, options.description.kvHeads == nil {
            warnings.append(
                "\(shape.kvHeads) heads of \(tokens) tokens: do tokens and heads change places in "
                    + "--axes \(options.axes.text)?"
            )
        }
        return warnings
    }
}

extension CaptureImport.Options {
    /// What the bits of an array are.
    ///
    /// - Throws: `ImportError` for a type that is no float, or 16 bits of an unknown one.
    func element(of array: ImportedArray) throws -> ImportedElement {
        switch array.element {
        case .float16?, .bfloat16?, .float32?, .float64?: return array.element ?? .float32
        case .bits16?:
            switch bits16 {
            case .bfloat16?: return .bfloat16
            case .float16?: return .float16
            default:
                if array.typeName.hasSuffix("V2") { return .bfloat16 }
                throw ImportError(
                    array.location,
                    "its elements are 16-bit integers (\(array.typeName))",
                    expected: "floats",
                    remedy: "if they are the bits of floats, say of which: --bits16 bf16 or --bits16 f16"
                )
            }
        case .int32?, .int64?, nil:
            let isSwapped = array.typeName.hasPrefix(">")
            throw ImportError(
                array.location,
                "its elements are of type \(shownName(array.typeName))" + (isSwapped ? ", big-endian" : ""),
                expected: "float16, bfloat16, float32 or float64",
                remedy: "convert it: array.astype(numpy.float16)"
            )
        }
    }
}
