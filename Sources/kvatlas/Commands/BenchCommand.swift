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
            """,
        subcommands: [BenchKernelsCommand.self, BenchDecodeCommand.self]
    )
}
