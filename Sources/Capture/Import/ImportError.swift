import TensorCore

/// A file made elsewhere that cannot become a capture: what is wrong, where in it, and what to do.
public struct ImportError: ActionableError, Equatable {
    /// The file, with its member or byte where there is one.
    public let location: String?
    public let problem: String
    public let expected: String?
    public let remedy: String?

    init(_ location: String?, _ problem: String, expected: String? = nil, remedy: String? = nil) {
        self.location = location
        self.problem = problem
        self.expected = expected
        self.remedy = remedy
    }

    /// For a structure of a file that contradicts itself or its size.
    static func damaged(_ location: String, _ problem: String, expected: String? = nil) -> ImportError {
        ImportError(
            location,
            problem,
            expected: expected,
            remedy: "the file is damaged or its copy incomplete: copy it again or make it anew"
        )
    }
}

/// A name from a file as messages show it: short, on one line, nothing hidden.
func shownName(_ name: String) -> String {
    let visible = name.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : String($0) }.joined()
    return visible.count > 80 ? String(visible.prefix(77)) + "…" : visible
}

/// Some names for a message, the rest as a count.
func shownNames(_ names: some Collection<String>, atMost limit: Int = 8) -> String {
    let shown = names.prefix(limit).map { shownName($0) }.joined(separator: ", ")
    return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
}
