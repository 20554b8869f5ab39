import Foundation
import TensorCore
import Yams

/// A YAML value that knows where it was written.
struct YAMLValue: Sendable {
    /// Where a value stands: the file as given, and its line and column from 1.
    struct Place: Sendable, Equatable {
        /// A path, or `--set` for the command line.
        let file: String
        let line: Int
        let column: Int
        /// Relative paths in the value start here.
        let folder: String
    }

    /// One key with its value; the key's own place is where an unknown key is reported.
    struct Entry: Sendable {
        let key: String
        let keyPlace: Place
        var value: YAMLValue
    }

    indirect enum Content: Sendable {
        /// `isQuoted` values are strings even if they look like numbers.
        case scalar(String, isQuoted: Bool)
        case sequence([YAMLValue])
        case mapping([Entry])
        case null
    }

    let place: Place
    var content: Content

    /// What kind of thing it is, for messages.
    var kind: String {
        switch content {
        case .scalar(let text, _): "'\(text)'"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .null: "nothing"
        }
    }

    /// The text of a scalar; `nil` for anything else.
    var plainText: String? { if case .scalar(let text, _) = content { text } else { nil } }

    /// Reads one YAML document.
    ///
    /// - Throws: `ManifestError` for text that is no YAML, with the parser's line and column.
    init(parsing text: String, file: String, folder: String) throws {
        let whole = Place(file: file, line: 0, column: 0, folder: folder)
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw ManifestError([Complaint(place: whole, problem: "the manifest is empty", expected: "YAML")])
            }
            self.init(node, file: file, folder: folder)
        } catch let error as YamlError {
            throw ManifestError([Complaint(error, text: text, file: file, folder: folder)])
        }
    }

    private init(_ node: Node, file: String, folder: String) {
        func place(_ mark: Mark?) -> Place {
            Place(file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, folder: folder)
        }
        self.place = place(node.mark)
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            let isNull = isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            content = isNull ? .null : .scalar(scalar.string, isQuoted: !isPlain)
        case .sequence(let sequence):
            content = .sequence(sequence.map { YAMLValue($0, file: file, folder: folder) })
        case .mapping(let mapping):
            content = .mapping(
                mapping.map { key, value in
                    Entry(
                        key: key.string ?? "",
                        keyPlace: place(key.mark),
                        value: YAMLValue(value, file: file, folder: folder)
                    )
                }
            )
        case .alias:
            content = .null
        }
    }

    init(place: Place, content: Content) {
        self.place = place
        self.content = content
    }

    /// This value with what `base` has and it lacks; mappings merge key by key, anything else stays.
    func merged(over base: YAMLValue) -> YAMLValue {
        guard case .mapping(let own) = content, case .mapping(var entries) = base.content else { return self }
        for entry in own {
            if let index = entries.firstIndex(where: { $0.key == entry.key }) {
                let value = entry.value.merged(over: entries[index].value)
                entries[index] = Entry(key: entry.key, keyPlace: entry.keyPlace, value: value)
            } else {
                entries.append(entry)
            }
        }
        return YAMLValue(place: place, content: .mapping(entries))
    }
}
