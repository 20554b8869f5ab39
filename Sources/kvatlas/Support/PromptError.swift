import TensorCore

/// A prompt that cannot be continued, or a file that has none.
enum PromptError: ActionableError {
    case none(path: String)
    case empty(place: String)
    case emptyLine(place: String)
    case tooLong(place: String, tokens: Int, contextLength: Int)

    var problem: String {
        switch self {
        case .none: "there are no prompts"
        case .empty, .emptyLine: "an empty prompt"
        case .tooLong(_, let tokens, _): "a prompt of \(tokens) tokens"
        }
    }

    var location: String? {
        switch self {
        case .none(let place), .empty(let place), .emptyLine(let place), .tooLong(let place, _, _): place
        }
    }

    var expected: String? {
        switch self {
        case .none, .emptyLine: "a prompt on each line"
        case .empty: "a text of at least one token"
        case .tooLong(_, _, let contextLength): "at most \(contextLength) tokens, the model's context"
        }
    }

    var remedy: String? {
        switch self {
        case .none, .empty: nil
        case .emptyLine: "Delete the line, or give a prompt of several lines with --prompt-file."
        case .tooLong: "Shorten it, or take a model with a longer context."
        }
    }
}
