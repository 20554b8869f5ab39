import ArgumentParser
import Evaluation
import Foundation
import Quantization

struct CalibrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Let schemes learn what they must know of a model from a capture.",
        discussion: """
            'kvatlas list schemes' says which schemes need it. Use another text than the one that errors are measured \
            on. One file may hold several schemes; 'all' stands for every listed one.

            Examples:
              kvatlas calibrate calibration-capture.h5 --scheme kvquant-2 --out kvquant-2.h5
              kvatlas calibrate calibration-capture.h5 --scheme all --out calibration.h5
              kvatlas error capture.h5 --schemes kvquant-2 --calibration kvquant-2.h5 --out -
            """
    )

    @OptionGroup var shared: SharedOptions
    @OptionGroup var input: CaptureOptions

    @Option(help: ArgumentHelp("Scheme ids or terms, separated by commas, or all.", valueName: "list"))
    var scheme: String

    @Option(
        help: ArgumentHelp("The calibration file to write.", valueName: "file.h5"),
        completion: .file(extensions: ["h5"])
    )
    var out: String

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    func run() throws {
        try shared.apply()
        let schemes = try UsageError.wrap("calibrate") { try Self.schemes(scheme) }
        try refuseExisting(out, overwrite: overwrite)
        try refuseMissingFolder(of: out)
        Interruption.install()
        let capture = try input.open()
        let bar = ProgressBar("calibrating", isQuiet: shared.quiet)
        let set = try CalibrationStudy.run(capture, schemes: schemes, progress: bar.update)
        bar.finish("\(set.arrays.count) side(s), \(capture.tokenCount) tokens")
        try CalibrationFile.write(set, to: out, command: CommandLine.arguments.joined(separator: " "))
        Terminal.printResult(out)
    }

    private static func schemes(_ list: String) throws -> [CacheScheme] {
        if list == "all" {
            return try SchemeCatalogue.all.filter { $0.calibration == .required }.map {
                try CacheScheme(parsing: $0.id)
            }
        }
        let names = splitList(list)
        guard !names.isEmpty else { throw UnknownNameError(what: "scheme", name: list, allowed: []) }
        return try names.map { try CacheScheme(parsing: $0) }
    }
}
