import Foundation
import HDF5
import Testing

/// Runs `body` with the path of a new folder, which is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("kvatlas-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
}

/// The HDF5 error that `body` throws, or `nil` if it throws none.
func hdf5Error(_ body: () throws -> Void) throws -> HDF5Error? {
    do {
        try body()
        return nil
    } catch let error as HDF5Error {
        return error
    }
}

/// Expects `body` to throw an HDF5 error of this code.
func expectError(
    _ code: HDF5Error.Code,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) throws {
    let error = try hdf5Error(body)
    #expect(error?.code == code, "\(String(describing: error))", sourceLocation: sourceLocation)
}
