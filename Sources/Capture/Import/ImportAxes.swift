import TensorCore

/// The axes of imported arrays in their order, as the command line names them: `batch,kv_head,token,channel`.
public struct ImportAxes: Sendable, Equatable {
    enum Name: String, Sendable, CaseIterable {
        /// One prompt; of size 1.
        case batch
        /// All layers in one array.
        case layer
        case token
        /// Heads of the tensor: key/value heads, or query heads of queries.
        case head
        case channel
        /// Heads with their channels side by side, as a projection writes them.
        case headChannel = "head*channel"
    }

    /// Of any model; beyond, the axis is another.
    private static let mostLayers = 10_000

    let names: [Name]
    /// As it was written.
    public let text: String

    /// What the command line takes.
    public static let accepted = ["batch", "layer", "token", "kv_head", "head", "channel", "kv_head*channel"]

    /// - Throws: `ImportError` for an unknown name, one that stands twice, or no token, head or channel.
    public init(parsing text: String) throws {
        self.text = text
        names = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let word = part.trimmingCharacters(in: .whitespaces).lowercased()
            if let name = Name(rawValue: word.replacing("kv_head", with: "head")) { return name }
            throw ImportError(
                "--axes \(text)",
                "unknown axis '\(word)'",
                expected: "some of \(Self.accepted.joined(separator: ", "))",
                remedy: nearestName(to: word, in: Self.accepted).map { "Did you mean '\($0)'?" }
            )
        }
        for name in names where names.count(where: { $0 == name }) > 1 {
            throw ImportError("--axes \(text)", "the axis \(name.rawValue) stands twice")
        }
        let isSplit = names.contains(.head) && names.contains(.channel)
        let isJoined = names.contains(.headChannel) && !names.contains(.head) && !names.contains(.channel)
        guard names.contains(.token), isSplit || isJoined else {
            throw ImportError(
                "--axes \(text)",
                "these axes do not place every element",
                expected: "token, and either kv_head and channel or kv_head*channel",
                remedy: "for example --axes token,kv_head,channel or --axes batch,kv_head,token,channel"
            )
        }
    }

    /// Sizes of an array's axes, `nil` where it has none of the name.
    struct Sizes: Equatable {
        var layers: Int?
        var tokens: Int
        var heads: Int
        var channels: Int
    }

    /// The axes in the order of an array's shape.
    func order(of array: ImportedArray) -> [Name] { array.isReversed ? names.reversed() : names }

    /// What the shape of an array says, by these names.
    ///
    /// - Parameter heads: heads of the tensor, needed where they lie beside their channels.
    /// - Throws: `ImportError` for another number of axes, a batch of more than one, a size of zero.
    func sizes(of array: ImportedArray, heads: Int?) throws -> Sizes {
        let order = order(of: array)
        guard array.shape.count == order.count else {
            throw ImportError(
                array.location,
                "its shape \(array.shapeText) has \(array.shape.count) axes",
                expected: "\(order.count), as --axes \(text) has",
                remedy: array.shape.count == order.count + 1 && array.shape.first == 1
                    ? "name its first axis too: --axes batch,\(text)" : "name each axis once, slowest first"
            )
        }
        var sizes = Sizes(tokens: 0, heads: heads ?? 0, channels: 0)
        for (name, size) in zip(order, array.shape) {
            switch name {
            case .batch:
                guard size == 1 else {
                    throw ImportError(
                        array.location,
                        "its batch axis has the size \(size)",
                        expected: "1: prompts of a batch are padded to one length",
                        remedy: "save each prompt without its padding in a file of its own, and give all files"
                    )
                }
            case .layer:
                guard size <= Self.mostLayers else {
                    throw ImportError(
                        array.location,
                        "its layer axis has the size \(size)",
                        expected: "at most \(Self.mostLayers)",
                        remedy: "check the order of --axes \(text)"
                    )
                }
                sizes.layers = size
            case .token: sizes.tokens = size
            case .head: sizes.heads = size
            case .channel: sizes.channels = size
            case .headChannel:
                guard let heads, heads > 0, size.isMultiple(of: heads) else {
                    throw ImportError(
                        array.location,
                        heads.map { "its \(size) columns are not those of \($0) heads" }
                            ?? "its \(size) columns are heads and channels together",
                        expected: "a number of heads that divides them",
                        remedy: "give --kv-heads, and --heads for queries"
                    )
                }
                sizes.channels = size / heads
            }
        }
        guard array.shape.allSatisfy({ $0 > 0 }) else {
            throw ImportError(array.location, "its shape \(array.shapeText) has no elements")
        }
        return sizes
    }

    /// The block of some tokens of one layer: one range an axis of the array.
    func block(of array: ImportedArray, layer: Int, tokens: Range<Int>) -> [Range<Int>] {
        zip(order(of: array), array.shape).map { name, size in
            switch name {
            case .token: tokens
            case .layer: layer..<layer + 1
            case .batch, .head, .channel, .headChannel: 0..<size
            }
        }
    }

    /// Elements between neighbours along each axis of such a block in `[token, head, channel]`.
    func targetStrides(of array: ImportedArray, heads: Int, channels: Int) -> [Int] {
        order(of: array).map { name in
            switch name {
            case .batch, .layer: 0
            case .token: heads * channels
            case .head: channels
            case .channel: 1
            case .headChannel: 1
            }
        }
    }
}
