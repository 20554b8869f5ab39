import TensorCore

/// A file of prompts that has none, or an empty one.
struct PromptError: ActionableError {
    let path: String
    /// From 1; `nil` for a file without any.
    let line: Int?

    var problem: String { line == nil ? "there are no prompts" : "an empty prompt" }
    var location: String? { line.map { "\(path):\($0)" } ?? path }
    var expected: String? { "a prompt on each line" }
    var remedy: String? { line == nil ? nil : "Delete the line, or give a prompt of several lines with --prompt-file." }
}
