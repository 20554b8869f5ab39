import ArgumentParser

@main
struct KVAtlasCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kvatlas",
        abstract: "Capture, study and quantize the key/value cache of language models."
    )
}
