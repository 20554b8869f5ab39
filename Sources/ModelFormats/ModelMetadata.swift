import TensorCore

/// What a model's files say of it, as values by key: the metadata of a GGUF file, or the JSON files of a Hugging Face
/// folder.
///
/// Each getter comes twice: `x(_:)` throws if the key is missing, `xIfPresent(_:)` gives `nil`; both throw on another
/// kind.
public protocol ModelMetadata: Sendable {
    /// Of the file or folder, for messages.
    var path: String { get }
    /// In the file's order.
    var keys: [String] { get }
    var metadata: [String: MetadataValue] { get }
}

extension ModelMetadata {
    public func integer(_ key: String) throws -> Int { try required(key, integerIfPresent) }
    public func integerIfPresent(_ key: String) throws -> Int? {
        try value(key, "an integer that fits 64 bits") { $0.integer }
    }

    /// Any integer or floating-point kind.
    public func number(_ key: String) throws -> Double { try required(key, numberIfPresent) }
    public func numberIfPresent(_ key: String) throws -> Double? { try value(key, "a number") { $0.number } }

    public func string(_ key: String) throws -> String { try required(key, stringIfPresent) }
    public func stringIfPresent(_ key: String) throws -> String? { try value(key, "a string") { $0.string } }

    public func boolean(_ key: String) throws -> Bool { try required(key, booleanIfPresent) }
    public func booleanIfPresent(_ key: String) throws -> Bool? { try value(key, "a boolean") { $0.boolean } }

    /// - Complexity: O(bytes) at each call: keep the result.
    public func strings(_ key: String) throws -> [String] { try required(key, stringsIfPresent) }
    public func stringsIfPresent(_ key: String) throws -> [String]? {
        try value(key, "an array of UTF-8 strings") { $0.array?.strings }
    }

    public func integers(_ key: String) throws -> [Int] { try required(key, integersIfPresent) }
    public func integersIfPresent(_ key: String) throws -> [Int]? {
        try value(key, "an array of integers") { $0.array?.integers }
    }

    public func numbers(_ key: String) throws -> [Double] { try required(key, numbersIfPresent) }
    public func numbersIfPresent(_ key: String) throws -> [Double]? {
        try value(key, "an array of numbers") { $0.array?.numbers }
    }

    public func booleans(_ key: String) throws -> [Bool] { try required(key, booleansIfPresent) }
    public func booleansIfPresent(_ key: String) throws -> [Bool]? {
        try value(key, "an array of booleans") { $0.array?.booleans }
    }

    private func required<Result>(_ key: String, _ get: (String) throws -> Result?) throws -> Result {
        guard let result = try get(key) else {
            throw MetadataError(path, .missingKey(key, nearest: likelyName(for: key, among: keys)))
        }
        return result
    }

    private func value<Result>(
        _ key: String,
        _ wanted: String,
        _ convert: (MetadataValue) -> Result?
    ) throws -> Result? {
        guard let value = metadata[key] else { return nil }
        guard let result = convert(value) else {
            throw MetadataError(path, .wrongKind(key: key, found: value.shortDescription, wanted: wanted))
        }
        return result
    }
}

extension MetadataValue {
    fileprivate var shortDescription: String {
        switch self {
        case .array(let array) where array.elementKind == .string && array.strings == nil:
            "an array with a string that is not UTF-8"
        case .array(let array): "an array of \(array.count) × \(array.elementKind)"
        case .string(let text): "the string '\(text.prefix(40))'"
        default: "the \(kind) \(number.map { "\($0)" } ?? boolean.map { "\($0)" } ?? "")"
        }
    }
}

/// The nearest name that a person may have meant. Names of hostile length or number are passed over, since comparing
/// costs the product of the lengths.
func likelyName(for name: String, among candidates: some Sequence<String>) -> String? {
    guard name.utf8.count <= 200 else { return nil }
    return nearestName(to: name, in: candidates.lazy.filter { $0.utf8.count <= 200 }.prefix(5000))
}
