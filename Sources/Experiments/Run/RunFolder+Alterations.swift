import Foundation
import Reporting

extension RunFolder {
    /// Files of a finished run that are not as its stages left them; needs neither the model nor the capture.
    ///
    /// Compared are the checksums of the stages' stamps, or of `provenance.json` where a copy of the folder has
    /// lost `.stages`. The report and its figures are left out, as they are drawn anew from the tables, and so is a
    /// capture that is gone, as runs need not keep theirs.
    /// - Throws: `FileError` for a file that cannot be read.
    /// - Complexity: O(bytes of the tables); a capture over 64 MiB is compared by its size.
    public static func alterations(in path: String) throws -> [Alteration] {
        let folder = URL(fileURLWithPath: path, isDirectory: true)
        let provenance = Provenance.read(in: folder)
        var alterations: [Alteration] = []
        var made: Set<String> = []
        var isTraced = false
        for id in Stage.ID.allCases where id != .report {
            let recorded = provenance?.stages.first { $0.id == id.rawValue }
            let stamp = StageStamp.read(id, in: folder)
            guard let outputs = stamp?.outputs ?? recorded?.outputs else { continue }
            isTraced = true
            made.formUnion(outputs.keys)
            // A stage that was cut short is stamped without a fingerprint.
            let isUnfinished = stamp.map { $0.fingerprint == nil } ?? false
            for (output, mark) in outputs.sorted(by: { $0.key < $1.key }) {
                let now = try StageStamp.mark(output, in: folder)
                if now == nil {
                    if !id.isDisposable { alterations.append(Alteration(file: output, kind: .missing)) }
                } else if isUnfinished {
                    alterations.append(Alteration(file: output, kind: .unfinished))
                } else if now != mark {
                    alterations.append(Alteration(file: output, kind: .changed))
                }
            }
        }
        // Without any record there is nothing that a file could differ from.
        guard isTraced else { return [] }
        for table in tableFiles(in: folder) where !made.contains(table) {
            alterations.append(Alteration(file: table, kind: .foreign))
        }
        // A run that was cut short has noted its new manifest and not written it.
        if provenance?.finished != nil, let expected = provenance?.manifestSHA256,
            let now = try StageStamp.mark(manifest, in: folder), now != expected
        {
            alterations.append(Alteration(file: manifest, kind: .changed))
        }
        return alterations
    }

    private static func tableFiles(in folder: URL) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent(tables).path))
        return (names ?? []).filter { $0.hasSuffix(".csv") && !$0.hasPrefix(".") }.sorted().map { "\(tables)/\($0)" }
    }
}
