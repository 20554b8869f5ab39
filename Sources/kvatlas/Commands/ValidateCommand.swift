import ArgumentParser
import Experiments

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check a manifest without running it.",
        discussion: """
            Prints every complaint with file, line, column and key, and exits with 1 if there is one.

            Examples:
              kvatlas validate experiments/01-distribution/experiment.yaml
              kvatlas validate experiment.yaml --resolved
            """
    )

    @OptionGroup var input: ManifestOptions

    @Flag(help: "Print the manifest with every default filled in.")
    var resolved = false

    func run() throws {
        let manifest = try input.load()
        if resolved {
            Terminal.printResult(String(try manifest.resolvedYAML().dropLast()))
        } else {
            Terminal.printResult("\(input.manifest): valid")
        }
    }
}
