import Foundation
import TensorCore

/// Reads typed values out of YAML and collects every complaint on the way.
final class ManifestReader {
    private(set) var complaints: [Complaint] = []

    func complain(_ value: YAMLValue, _ key: String, _ problem: String, expected: String? = nil, remedy: String? = nil)
    {
        complaints.append(Complaint(place: value.place, key: key, problem: problem, expected: expected, remedy: remedy))
    }

    /// Adds what `body` throws as a complaint about `value`.
    func attempt<Result>(
        _ value: YAMLValue,
        _ key: String,
        advice: String? = nil,
        _ body: () throws -> Result
    ) -> Result? {
        do { return try body() } catch let error as any ActionableError {
            let problem = (error.location.map { "\($0): " } ?? "") + error.problem
            complain(value, key, problem, expected: error.expected, remedy: error.remedy ?? advice)
        } catch {
            complain(value, key, "\(error)")
        }
        return nil
    }

    /// The entries of a mapping; unknown keys are complaints with the nearest valid one.
    func mapping(_ value: YAMLValue?, _ key: String, allowed: [String]) -> [String: YAMLValue] {
        guard let value else { return [:] }
        guard case .mapping(let entries) = value.content else {
            if case .null = value.content { return [:] }
            complain(
                value,
                key,
                "\(value.kind) stands here",
                expected: "a mapping with " + allowed.joined(separator: ", ")
            )
            return [:]
        }
        var found: [String: YAMLValue] = [:]
        for entry in entries {
            if allowed.contains(entry.key) {
                found[entry.key] = entry.value
            } else {
                complaints.append(
                    Complaint(
                        place: entry.keyPlace,
                        key: Self.join(key, entry.key),
                        problem: "unknown key",
                        expected: "one of " + allowed.joined(separator: ", "),
                        remedy: nearestName(to: entry.key, in: allowed).map { "Did you mean '\($0)'?" }
                    )
                )
            }
        }
        return found.filter { if case .null = $0.value.content { false } else { true } }
    }

    func string(_ value: YAMLValue?, _ key: String) -> String? {
        guard let value else { return nil }
        guard case .scalar(let text, _) = value.content else {
            complain(value, key, "\(value.kind) stands here", expected: "a text")
            return nil
        }
        return text
    }

    func integer(_ value: YAMLValue?, _ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let value else { return nil }
        guard case .scalar(let text, let isQuoted) = value.content, !isQuoted,
            let number = Int(text.replacingOccurrences(of: "_", with: "")), range.contains(number)
        else {
            let bound =
                range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
            complain(value, key, "\(value.kind) stands here", expected: "a whole number, \(bound)")
            return nil
        }
        return number
    }

    func boolean(_ value: YAMLValue?, _ key: String) -> Bool? {
        guard let value else { return nil }
        guard case .scalar(let text, let isQuoted) = value.content, !isQuoted, ["true", "false"].contains(text) else {
            complain(value, key, "\(value.kind) stands here", expected: "true or false")
            return nil
        }
        return text == "true"
    }

    /// A list, each element read by `body`; a single scalar counts as a list of one.
    func list<Element>(
        _ value: YAMLValue?,
        _ key: String,
        allowsEmpty: Bool = false,
        _ body: (YAMLValue, String) -> Element?
    ) -> [Element]? {
        guard let value else { return nil }
        switch value.content {
        case .sequence(let items):
            if items.isEmpty, !allowsEmpty { complain(value, key, "the list is empty", expected: "one entry or more") }
            return items.enumerated().compactMap { body($1, "\(key)[\($0)]") }
        case .scalar: return body(value, key).map { [$0] }
        case .mapping, .null:
            complain(value, key, "\(value.kind) stands here", expected: "a list")
            return nil
        }
    }

    /// One of the named cases, with the nearest name for a typo.
    func name<Case: RawRepresentable>(_ value: YAMLValue?, _ key: String, of allowed: [Case]) -> Case?
    where Case.RawValue == String {
        guard let value, let text = string(value, key) else { return nil }
        if let found = allowed.first(where: { $0.rawValue == text }) { return found }
        let names = allowed.map { $0.rawValue }
        complain(
            value,
            key,
            "'\(text)' is unknown",
            expected: "one of " + names.joined(separator: ", "),
            remedy: nearestName(to: text, in: names).map { "Did you mean '\($0)'?" }
        )
        return nil
    }

    /// A path: `~` expanded, relative to the file that names it.
    func path(_ value: YAMLValue?, _ key: String) -> String? {
        guard let value, let text = string(value, key) else { return nil }
        guard !text.isEmpty else {
            complain(value, key, "the path is empty", expected: "a path")
            return nil
        }
        let expanded = NSString(string: text).expandingTildeInPath
        if expanded.hasPrefix("/") { return expanded }
        return URL(fileURLWithPath: expanded, relativeTo: URL(fileURLWithPath: value.place.folder, isDirectory: true))
            .standardizedFileURL.path
    }

    /// A path to a file that must be there and not be a folder; `advice` is given where nothing better is known.
    func existingFile(
        _ value: YAMLValue?,
        _ key: String,
        advice: String? = nil,
        orFolder allowsFolder: Bool = false
    ) -> String? {
        guard let value, let path = path(value, key) else { return nil }
        return attempt(value, key, advice: advice) { try FileError.reading(path, orFolder: allowsFolder) { path } }
    }

    static func join(_ parent: String, _ key: String) -> String { parent.isEmpty ? key : "\(parent).\(key)" }
}
