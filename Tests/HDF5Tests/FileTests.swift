import Foundation
import HDF5
import TestSupport
import Testing

@Suite struct FileTests {
    @Test func versionIsNumbersWithDots() {
        let parts = Library.version.split(separator: ".")
        #expect(parts.count == 3 && parts.allSatisfy { Int($0) != nil }, "\(Library.version)")
    }

    @Test func groupsAndDatasetsAreListedByName() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let group = try file.root.createGroup("zeta").createGroup("größe")
            _ = try file.root.createDataset("alpha", .int32, shape: [3], storage: Storage())
            try file.close()

            let again = try File.open(at: folder + "/a.h5")
            #expect(group.path == "/zeta/größe")
            #expect(try again.root.names() == ["alpha", "zeta"])
            #expect(try again.root.kind(of: "alpha") == .dataset)
            #expect(try again.root.kind(of: "zeta") == .group)
            #expect(try again.root.group("zeta").names() == ["größe"])
            #expect(try again.root.group("zeta/größe").names() == [])
            #expect(try again.root.contains("zeta"))
            #expect(try !again.root.contains("eta"))
        }
    }

    @Test func existingFileIsKeptUnlessToldOtherwise() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            try File.create(at: path).close()
            let error = try hdf5Error { _ = try File.create(at: path) }
            #expect(error?.code == .fileExists)
            #expect(error?.description.hasPrefix("\(path): cannot create the file: File exists\n") == true)
            try File.create(at: path, overwrite: true).close()
        }
    }

    @Test func missingFileAndMissingFolderAreTold() throws {
        try withTemporaryFolder { folder in
            try expectError(.noSuchFile) { _ = try File.open(at: folder + "/none.h5") }
            try expectError(.noSuchFile) { _ = try File.create(at: folder + "/none/a.h5") }
        }
    }

    @Test(arguments: [0, 1, 7, 8, 100, 5000])
    func otherFilesAreNotHDF5(byteCount: Int) throws {
        try withTemporaryFolder { folder in
            let path = folder + "/text.h5"
            try Data(repeating: 65, count: byteCount).write(to: URL(filePath: path))
            try expectError(.notHDF5) { _ = try File.open(at: path) }
        }
    }

    @Test func truncationAnywhereIsAnError() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            let file = try File.create(at: path)
            let dataset = try file.root.createDataset("x", .int64, shape: [0], storage: Storage(chunkRows: 64))
            for first in stride(from: 0, to: 1024, by: 64) { try dataset.append(Array(first..<first + 64)) }
            try file.close()
            let whole = try Data(contentsOf: URL(filePath: path))
            for length in stride(from: 0, to: whole.count, by: 509) {
                let cut = folder + "/cut.h5"
                try whole.prefix(length).write(to: URL(filePath: cut))
                let error = try hdf5Error { _ = try File.open(at: cut) }
                // Below the superblock's end there is no HDF5 to speak of.
                #expect(error?.code == .truncated || error?.code == .notHDF5, "\(length): \(String(describing: error))")
                if length >= 512 { #expect(error?.code == .truncated, "\(length)") }
            }
        }
    }

    @Test func closingClosesWhatWasOpenedThroughTheFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            let file = try File.create(at: path)
            let dataset = try file.root.createDataset("x", .int64, shape: [0], storage: Storage(chunkRows: 4))
            try file.close()
            #expect(throws: HDF5Error.self) { try dataset.append([1]) }
            try file.close()
            try File.create(at: path, overwrite: true).close()
        }
    }

    @Test func flushedRowsAreInACopyTakenMeanwhile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            let file = try File.create(at: path)
            let dataset = try file.root.createDataset("x", .int64, shape: [0], storage: Storage(chunkRows: 8))
            try dataset.append(Array(0..<16))
            try file.flush()
            try dataset.append(Array(16..<24))
            try FileManager.default.copyItem(atPath: path, toPath: folder + "/copy.h5")
            let copy = try File.open(at: folder + "/copy.h5").root.dataset("x")
            #expect(try copy.shape == [16])
            #expect(try copy.readIntegers(rows: 0..<16) == Array(0..<16))
            #expect(try copy.readableRowCount() == 16)
        }
    }
}
