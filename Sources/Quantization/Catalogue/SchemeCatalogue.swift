import TensorCore

/// Every scheme that can be named.
///
/// ``all`` lists the usual ones; an id of the ``grammar`` that is not among them, such as `rtn-int1-token-g7`, names
/// a scheme just as well.
public enum SchemeCatalogue {
    /// Schemes for one tensor, one line a family. A test finds conforming types that are missing here.
    package static let tensorFamilies: [any TensorScheme.Type] = [
        IdentityScheme.self,
        RoundToNearestScheme.self,
        PipelineScheme.self,
    ]

    /// Named cache schemes, one line a family. A test finds conforming types that are missing here.
    package static let cacheFamilies: [any NamedCacheScheme.Type] = [
        KIVIScheme.self,
        PublishedScheme.self,
    ]

    /// One description a listed scheme, tensor schemes first. Traps if an id occurs twice.
    public static let all: [SchemeDescription] = {
        let descriptions =
            tensorFamilies.flatMap { listedDescriptions($0) } + cacheFamilies.flatMap { listedEntries($0) }
        var seen: Set<String> = []
        for description in descriptions {
            precondition(seen.insert(description.id).inserted, "two schemes are named \(description.id)")
        }
        return descriptions
    }()

    /// How ids are written, one family after another; more can be named than are listed.
    public static let grammar =
        (tensorFamilies.map { $0.grammar } + cacheFamilies.map { $0.grammar }).joined(separator: "; ")

    /// The scheme for one tensor that `id` names, listed or only described by a family's grammar.
    ///
    /// - Throws: `SchemeError.unknownScheme` with the nearest id; `SchemeError.parameter` if a
    ///   family knows the id and refuses a parameter.
    public static func scheme(_ id: String) throws -> any TensorScheme {
        for family in tensorFamilies {
            if let scheme = try family.parse(id) { return scheme }
        }
        throw SchemeError.unknownScheme(name: id, term: id, offset: 0, nearest: nearestTensorScheme(to: id))
    }

    /// The named cache scheme that `id` names, or `nil` if no family of them knows it.
    static func namedScheme(_ id: String) throws -> CacheScheme? {
        for family in cacheFamilies {
            if let named = try family.parse(id) { return named.cacheScheme }
        }
        return nil
    }

    /// The short name of a pair and its window, or `nil` if it has none.
    static func name(key: any TensorScheme, value: any TensorScheme, window: WindowPolicy) -> String? {
        for family in cacheFamilies {
            if let name = family.name(key: key, value: value, window: window) { return name }
        }
        return nil
    }

    /// The listed id of either kind that looks most like `id`.
    static func nearestScheme(to id: String) -> String? { nearestName(to: id, in: all.lazy.map { $0.id }) }

    private static func nearestTensorScheme(to id: String) -> String? {
        nearestName(to: id, in: all.lazy.filter { $0.kind == .tensor }.map { $0.id })
    }

    private static func listedDescriptions<Scheme: TensorScheme>(_ family: Scheme.Type) -> [SchemeDescription] {
        family.listed.map { SchemeDescription($0) }
    }

    private static func listedEntries<Named: NamedCacheScheme>(_ family: Named.Type) -> [SchemeDescription] {
        family.listed.map { $0.entry }
    }
}
