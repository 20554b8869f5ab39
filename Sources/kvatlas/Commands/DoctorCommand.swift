import ArgumentParser
import Experiments
import Foundation
import HDF5
import Kernels
import TensorCore

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show what this machine offers: libraries, processor features, memory, models.",
        discussion: """
            Exits with 1 if something that kvatlas needs is wrong.

            Examples:
              kvatlas doctor
              KVATLAS_ISA=reference kvatlas doctor --json
            """
    )

    @Flag(help: "As JSON, for programs.")
    var json = false

    func run() throws {
        let report = DoctorReport()
        if json { try printJSON(report) } else { Terminal.printResult(report.text) }
        if !report.problems.isEmpty { throw ExitCode(1) }
    }
}

/// What `doctor` found.
struct DoctorReport: Encodable {
    let machine = Machine.current
    let libraries = LibraryVersions.current
    let instructionSet = InstructionSet.active.rawValue
    let instructionSetsAvailable = InstructionSet.available.map(\.rawValue)
    let threads = Parallel.threadCount
    let models = ModelFolder.models()
    let problems: [String]

    init() {
        var problems: [String] = []
        do { try InstructionSet.validateEnvironment() } catch { problems.append("\(error)") }
        do { try Parallel.validateEnvironment() } catch { problems.append("\(error)") }
        if models.isEmpty {
            Terminal.printError("note: no model in \(ModelFolder.path); 'data/fetch-model.sh' gets one")
        }
        self.problems = problems
    }

    var text: String {
        var rows = [
            ["kvatlas", ToolVersion.current],
            ["processor", "\(machine.processor), \(machine.cores) cores"],
            ["features", CPUFeatures.names.joined(separator: " ")],
            [
                "kernels",
                "\(instructionSet) (available: \(instructionSetsAvailable.joined(separator: ", "))), \(threads) threads",
            ],
            ["memory", "\(byteText(machine.memoryBytes)), \(byteText(machine.availableMemoryBytes)) available"],
            ["system", "\(machine.operatingSystem), kernel \(machine.kernel)"],
        ]
        rows += libraries.sorted { $0.key < $1.key }.map { [$0.key, $0.value] }
        rows += models.map { ["model", "\($0.path) (\(byteText($0.byteCount)))"] }
        rows += problems.map { ["problem", $0] }
        return TextColumns(rows).text
    }
}
