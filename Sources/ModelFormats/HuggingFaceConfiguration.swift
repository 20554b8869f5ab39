import TensorCore

/// The JSON files of a Hugging Face folder as values by key.
///
/// Members of objects within objects get dotted keys, `rope_scaling.factor`; so do elements of arrays that are not
/// all numbers, all strings or all booleans, `architectures` being a plain array of strings. `null` is as good as
/// absent. The keys of `config.json` stand as they are, those of the others behind their file's name:
/// `generation_config.eos_token_id`, `tokenizer_config.chat_template`.
package struct HuggingFaceConfiguration {
    package private(set) var keys: [String] = []
    package private(set) var metadata: [String: MetadataValue] = [:]

    /// Larger files are refused unread.
    private static let largestFile = 32 << 20
    private static let optionalFiles = ["generation_config", "tokenizer_config"]

    init(folder: String) throws {
        try self.init(file: MappedFile(path: FilePaths.join(folder, "config.json")))
        for name in Self.optionalFiles {
            let path = FilePaths.join(folder, name + ".json")
            if FilePaths.exists(path) { try read(MappedFile(path: path), prefix: name + ".") }
        }
    }

    /// `config.json` alone.
    package init(file: MappedFile) throws { try read(file, prefix: "") }

    private mutating func read(_ file: MappedFile, prefix: String) throws {
        let path = file.path
        guard file.byteCount <= Self.largestFile else {
            throw ConfigurationFileError(path, at: nil, .tooLarge(byteCount: file.byteCount, limit: Self.largestFile))
        }
        var reader = JSONReader(file.bytes)
        do {
            try reader.members { reader, key, place in
                try add(try reader.value(), key: prefix + key, reader, place)
            }
            try reader.finish()
        } catch let failure as JSONReader.Failure {
            throw ConfigurationFileError(path, at: failure.offset, .invalidJSON(failure.problem))
        }
    }

    private mutating func add(_ value: JSONValue, key: String, _ reader: JSONReader, _ place: Int) throws {
        switch value {
        case .null: return
        case .object(let members):
            for member in members.sorted(by: { $0.name < $1.name }) {
                try add(member.value, key: "\(key).\(member.name)", reader, place)
            }
        case .array(let elements) where MetadataArray(json: elements) == nil:
            for (index, element) in elements.enumerated() { try add(element, key: "\(key).\(index)", reader, place) }
        default:
            guard let scalar = MetadataValue(json: value) else { return }
            guard metadata.updateValue(scalar, forKey: key) == nil else {
                throw reader.failure("the key '\(key.prefix(80))' can be read in two ways", at: place)
            }
            keys.append(key)
        }
    }
}

extension MetadataValue {
    /// `nil` for `null`, objects, and arrays of several kinds.
    init?(json value: JSONValue) {
        switch value {
        case .null, .object: return nil
        case .boolean(let value): self = .boolean(value)
        // A whole number is one that is written as such.
        case .number(let text):
            if let integer = Int64(text) {
                self = .int64(integer)
            } else if let number = Double(text) {
                self = .float64(number)
            } else {
                return nil
            }
        case .string(let text): self = .string(text)
        case .array(let elements):
            guard let array = MetadataArray(json: elements) else { return nil }
            self = .array(array)
        }
    }
}

extension MetadataArray {
    /// Scalars of one kind, where integers count as numbers among numbers; `nil` for any others. Nothing has the kind
    /// of strings.
    fileprivate init?(json elements: [JSONValue]) {
        let strings = elements.compactMap { if case .string(let text) = $0 { text } else { nil } }
        if strings.count == elements.count {
            self.init(strings: strings)
            return
        }
        let scalars = elements.compactMap { element -> MetadataValue? in
            if case .array = element { nil } else { MetadataValue(json: element) }
        }
        guard scalars.count == elements.count, let kind = scalars.first?.kind else { return nil }
        if scalars.allSatisfy({ $0.kind == kind }) {
            self.init(kind: kind, values: scalars)
        } else {
            let numbers = scalars.compactMap { $0.number }
            guard numbers.count == scalars.count else { return nil }
            self.init(kind: .float64, values: numbers.map { .float64($0) })
        }
    }
}
