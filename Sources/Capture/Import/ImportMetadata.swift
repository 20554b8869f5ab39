import HDF5
import Inference
import TensorCore

/// What the capture says of its model, from the options first, then from the files.
struct ImportMetadata {
    /// What was assumed, one sentence each.
    private(set) var notes: [String] = []
    private let shape: ImportShape
    private let sequences: [ImportSequence]
    private let name: String
    private let architecture: String
    private let layers: Int
    private let heads: Int
    private let ropeBase: Double
    private let ropeLayout: String
    private let vocabulary: Int
    private let attention: AttentionLayout?

    /// Stands where a text is required and nothing is known.
    private static let unknown = "unknown"

    /// - Throws: `ImportError` for prompts of different models, numbers that are none, or keys before RoPE without
    ///   what is needed to rotate them.
    init(_ sequences: [ImportSequence], shape: ImportShape, options: CaptureImport.Options) throws {
        self.shape = shape
        self.sequences = sequences
        let given = options.description
        func attribute(_ key: String) throws -> String? {
            let all = sequences.map { $0.attributes[key] }
            let found = all.compactMap { $0 }
            for (sequence, value) in zip(sequences, all) {
                guard let value, let first = found.first, value != first else { continue }
                throw ImportError(
                    sequence.name,
                    "its attribute \(key) is '\(shownName(value))'",
                    expected: "'\(shownName(first))', as the prompts before have: a capture is of one model"
                )
            }
            return found.first
        }
        func number<Value: LosslessStringConvertible>(_ key: String, _ given: Value?) throws -> Value? {
            if let given { return given }
            guard let text = try attribute(key) else { return nil }
            guard let value = Value(text) else {
                throw ImportError(
                    sequences.first?.name,
                    "its attribute \(key) is '\(shownName(text))'",
                    expected: "a number",
                    remedy: "give it on the command line: --\(key.replacing("_", with: "-"))"
                )
            }
            return value
        }
        name = try given.name ?? attribute("model") ?? attribute("name") ?? sequences.first?.name ?? Self.unknown
        architecture = try given.architecture ?? attribute("architecture") ?? Self.unknown
        let least = (shape.layers.last ?? 0) + 1
        layers = try number("layers", given.layers) ?? least
        guard layers >= least, layers < 100_000 else {
            throw ImportError(
                sequences.first?.name,
                "layer \(least - 1) is there of a model of \(layers) layers",
                expected: "\(least) layers or more",
                remedy: "give --model-layers"
            )
        }
        let knownHeads = try shape.queryHeads ?? number("heads", given.heads)
        heads = knownHeads ?? shape.kvHeads
        guard heads > 0, heads.isMultiple(of: max(1, shape.kvHeads)) else {
            throw ImportError(
                sequences.first?.name,
                "\(heads) query heads cannot share \(shape.kvHeads) key/value heads",
                expected: "a multiple of \(shape.kvHeads)",
                remedy: "check the order of --axes \(options.axes.text): do tokens and heads change places?"
            )
        }
        if knownHeads == nil {
            notes.append("the number of query heads is not known and taken to be \(heads); --heads says otherwise")
        }
        ropeBase = try number("rope_base", given.ropeBase) ?? 0
        ropeLayout = try given.ropeLayout ?? attribute("rope_layout") ?? Self.unknown
        vocabulary = try number("vocabulary", given.vocabulary) ?? 0
        attention = try ImportAttention(
            given,
            layers: layers,
            headDim: shape.headDim,
            ropeBase: ropeBase,
            location: sequences.first?.name,
            attribute: attribute
        ).layout
        if shape.tensors.contains(.keyPreRope) { try checkRotation() }
    }

    /// Schemes that quantize keys before RoPE rotate them afterwards: pairs of halves, by the base.
    private func checkRotation() throws {
        let place = sequences.first?.name
        let remedy = "or leave the keys before RoPE out: --tensors query,key,value"
        guard ropeBase > 1, ropeBase.isFinite else {
            throw ImportError(
                place,
                "keys before RoPE are there, and the base of RoPE is not known",
                expected: "--rope-base, e.g. 10000 for Llama 2",
                remedy: remedy
            )
        }
        let halves = ModelConfiguration.RopeLayout.halves.rawValue
        guard ropeLayout == halves, shape.headDim.isMultiple(of: 2) else {
            throw ImportError(
                place,
                "keys before RoPE are there, of \(shape.headDim) channels with the RoPE layout '\(shownName(ropeLayout))'",
                expected: "an even number of channels and --rope-layout \(halves): channel i turns with i + channels/2",
                remedy: remedy
            )
        }
    }

    func capture(command: String, toolVersion: String) -> CaptureMetadata {
        func first(_ key: String) -> String { sequences.lazy.compactMap { $0.attributes[key] }.first ?? Self.unknown }
        return CaptureMetadata(
            name: name,
            architecture: architecture,
            layers: layers,
            heads: heads,
            kvHeads: shape.kvHeads,
            headDim: shape.headDim,
            ropeBase: ropeBase,
            ropeLayout: ropeLayout,
            attention: attention,
            vocabulary: vocabulary,
            weightsSHA256: first("weights_sha256"),
            weightType: first("weight_type"),
            command: command,
            toolVersion: toolVersion,
            textSHA256s: sequences.map { $0.attributes["text_sha256"] ?? Self.unknown }
        )
    }
}

extension ImportSequence {
    /// Ids and pieces of the tokens: -1 and nothing where the files do not have them.
    ///
    /// - Throws: `ImportError` where ids or pieces are not one a token, or no ids.
    func tokens(count: Int, scratchFolder: String) throws -> (ids: [Int32], pieces: [[UInt8]]) {
        var ids = [Int32](repeating: -1, count: count)
        if let array = tokenIDs {
            guard let element = array.element, element.isInteger else {
                throw ImportError(
                    array.location,
                    "token ids of type \(shownName(array.typeName))",
                    expected: "int32 or int64",
                    remedy: "convert it: array.astype(numpy.int32)"
                )
            }
            // As a tokenizer returns them: a batch of one prompt.
            guard array.shape.filter({ $0 != 1 }).count <= 1, array.shape.reduce(1, *) == count else {
                throw ImportError(
                    array.location,
                    "token ids of shape \(array.shapeText)",
                    expected: "(\(count)), one a token of '\(shownName(name))'",
                    remedy: "check the order of --axes: do tokens and heads change places?"
                )
            }
            ids = try array.open(as: element, scratchFolder: scratchFolder).readIntegers().map { value in
                guard let id = Int32(exactly: value) else {
                    throw ImportError(array.location, "the token id \(value)", expected: "an id of 32 bits")
                }
                return id
            }
        }
        guard let tokenTexts else { return (ids, [[UInt8]](repeating: [], count: count)) }
        let rows = try rowCount(tokenTexts)
        guard rows == count else {
            throw ImportError(name, "\(tokenTexts.path) has \(rows) pieces", expected: "\(count), one a token")
        }
        return (ids, try tokenTexts.readStrings(rows: 0..<rows).map { Array($0.utf8) })
    }
}
