import ArgumentParser
import Foundation
import Kernels
import TensorCore

/// Options that every working subcommand takes.
struct SharedOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Worker threads (default: all cores, or KVATLAS_THREADS).", valueName: "n"))
    var threads: Int?

    @Flag(name: .shortAndLong, help: "No progress on stderr.")
    var quiet = false

    func validate() throws { try validatePositive(threads, "--threads") }

    /// - Throws: `KernelError` for an environment variable that names no instruction set or thread count.
    func apply() throws {
        try InstructionSet.validateEnvironment()
        try Parallel.validateEnvironment()
        if let threads { Parallel.threadCount = threads }
    }
}

func validatePositive(_ value: Int?, _ option: String) throws {
    if let value, value < 1 { throw ValidationError("\(option) must be at least 1, not \(value)") }
}

/// The last part of a path, for messages.
func fileName(_ path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

/// A name that is none of the allowed ones, with the nearest.
struct UnknownNameError: ActionableError {
    let what: String
    let name: String
    let allowed: [String]

    var problem: String { "unknown \(what) '\(name)'" }
    var expected: String? { allowed.count <= 12 ? "one of " + allowed.joined(separator: ", ") : nil }
    var remedy: String? { nearestName(to: name, in: allowed).map { "Did you mean '\($0)'?" } }
}

/// The case of `allowed` that is spelled `name`.
func parseName<Value: RawRepresentable>(_ name: String, of allowed: [Value], what: String) throws -> Value
where Value.RawValue == String {
    guard let value = allowed.first(where: { $0.rawValue == name }) else {
        throw UnknownNameError(what: what, name: name, allowed: allowed.map { $0.rawValue })
    }
    return value
}

/// A comma-separated list of `parseName` names, each once, in the order given.
func parseList<Value: RawRepresentable & Equatable>(_ list: String, of allowed: [Value], what: String) throws -> [Value]
where Value.RawValue == String {
    var values: [Value] = []
    for name in splitList(list) {
        let value = try parseName(name, of: allowed, what: what)
        if !values.contains(value) { values.append(value) }
    }
    guard !values.isEmpty else { throw UnknownNameError(what: what, name: list, allowed: allowed.map { $0.rawValue }) }
    return values
}

/// The parts of a comma-separated list, trimmed, empty ones left out.
func splitList(_ list: String) -> [String] {
    list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
}
