import TensorCore

/// What is wrong with what was asked to be timed.
public enum BenchmarkError: ActionableError, Equatable {
    /// A filter that no name answers.
    case unknownName(String)
    /// One head's keys and values would fill the machine's memory.
    case tooLarge(tokens: Int, headDim: Int)

    public var problem: String {
        switch self {
        case .unknownName(let name): "no kernel benchmark is named '\(name)', nor has it in its name"
        case .tooLarge(let tokens, let headDim):
            "\(tokens) tokens of \(headDim) channels are more than this machine's memory holds"
        }
    }

    public var expected: String? {
        switch self {
        case .unknownName: nil
        case .tooLarge: "a float16 cache of one head within an eighth of the memory"
        }
    }

    public var remedy: String? {
        switch self {
        case .unknownName(let name):
            nearestName(to: name, in: BenchmarkCatalogue.names).map { "Did you mean '\($0)'?" }
                ?? "'kvatlas list benchmarks' names them all."
        case .tooLarge: "Ask for fewer tokens."
        }
    }
}
