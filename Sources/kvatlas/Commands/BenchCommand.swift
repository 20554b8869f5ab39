import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast this machine runs.",
        discussion: """
            Examples:
              kvatlas bench kernels
              kvatlas bench decode --model model.gguf --text wiki.txt
              kvatlas bench kernels --filter attention --threads 2 --json kernels.json
              kvatlas bench generate-capture --bytes 4GB --out generated.h5
              kvatlas bench statistics generated.h5
            """,
        subcommands: [
            BenchKernelsCommand.self, BenchDecodeCommand.self, BenchStatisticsCommand.self,
            BenchGenerateCaptureCommand.self,
        ]
    )
}
