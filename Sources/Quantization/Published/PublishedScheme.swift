/// A published scheme as a name for a term: its keys, values and window, with the paper's defaults.
///
/// Adding one is an entry in a family's file in `Published/`.
public struct PublishedScheme: NamedCacheScheme {
    public static let family = "published"
    public static let grammar = "a published name of 'kvatlas list schemes'"

    public let id: String
    /// Terms of the two sides; one for both where they are the same.
    let keyTerm: String
    let valueTerm: String
    /// As at the end of a term: `window=128+sink=5`.
    let windowTerm: String
    let summary: String
    let source: PaperSource

    init(
        _ id: String,
        keys: String,
        values: String? = nil,
        window: String = "",
        _ summary: String,
        _ source: PaperSource
    ) {
        self.id = id
        keyTerm = keys
        valueTerm = values ?? keys
        windowTerm = window
        self.summary = summary
        self.source = source
    }

    /// The families' lists, one a line.
    public static let listed: [PublishedScheme] =
        FormatSchemes.all + RoundToNearestFamily.all + KIVIFamily.all + RotationFamily.all + SketchFamily.all
        + VectorFamily.all + StorageFamily.all

    private static let places = Dictionary(uniqueKeysWithValues: listed.enumerated().map { ($1.id, $0) })

    public static func parse(_ id: String) throws -> PublishedScheme? {
        // llama.cpp writes its types with an underscore.
        places[id].map { listed[$0] } ?? places["ggml-" + id.replacing("_", with: "-")].map { listed[$0] }
    }

    /// Names by the ids of their sides and window; the first of two with one meaning.
    private static let names: [String: String] = {
        var names: [String: String] = [:]
        for entry in listed {
            guard let parts = try? entry.parts() else { continue }
            let key = meaning(parts.key, parts.value, parts.window)
            if names[key] == nil { names[key] = entry.id }
        }
        return names
    }()

    /// The first entry of a pair, whatever its window.
    static func entry(key: any TensorScheme, value: any TensorScheme) -> PublishedScheme? {
        pairs[meaning(key, value, .none)].map { listed[$0] }
    }

    private static let pairs: [String: Int] = {
        var pairs: [String: Int] = [:]
        for (place, entry) in listed.enumerated() {
            guard let parts = try? entry.parts() else { continue }
            let key = meaning(parts.key, parts.value, .none)
            if pairs[key] == nil { pairs[key] = place }
        }
        return pairs
    }()

    private static func meaning(_ key: any TensorScheme, _ value: any TensorScheme, _ window: WindowPolicy) -> String {
        "\(key.id)/\(value.id)+\(window.term)"
    }

    public static func name(key: any TensorScheme, value: any TensorScheme, window: WindowPolicy) -> String? {
        names[meaning(key, value, window)]
    }

    private func parts() throws -> (key: any TensorScheme, value: any TensorScheme, window: WindowPolicy) {
        var options = TermParts(TermPart(text: windowTerm, offset: 0))
        let window =
            windowTerm.isEmpty
            ? WindowPolicy.none : try WindowOptions(reading: &options, term: windowTerm, own: nil).policy()
        return (try SchemeCatalogue.scheme(keyTerm), try SchemeCatalogue.scheme(valueTerm), window)
    }

    /// What a list reads; a test sees that every entry can be read.
    private var checked: (key: any TensorScheme, value: any TensorScheme, window: WindowPolicy) {
        (try? parts()) ?? (IdentityScheme(), IdentityScheme(), .none)
    }

    public var cacheScheme: CacheScheme {
        let parts = checked
        return CacheScheme(key: parts.key, value: parts.value, window: parts.window)
    }

    public var entry: SchemeDescription {
        let parts = checked
        return SchemeDescription(
            id: id,
            summary: summary,
            source: source,
            key: parts.key,
            value: parts.value,
            window: parts.window
        )
    }
}
