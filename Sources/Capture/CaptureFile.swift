import Foundation
import HDF5
import Inference
import TensorCore

/// A capture opened for reading.
///
/// Every tensor is `[token, head, channel]`; all sequences follow each other
/// along the token axis. Safe to use from several threads at once.
public final class CaptureFile: Sendable {
    public let path: String
    public let metadata: CaptureMetadata
    /// Whether the recording ran to its end.
    public let isComplete: Bool
    /// Tokens that every tensor has.
    public let tokenCount: Int
    /// Tokens of all sequences that were begun; more than `tokenCount` only in an incomplete file.
    public let announcedTokens: Int
    /// The prompts; in an incomplete file cut to the tokens that are there.
    public let sequences: [CaptureSequence]
    /// Layers with at least one tensor, rising.
    public let layersPresent: [Int]
    /// Tensors that at least one layer has, in the order query, key, key before RoPE, value.
    public let tensorsPresent: [CapturedTensor]
    /// How elements are stored: float16 or float32.
    public let elementType: ElementType

    let root: Group
    private let file: File
    /// The bytes of a complete file, where they can be had as memory.
    let mapping: FileMapping?
    private let shapes: [TensorKey: [Int]]

    /// Opens and checks a capture.
    ///
    /// - Parameter allowIncomplete: whether a recording that was stopped may be
    ///   used; it counts the tokens that every dataset has.
    /// - Throws: `CaptureError`: `fileMissing`, `notHDF5`, `truncated`,
    ///   `notCapture`, `newerVersion`, `incomplete`, `inconsistent`, `inUse`.
    /// - Complexity: O(datasets).
    public init(path: String, allowIncomplete: Bool = false) throws {
        self.path = path
        do {
            file = try File.open(at: path)
            root = try file.root
            try checkFormat(of: root, path: path)
            isComplete = try root.attributes.integer("complete") == 1
            mapping = isComplete ? file.mapping() : nil
            metadata = try CaptureMetadata(root: root)
            let contents = try CaptureContents(root: root, metadata: metadata, path: path)
            shapes = contents.shapes
            elementType = contents.elementType
            layersPresent = Set(shapes.keys.map { $0.layer }).sorted()
            let tensors = Set(shapes.keys.map { $0.tensor })
            tensorsPresent = CapturedTensor.allCases.filter { tensors.contains($0) }
            tokenCount = isComplete ? try contents.commonLength() : try contents.readableLength()
            (sequences, announcedTokens) = try readSequences(
                root: root,
                path: path,
                tokenCount: tokenCount,
                isComplete: isComplete
            )
        } catch {
            throw CaptureError.reading(error, path: path)
        }
        guard isComplete || allowIncomplete else {
            throw CaptureError.incomplete(path: path, tokens: tokenCount, announced: announcedTokens)
        }
    }

    /// Heads of a tensor: the model's query heads or its key/value heads.
    public func headCount(_ tensor: CapturedTensor) -> Int { tensor.heads(in: metadata) }

    /// Tensors that were captured in this layer, in the order of `tensorsPresent`.
    public func tensors(inLayer layer: Int) -> [CapturedTensor] {
        CapturedTensor.allCases.filter { shapes[TensorKey(layer: layer, tensor: $0)] != nil }
    }

    /// The dataset of a tensor, after checks of everything that was asked for.
    func dataset(_ tensor: CapturedTensor, _ layer: Int, _ tokens: Range<Int>) throws -> Dataset {
        let key = TensorKey(layer: layer, tensor: tensor)
        guard layersPresent.contains(layer) else {
            throw CaptureError.layerAbsent(
                path: path,
                layer: layer,
                present: layersPresent,
                modelLayers: metadata.layers
            )
        }
        guard shapes[key] != nil else {
            throw CaptureError.tensorAbsent(
                path: path,
                tensor: tensor,
                layer: layer,
                present: tensors(inLayer: layer)
            )
        }
        try checkTokens(tokens)
        return try root.dataset(key.path)
    }

    func checkTokens(_ tokens: Range<Int>) throws {
        guard tokens.lowerBound >= 0, tokens.upperBound <= tokenCount else {
            throw CaptureError.tokensOutOfRange(
                path: path,
                first: tokens.lowerBound,
                end: tokens.upperBound,
                count: tokenCount
            )
        }
    }
}

/// Refuses files of other programs and of later versions.
func checkFormat(of root: Group, path: String) throws {
    guard try root.attributes.contains("format") else {
        throw CaptureError.notCapture(path: path, reason: "no attribute format")
    }
    let format = try root.attributes.read("format")
    guard format == .string(CaptureSchema.format) else {
        throw CaptureError.notCapture(path: path, reason: "its attribute format is \(shown(format))")
    }
    let version = try root.attributes.integer("format_version")
    guard version <= CaptureSchema.version else {
        throw CaptureError.newerVersion(path: path, version: version, supported: CaptureSchema.version)
    }
}

/// The sequences without tokens beyond `tokenCount`, and the tokens that they would have with them.
private func readSequences(
    root: Group,
    path: String,
    tokenCount: Int,
    isComplete: Bool
) throws -> (sequences: [CaptureSequence], announcedTokens: Int) {
    let group = try root.group("sequences")
    let columns = try ["id", "start", "length"].map { name in
        let dataset = try group.dataset(name)
        return try dataset.readIntegers(rows: 0..<(isComplete ? rowCount(dataset) : dataset.readableRowCount()))
    }
    let nameDataset = try group.dataset("name")
    let nameCount = try isComplete ? rowCount(nameDataset) : nameDataset.readableRowCount()
    let names = try nameDataset.readStrings(rows: 0..<nameCount)
    let count = columns.reduce(names.count) { min($0, $1.count) }
    var sequences: [CaptureSequence] = []
    var end = 0
    for row in 0..<count {
        let (id, start, length) = (columns[0][row], columns[1][row], columns[2][row])
        guard start == end, length >= 0, length <= .max - start else {
            throw CaptureError.inconsistent(
                path: path,
                object: "/sequences",
                reason: "row \(row) starts at token \(start), not at \(end)"
            )
        }
        end = start + length
        let kept = min(end, tokenCount) - start
        if kept > 0 || isComplete {
            sequences.append(CaptureSequence(id: id, name: names[row], start: start, length: kept))
        }
    }
    guard !isComplete || end == tokenCount else {
        throw CaptureError.inconsistent(
            path: path,
            object: "/sequences",
            reason: "its rows count \(end) tokens of \(tokenCount)"
        )
    }
    return (sequences, end)
}

func rowCount(_ dataset: Dataset) throws -> Int { try dataset.shape.first ?? 0 }
