import Foundation
import Reporting
import TensorCore

/// A run folder of synthetic tables, in a place of its own that goes away with it.
final class RunFolder {
    let path: String

    init(_ synthetic: SyntheticTables, leavingOut missing: Set<String> = []) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("kvatlas-run-\(UUID().uuidString)").path
        let tables = synthetic.all.values.filter { !missing.contains($0.name) }
        for table in tables { try CSV.write(table, to: "\(path)/tables/\(table.name).csv") }
        try TableDocumentation.write(Array(tables), to: "\(path)/tables/README.md")
        try write("model: data/models/<synthetic> & more.gguf\ntexts:\n  - path: noise.txt\n", to: "manifest.yaml")
        try write(
            """
            {"figureContext": {"model": "synthetic \(synthetic.layers)-layer model", "text": "seeded noise", "tokens": 2048},
             "toolVersion": "0.1.0", "command": "kvatlas run manifest.yaml --out runs/<x>",
             "machine": {"cpu": "two cores", "memory_bytes": 8589934592, "features": ["avx2", "fma", "f16c"]},
             "inputs": [{"path": "noise.txt", "sha256": "\(String(repeating: "a1b2", count: 16))"},
                        {"path": "model.gguf", "sha256": "\(String(repeating: "c3d4", count: 16))"}],
             "complete": true, "parent": null}
            """,
            to: "provenance.json"
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to file: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
    }

    func read(_ file: String) throws -> String {
        try String(contentsOf: URL(fileURLWithPath: "\(path)/\(file)"), encoding: .utf8)
    }
}
