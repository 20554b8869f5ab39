import Foundation
import TensorCore
import Yams

/// One thing that is wrong in a manifest.
public struct Complaint: Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named, or `--set …` for a value from the command line.
    public let file: String
    /// Both from 1; 0 for the file as a whole and for the command line.
    public let line: Int
    public let column: Int
    /// Dotted path such as `analyses.errors.schemes[2]`; empty for the whole file.
    public let key: String
    public let problem: String
    public let expected: String?
    public let remedy: String?

    init(
        place: YAMLValue.Place,
        key: String = "",
        problem: String,
        expected: String? = nil,
        remedy: String? = nil
    ) {
        file = place.file
        line = place.line
        column = place.column
        self.key = key
        self.problem = problem
        self.expected = expected
        self.remedy = remedy
    }

    /// `file:line:column`, or the file alone.
    public var location: String { line > 0 ? "\(file):\(line):\(column)" : file }

    public var description: String {
        var text = "\(location): " + (key.isEmpty ? "" : "\(key): ") + problem
        if let expected { text += "; expected \(expected)" }
        if let remedy { text += "\n  \(remedy)" }
        return text
    }
}

/// Everything that is wrong in a manifest, not only the first thing.
public struct ManifestError: ActionableError, Equatable {
    public let complaints: [Complaint]

    /// Sorts by place, so that a person works through a file from top to bottom.
    init(_ complaints: [Complaint]) {
        var files: [String] = []
        for complaint in complaints where !files.contains(complaint.file) { files.append(complaint.file) }
        func order(_ complaint: Complaint) -> (Int, Int, Int) {
            (files.firstIndex(of: complaint.file) ?? 0, complaint.line, complaint.column)
        }
        self.complaints = complaints.sorted { order($0) < order($1) }
    }

    public var problem: String { complaints.map(\.description).joined(separator: "\n") }
}

extension Complaint {
    /// What the YAML parser could not read, said for people.
    init(_ error: YamlError, text: String, file: String, folder: String) {
        func at(_ line: Int, _ column: Int) -> YAMLValue.Place {
            YAMLValue.Place(file: file, line: line, column: column, folder: folder)
        }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let line = mark.line > 0 && mark.line <= lines.count ? lines[mark.line - 1] : ""
            let hasTab = line.prefix { $0 == " " || $0 == "\t" }.contains("\t")
            self.init(
                place: at(mark.line, mark.column),
                problem: hasTab ? "the line is indented with a tab" : problem,
                expected: hasTab ? "spaces, as YAML demands" : nil,
                remedy: hasTab ? "Replace each tab by spaces." : nil
            )
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            self.init(
                place: Self.secondPlace(of: duplicates.first ?? "", in: text, from: context.mark).map(at)
                    ?? at(context.mark.line, context.mark.column),
                problem: "key \(names) occurs more than once in one mapping",
                expected: "each key once",
                remedy: "Remove or rename one of them."
            )
        case .reader(let problem, let offset, _, _):
            self.init(
                place: at(0, 0),
                problem: problem + (offset.map { " at byte \($0)" } ?? ""),
                expected: "UTF-8 text"
            )
        default:
            self.init(place: at(0, 0), problem: "\(error)", expected: "YAML")
        }
    }

    /// Line and column where a block mapping that begins at `start` names `key` again; the parser tells only the start.
    private static func secondPlace(of key: String, in text: String, from start: Mark) -> (line: Int, column: Int)? {
        let indentation = start.column - 1
        var seen = 0
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated().dropFirst(start.line - 1) {
            let content = line.drop { $0 == " " }
            let depth = index == start.line - 1 ? indentation : line.count - content.count
            if content.isEmpty || content.hasPrefix("#") { continue }
            if depth < indentation { return nil }
            let name = content.prefix { $0 != ":" }.trimmingCharacters(in: CharacterSet(charactersIn: " \"'"))
            guard depth == indentation, name == key else { continue }
            seen += 1
            if seen == 2 { return (index + 1, indentation + 1) }
        }
        return nil
    }
}
