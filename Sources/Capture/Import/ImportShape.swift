import Inference
import TensorCore

/// The common shape of all prompts' tensors, checked.
struct ImportShape {
    let tensors: Set<CapturedTensor>
    /// Of all prompts, rising.
    let layers: [Int]
    /// `nil` if no query was found.
    let queryHeads: Int?
    let kvHeads: Int
    let headDim: Int
    /// One a prompt.
    let tokenCounts: [Int]

    /// - Throws: `ImportError` for a tensor that is missing in some layer, or shapes that do not agree.
    init(_ sequences: [ImportSequence], options: CaptureImport.Options, layers chosen: [Int]?) throws {
        func isWanted(_ key: TensorKey) -> Bool {
            chosen?.contains(key.layer) != false && options.tensors?.contains(key.tensor) != false
        }
        let keys = Set(sequences.flatMap { $0.tensors.keys }).filter(isWanted)
        tensors = Set(keys.map { $0.tensor })
        layers = Set(keys.map { $0.layer }).sorted()
        try Self.checkPresence(sequences, tensors: tensors, layers: layers, options: options)

        var widths: [Bool: (heads: Int, array: ImportedArray)] = [:]
        var channels: (count: Int, array: ImportedArray)?
        var counts: [Int] = []
        for sequence in sequences {
            var tokens: (count: Int, array: ImportedArray)?
            for layer in layers {
                for tensor in CapturedTensor.allCases where tensors.contains(tensor) {
                    guard let source = sequence.tensors[TensorKey(layer: layer, tensor: tensor)] else { continue }
                    let array = source.array
                    _ = try options.element(of: array)
                    let sizes = try options.axes.sizes(of: array, heads: options.heads(of: tensor))
                    let first = tokens ?? (sizes.tokens, array)
                    tokens = first
                    guard sizes.tokens == first.count else {
                        throw Self.disagreement(array, "token", sizes.tokens, first, options: options)
                    }
                    let width = widths[tensor == .query] ?? (sizes.heads, array)
                    widths[tensor == .query] = width
                    guard sizes.heads == width.heads else {
                        throw Self.disagreement(
                            array,
                            "head",
                            sizes.heads,
                            (width.heads, width.array),
                            options: options
                        )
                    }
                    let channel = channels ?? (sizes.channels, array)
                    channels = channel
                    guard sizes.channels == channel.count else {
                        throw Self.disagreement(array, "channel", sizes.channels, channel, options: options)
                    }
                    try Self.checkHeads(sizes.heads, of: tensor, array, sequence, options)
                }
            }
            counts.append(tokens?.count ?? 0)
        }
        tokenCounts = counts
        queryHeads = widths[true]?.heads
        kvHeads = widths[false]?.heads ?? options.description.kvHeads ?? queryHeads ?? 0
        headDim = channels?.count ?? 0
        if let queryHeads, let array = widths[true]?.array, kvHeads > 0, !queryHeads.isMultiple(of: kvHeads) {
            throw ImportError(
                array.location,
                "\(queryHeads) query heads cannot share \(kvHeads) key/value heads",
                expected: "a multiple of \(kvHeads)",
                remedy: "check the order of --axes \(options.axes.text)"
            )
        }
        try checkOrder((widths[false] ?? widths[true])?.array, options)
    }

    /// More heads than any model has had; beside fewer tokens the axes are in the wrong order.
    private static let mostHeads = 256

    /// Refuses heads that can only be tokens, unless the options say that there are so many.
    private func checkOrder(_ array: ImportedArray?, _ options: CaptureImport.Options) throws {
        let (tokens, heads) = (tokenCounts.max() ?? 0, max(kvHeads, queryHeads ?? 0))
        guard let array, tokens > 0, heads > tokens, heads > Self.mostHeads else { return }
        guard options.description.kvHeads != kvHeads, options.description.heads != heads else { return }
        throw ImportError(
            array.location,
            "its shape \(array.shapeText) has \(heads) heads of \(tokens) tokens by --axes \(options.axes.text)",
            expected: "more tokens than heads, or no more than \(Self.mostHeads) heads",
            remedy: "exchange token and head in --axes, or say that it is so: --kv-heads \(kvHeads)"
                + (queryHeads.map { " --heads \($0)" } ?? "")
        )
    }

    private static func checkPresence(
        _ sequences: [ImportSequence],
        tensors: Set<CapturedTensor>,
        layers: [Int],
        options: CaptureImport.Options
    ) throws {
        for sequence in sequences {
            let missing = layers.flatMap { layer in
                CapturedTensor.allCases.filter { tensors.contains($0) }.map { TensorKey(layer: layer, tensor: $0) }
            }.filter { sequence.tensors[$0] == nil }
            guard let first = missing.first else { continue }
            let nearest = sequence.ignored.first { $0.nearest != nil }
            throw ImportError(
                sequence.name,
                "layer \(first.layer) has no \(first.tensor.rawValue)"
                    + (missing.count > 1 ? ", and \(missing.count - 1) more are missing" : ""),
                expected: "the same tensors in every layer of every prompt",
                remedy: nearest.map { "'\(shownName($0.name))' is not understood: did you mean '\($0.nearest ?? "")'?" }
                    ?? "leave it out everywhere with --tensors or --layers"
            )
        }
        if tensors.isEmpty {
            throw ImportError(
                sequences.first?.name,
                "none of the tensors and layers that were asked for is there",
                remedy: "leave out --tensors and --layers to import all"
            )
        }
    }

    private static func disagreement(
        _ array: ImportedArray,
        _ axis: String,
        _ size: Int,
        _ other: (count: Int, array: ImportedArray),
        options: CaptureImport.Options
    ) -> ImportError {
        ImportError(
            array.location,
            "its shape \(array.shapeText) has \(size) along the \(axis) axis",
            expected: "\(other.count), as '\(shownName(other.array.name))' of shape \(other.array.shapeText) has",
            remedy: axis == "channel"
                ? "a capture holds heads of one width: leave the others out with --tensors"
                : "check the order of --axes \(options.axes.text): do tokens and heads change places?"
        )
    }

    /// Against what the options or the file itself say.
    private static func checkHeads(
        _ heads: Int,
        of tensor: CapturedTensor,
        _ array: ImportedArray,
        _ sequence: ImportSequence,
        _ options: CaptureImport.Options
    ) throws {
        let key = tensor == .query ? "heads" : "kv_heads"
        let option = tensor == .query ? "--heads" : "--kv-heads"
        let given = options.heads(of: tensor)
        guard let wanted = given ?? sequence.attributes[key].flatMap({ Int($0) }), wanted != heads else { return }
        throw ImportError(
            array.location,
            "its shape \(array.shapeText) has \(heads) heads by --axes \(options.axes.text)",
            expected: "\(wanted), as \(given != nil ? option : "the file's attribute \(key)") says",
            remedy: "check the order of the axes: do tokens and heads change places?"
        )
    }
}
