import Foundation
import HDF5
import Testing

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
