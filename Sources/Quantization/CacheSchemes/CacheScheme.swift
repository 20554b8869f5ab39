import TensorCore

/// A scheme for keys, one for values, and the tokens that stay in float16.
///
/// Written `KEY/VALUE+window=128+sink=4`, or `KEY` alone for the same on both
/// sides, or by a published name such as `kivi-2-g32-r128`. However it was
/// written, one cache scheme has one id: the shortest of these. A name with a window of its own takes another one after
/// an `@`: `kvarn-k4v2@window=128+sink=4`.
public struct CacheScheme: Sendable {
    public let id: String
    public let key: any TensorScheme
    public let value: any TensorScheme
    public let window: WindowPolicy

    public init(key: any TensorScheme, value: any TensorScheme, window: WindowPolicy = .none) {
        self.key = key
        self.value = value
        self.window = window
        if let name = SchemeCatalogue.name(key: key, value: value, window: window) {
            id = name
        } else if let published = PublishedScheme.entry(key: key, value: value) {
            // '@' puts another window in the place of the name's own.
            let isPlain = published.windowTerm.isEmpty, term = window.term.isEmpty ? "window=0" : window.term
            id = "\(published.id)\(isPlain ? "+" : "@")\(term)"
        } else {
            let pair = key.id == value.id ? key.id : "\(key.id)/\(value.id)"
            id = window.term.isEmpty ? pair : "\(pair)+\(window.term)"
        }
    }

    /// The scheme of one side.
    public func scheme(for side: CacheSide) -> any TensorScheme { side == .key ? key : value }

    /// What one side's result depends on: two cache schemes with equal ones share its reconstruction.
    public func sideID(_ side: CacheSide) -> String {
        let scheme = scheme(for: side).id
        return window == .none ? scheme : "\(scheme)+\(window.term)"
    }

    /// True if nothing is lost on either side.
    public var isLossless: Bool { key is IdentityScheme && value is IdentityScheme }
}

extension CacheScheme: Equatable, Hashable, CustomStringConvertible {
    public static func == (a: CacheScheme, b: CacheScheme) -> Bool { a.id == b.id }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
    public var description: String { id }
}

extension CacheScheme: Codable {
    /// A term, as a manifest writes it.
    public init(from decoder: any Decoder) throws {
        self = try CacheScheme(parsing: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(id)
    }
}
