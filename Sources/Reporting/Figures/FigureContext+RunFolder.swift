import Foundation
import TensorCore

extension FigureContext {
    /// What the captions of a run say, from its `provenance.json`; empty parts without one.
    ///
    /// - Throws: ``ReportingError`` for a file that is not JSON.
    public init(runDirectory: String) throws {
        let path = URL(fileURLWithPath: runDirectory).appendingPathComponent("provenance.json").path
        self.init(provenance: FileManager.default.fileExists(atPath: path) ? try JSONValue.read(path) : nil)
    }
}
