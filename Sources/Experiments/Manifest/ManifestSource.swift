import Foundation
import TensorCore

/// Manifest files, their includes and command-line overrides, as one YAML value.
enum ManifestSource {
    private static let includeKey = "include"

    /// Reads a manifest and, under its keys, the fragments that it includes.
    static func read(_ path: String, including parents: [String] = []) throws -> YAMLValue {
        let data = try FileError.reading(path) { try Data(contentsOf: URL(fileURLWithPath: path)) }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw FileError.unreadable(path: path, reason: "it is not UTF-8")
        }
        let url = URL(fileURLWithPath: path).standardizedFileURL
        let value = try YAMLValue(parsing: text, file: path, folder: url.deletingLastPathComponent().path)
        guard case .mapping(let entries) = value.content else {
            throw ManifestError([
                Complaint(
                    place: value.place,
                    problem: "\(value.kind) stands here",
                    expected: "a mapping with model, texts, …"
                )
            ])
        }
        var merged = YAMLValue(place: value.place, content: .mapping(entries.filter { $0.key != includeKey }))
        guard let include = entries.first(where: { $0.key == includeKey })?.value else { return merged }
        let reader = ManifestReader()
        let files = reader.list(include, includeKey) { item, key in reader.existingFile(item, key).map { (item, $0) } }
        guard reader.complaints.isEmpty else { throw ManifestError(reader.complaints) }
        let chain = parents + [url.path]
        for (item, file) in (files ?? []).reversed() {
            guard !chain.contains(file) else {
                let problem = "the file includes itself, by way of \(chain.count) file(s)"
                throw ManifestError([
                    Complaint(place: item.place, key: includeKey, problem: problem, remedy: "Remove this include.")
                ])
            }
            merged = merged.merged(over: try read(file, including: chain))
        }
        return merged
    }

    /// `root` with one `key=value` set, as if the manifest had said so.
    static func applying(_ override: String, to root: YAMLValue) throws -> YAMLValue {
        let place = YAMLValue.Place(
            file: "--set \(override)",
            line: 0,
            column: 0,
            folder: FileManager.default.currentDirectoryPath
        )
        guard let equals = override.firstIndex(of: "="), equals > override.startIndex else {
            throw ManifestError([
                Complaint(place: place, problem: "there is no key", expected: "key=value, e.g. model.path=model.gguf")
            ])
        }
        let keys = override[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let text = String(override[override.index(after: equals)...])
        let parsed =
            text.isEmpty
            ? YAMLValue.Content.scalar("", isQuoted: true)
            : try YAMLValue(parsing: text, file: place.file, folder: place.folder).content
        func relocated(_ content: YAMLValue.Content) -> YAMLValue {
            switch content {
            case .sequence(let items): YAMLValue(place: place, content: .sequence(items.map { relocated($0.content) }))
            case .mapping(let entries):
                YAMLValue(
                    place: place,
                    content: .mapping(
                        entries.map { .init(key: $0.key, keyPlace: place, value: relocated($0.value.content)) }
                    )
                )
            case .scalar, .null: YAMLValue(place: place, content: content)
            }
        }
        return try setting(relocated(parsed), at: keys[...], of: [], in: root, place)
    }

    /// `parent`, which stands at `path`, with `value` at `keys` below it.
    private static func setting(
        _ value: YAMLValue,
        at keys: ArraySlice<String>,
        of path: [String],
        in parent: YAMLValue,
        _ place: YAMLValue.Place
    ) throws -> YAMLValue {
        guard let key = keys.first else { return value }
        let rest = keys.dropFirst()
        if case .sequence(var items) = parent.content {
            guard let index = Int(key), items.indices.contains(index) else {
                let complaint = Complaint(
                    place: place,
                    key: path.joined(separator: "."),
                    problem: "the list has no entry '\(key)'",
                    expected: items.isEmpty ? nil : "0 to \(items.count - 1)"
                )
                throw ManifestError([complaint])
            }
            items[index] = try setting(value, at: rest, of: path + [key], in: items[index], place)
            return YAMLValue(place: parent.place, content: .sequence(items))
        }
        var entries: [YAMLValue.Entry] = []
        if case .mapping(let own) = parent.content {
            entries = own
        } else if parent.plainText != nil, let long = longKey(ofShort: path) {
            entries = [YAMLValue.Entry(key: long, keyPlace: parent.place, value: parent)]
        }
        let index = entries.firstIndex { $0.key == key }
        let child = index.map { entries[$0].value } ?? YAMLValue(place: place, content: .null)
        let changed = try setting(value, at: rest, of: path + [key], in: child, place)
        let entry = YAMLValue.Entry(key: key, keyPlace: place, value: changed)
        if let index { entries[index] = entry } else { entries.append(entry) }
        return YAMLValue(place: parent.place, content: .mapping(entries))
    }

    /// The key that a lone scalar stands for: `model: FILE` is short for `model: {path: FILE}`.
    private static func longKey(ofShort path: [String]) -> String? {
        switch path.first {
        case "model" where path.count == 1: "path"
        case "texts" where path.count == 2: "path"
        case "figures" where path.count == 2: "id"
        default: nil
        }
    }
}
