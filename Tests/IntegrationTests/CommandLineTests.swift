import Foundation
import Testing

@Suite struct CommandLineTests {
    static let subcommands = [
        "run", "validate", "capture", "inspect", "stats", "error", "calibrate", "plot", "report", "list", "bench",
        "doctor",
        "generate", "perplexity", "divergence",
    ]

    @Test(arguments: subcommands) func everySubcommandHasHelpWithAnExample(name: String) throws {
        let help = try BuiltCommand.run(name, "--help")
        #expect(help.code == 0)
        #expect(help.output.contains("Example"), "\(help.output)")
        #expect(help.output.contains("kvatlas \(name)"))
    }

    @Test(arguments: [
        ["--bogus"], ["capture"], ["stats", "x.h5", "--by", "colour", "--out", "-"], ["list", "schemas"],
        ["error", "x.h5", "--schemes", "kivi-2-g32-r128", "--max-queries", "0", "--out", "-"],
    ])
    func aWrongCommandLineExitsWith2(arguments: [String]) throws {
        let outcome = try BuiltCommand.start(arguments).wait()
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty)
        #expect(!outcome.errors.isEmpty)
    }

    @Test func aMistypedSchemeNamesTheNearest() throws {
        let outcome = try BuiltCommand.run("error", "x.h5", "--schemes", "kivi-2-g32-r12x", "--out", "-")
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("kivi-2-g32-r128"), "\(outcome.errors)")
    }

    @Test func aMissingFileExitsWith1AndNamesTheFile() throws {
        let outcome = try BuiltCommand.run("inspect", "nothing-here.h5")
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("nothing-here.h5"))
    }

    @Test(arguments: [
        "schemes", "stages", "metrics", "statistics", "analyses", "figures", "benchmarks", "architectures",
    ])
    func listsAreTextAndJSON(subject: String) throws {
        let text = try BuiltCommand.run("list", subject)
        let json = try BuiltCommand.run("list", subject, "--json")
        let entries = try #require(
            try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
        )
        #expect(text.output.split(separator: "\n").count >= entries.count)
        for entry in entries {
            let id = try #require(entry["id"] as? String)
            #expect(text.output.contains(id))
        }
    }

    @Test func doctorNamesTheLibrariesAndTheKernels() throws {
        let report = try BuiltCommand.run("doctor", "--json", environment: ["KVATLAS_ISA": "reference"])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(report.output.utf8)) as? [String: Any])
        #expect(object["instructionSet"] as? String == "reference")
        let libraries = try #require(object["libraries"] as? [String: String])
        #expect(Set(libraries.keys) == ["HDF5", "OpenBLAS", "OpenSSL", "Swift"])
        #expect(report.code == 0)
    }

    @Test func anUnknownInstructionSetIsAProblem() throws {
        let report = try BuiltCommand.run("doctor", environment: ["KVATLAS_ISA": "avx3"])
        #expect(report.code == 1)
        #expect(report.output.contains("avx3"))
    }
}
