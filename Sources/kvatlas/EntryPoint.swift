import ArgumentParser
import Foundation
import TensorCore

/// Parses, runs, and turns every outcome into one of the documented exit codes.
///
/// 0: done. 1: it failed. 2: the command line was wrong. 130: interrupted.
@main
enum EntryPoint {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try KVAtlasCommand.parseAsRoot()
            try command.run()
        } catch {
            exit(report(error))
        }
    }

    private static func report(_ error: any Error) -> Int32 {
        if error is Interrupted {
            Terminal.printError("interrupted: what was finished is kept, nothing half-written has its final name")
            return 130
        }
        if let code = error as? ExitCode { return code.rawValue }
        // A usage error found after parsing: printed like the parser's own.
        if let usage = error as? UsageError {
            Terminal.printError("error: \(usage.underlying)\nSee 'kvatlas \(usage.command) --help'.")
            return 2
        }
        let code = KVAtlasCommand.exitCode(for: error)
        guard code == .validationFailure || code == .success else {
            Terminal.printError("error: \(describe(error))")
            return 1
        }
        let message = KVAtlasCommand.fullMessage(for: error)
        if code == .success {
            print(message)
            return 0
        }
        Terminal.printError(message.hasPrefix("Error: ") ? "error: " + message.dropFirst(7) : message)
        if let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"),
            let nearest = nearestName(to: word, in: KVAtlasCommand.names), nearest != word
        {
            Terminal.printError("Did you mean 'kvatlas \(nearest)'?")
        }
        return 2
    }

    /// Foundation's errors print their whole dictionary; a person wants the sentence.
    private static func describe(_ error: any Error) -> String {
        error is CocoaError || error is POSIXError ? error.localizedDescription : "\(error)"
    }
}

/// A wrong value on the command line that only the library could recognise, e.g. a mistyped scheme.
struct UsageError: Error {
    let command: String
    let underlying: any Error

    /// Runs `body` and marks what it throws as the caller's mistake.
    static func wrap<Result>(_ command: String, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as UsageError { throw error } catch {
            throw UsageError(command: command, underlying: error)
        }
    }
}
