import HDF5
import Inference
import TensorCore

/// The arrays that together are one prompt, with what is known of its tokens.
struct ImportSequence {
    /// An array, and its index along the layer axis if it has one.
    struct Source {
        let array: ImportedArray
        let layer: Int
    }

    var name: String
    var attributes: [String: String]
    var tensors: [TensorKey: Source] = [:]
    var tokenIDs: ImportedArray?
    var tokenTexts: Dataset?
    /// Arrays that stand for nothing, with the nearest name that would.
    var ignored: [(name: String, nearest: String?)] = []

    /// Names of an array of token ids, where no other is given.
    static let tokenNames = ["tokens/id", "tokens", "token_ids", "input_ids"]
    private static let tokenTextName = "tokens/text"
    /// What beside tensors is no mistake.
    private static let harmless: Set<String> = ["attention_mask", "position_ids", "tokens/position"]

    /// Sorts the arrays of files into prompts: a file that has a tensor of the prompt before again begins the next.
    ///
    /// - Throws: `ImportError`.
    static func sort(_ files: [ImportedFile], options: CaptureImport.Options) throws -> [ImportSequence] {
        let isStacked = options.axes.names.contains(.layer)
        let names = try ImportNames.choose(
            options.pattern,
            stacked: isStacked,
            names: files.flatMap { $0.arrays.map { $0.name } }.filter { !tokenNames.contains($0) },
            path: files.map { $0.path }.joined(separator: ", ")
        )
        var sequences: [ImportSequence] = []
        for file in files {
            let sorted = try sort(file, names, options: options)
            if var last = sequences.popLast() {
                // An array of ids alone belongs to the tensors of another file.
                if last.tensors.keys.allSatisfy({ sorted.tensors[$0] == nil }),
                    last.tokenIDs == nil || sorted.tokenIDs == nil
                {
                    last.add(sorted)
                    sequences.append(last)
                    continue
                }
                sequences.append(last)
            }
            sequences.append(sorted)
        }
        return sequences
    }

    private static func sort(
        _ file: ImportedFile,
        _ names: ImportNames,
        options: CaptureImport.Options
    ) throws -> ImportSequence {
        let name = file.attributes["text"] ?? folderless(file.path)
        var sequence = ImportSequence(name: name, attributes: file.attributes)
        let tokenNames = options.tokens.map { [$0] } ?? Self.tokenNames
        sequence.tokenTexts = file.texts[tokenTextName]
        var unmatched: [String] = []
        var known: Set<String> = []
        var layersSeen: Set<Int> = []
        for array in file.arrays {
            if tokenNames.contains(array.name) {
                guard sequence.tokenIDs == nil else {
                    throw ImportError(
                        array.location,
                        "is a second array of token ids",
                        remedy: "name one: --tokens NAME"
                    )
                }
                sequence.tokenIDs = array
                continue
            }
            guard let match = names.match(array.name), let tensor = match.tensor else {
                if !harmless.contains(array.name) { unmatched.append(array.name) }
                continue
            }
            known.insert(match.word)
            let layers: Range<Int>
            if let layer = match.layer {
                layers = layer..<layer + 1
                layersSeen.insert(layer)
            } else {
                layers = 0..<(try options.axes.sizes(of: array, heads: options.heads(of: tensor)).layers ?? 0)
            }
            for layer in layers {
                let key = TensorKey(layer: layer, tensor: tensor)
                if let other = sequence.tensors[key] {
                    throw ImportError(
                        array.location,
                        "is \(tensor.rawValue) of layer \(layer), as \(shownName(other.array.name)) is",
                        remedy: "choose between them with --pattern"
                    )
                }
                sequence.tensors[key] = Source(array: array, layer: match.layer == nil ? layer : 0)
            }
        }
        // What the names would be, were they spelled as the others are.
        let words = known.union(CapturedTensor.allCases.map { $0.rawValue }).sorted()
        let candidates = layersSeen.sorted().prefix(200).flatMap { layer in
            words.map { names.name(layer: layer, word: $0) }
        }
        let free = (names.hasLayer ? candidates : words.map { names.name(layer: nil, word: $0) })
            .filter { candidate in !file.arrays.contains { $0.name == candidate } }
        sequence.ignored = unmatched.enumerated().map { index, name in
            (name, index < 20 ? nearestName(to: name, in: free) : nil)
        }
        return sequence
    }

    private mutating func add(_ other: ImportSequence) {
        tensors.merge(other.tensors) { first, _ in first }
        tokenIDs = tokenIDs ?? other.tokenIDs
        tokenTexts = tokenTexts ?? other.tokenTexts
        ignored += other.ignored
        attributes.merge(other.attributes) { first, _ in first }
    }

    /// `tide` for `/data/tide.npz`.
    private static func folderless(_ path: String) -> String {
        let name = path.split(separator: "/").last.map { String($0) } ?? path
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
        return String(name[..<dot])
    }
}
