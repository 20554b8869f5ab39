import TensorCore

/// What is wrong with the environment or the data that the kernels were given.
public enum KernelError: ActionableError, Equatable {
    /// `KVATLAS_ISA` names no instruction set.
    case unknownInstructionSet(String)
    /// `KVATLAS_ISA` names one that this build or processor lacks.
    case unavailableInstructionSet(InstructionSet)
    /// `KVATLAS_THREADS` is no whole number of at least 1.
    case invalidThreadCount(String)
    /// No memory for another page of a cache.
    case outOfMemory(wanted: Int, used: Int, budget: Int?)

    public var problem: String {
        switch self {
        case .unknownInstructionSet(let name): "unknown instruction set \"\(name)\""
        case .unavailableInstructionSet(let set): "instruction set \(set.rawValue) is not available here"
        case .invalidThreadCount(let text): "invalid number of threads \"\(text)\""
        case .outOfMemory(let wanted, let used, let budget):
            "no memory for \(wanted) more bytes of cache beside \(used)"
                + (budget.map { " within the budget of \($0) bytes" } ?? "")
        }
    }

    public var location: String? {
        switch self {
        case .unknownInstructionSet, .unavailableInstructionSet: "environment variable \(InstructionSet.variable)"
        case .invalidThreadCount: "environment variable \(Parallel.variable)"
        case .outOfMemory: nil
        }
    }

    public var expected: String? {
        switch self {
        case .unknownInstructionSet, .unavailableInstructionSet:
            "one of " + InstructionSet.available.map { $0.rawValue }.joined(separator: ", ")
        case .invalidThreadCount: "a whole number of at least 1"
        case .outOfMemory: nil
        }
    }

    public var remedy: String? {
        switch self {
        case .unknownInstructionSet(let name):
            nearestName(to: name, in: InstructionSet.allCases.map { $0.rawValue }).map { "Did you mean \($0)?" }
                ?? "Unset it to use the fastest."
        case .unavailableInstructionSet, .invalidThreadCount: "Unset it to use the default."
        case .outOfMemory: "Use fewer or shorter sequences, fewer bits, or a larger budget."
        }
    }
}
