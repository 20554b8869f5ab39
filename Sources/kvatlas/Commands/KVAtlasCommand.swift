import ArgumentParser
import Experiments

struct KVAtlasCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kvatlas",
        abstract: "Capture, study and quantize the key/value cache of language models.",
        discussion: """
            Examples:
              kvatlas run experiments/01-distribution/experiment.yaml
              kvatlas capture --model model.gguf --text prose.txt --out capture.h5
              kvatlas stats capture.h5 --by channel --out channels.csv
              kvatlas generate --model model.gguf --prompt "Once upon a time" --cache kivi-2-g32-r128
              kvatlas error capture.h5 --schemes kivi-2-g32-r128 --out errors.csv

            Exit codes: 0 done, 1 failed, 2 wrong command line, 130 interrupted.
            Shell completion: kvatlas --generate-completion-script bash|zsh|fish
            """,
        version: "kvatlas \(ToolVersion.current)",
        subcommands: [
            RunCommand.self, ValidateCommand.self, CaptureCommand.self, ImportCommand.self, InspectCommand.self,
            StatsCommand.self, CompareCommand.self,
            ErrorCommand.self, CalibrateCommand.self, GenerateCommand.self, PerplexityCommand.self,
            DivergenceCommand.self, PlotCommand.self,
            ReportCommand.self, ExportCommand.self, ListCommand.self,
            BenchCommand.self,
            DoctorCommand.self,
        ]
    )

    /// What may stand first on the command line.
    static var names: [String] { configuration.subcommands.map { $0._commandName } + ["help"] }
}
