import HDF5
import TestSupport
import Testing

@Suite struct AttributeTests {
    private static let values: [Attribute] = [
        .string(""), .string("größe 🙂"), .integer(.max), .integer(-1), .double(.pi), .double(-.infinity),
        .strings(["a", "", "日本"]), .integers([1, -2, 3]), .integers([]), .doubles([0.5, 1e300]),
    ]

    @Test(arguments: values)
    func valuesComeBack(value: Attribute) throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            try file.root.attributes.write("x", value)
            try file.close()
            let attributes = try File.open(at: folder + "/a.h5").root.attributes
            #expect(try attributes.names() == ["x"])
            #expect(try attributes.read("x") == value)
        }
    }

    @Test func anyValueReplacesAnyOther() throws {
        try withTemporaryFolder { folder in
            let attributes = try File.create(at: folder + "/a.h5").root.attributes
            for value in Self.values + Self.values.reversed() {
                try attributes.write("x", value)
                #expect(try attributes.read("x") == value)
            }
        }
    }

    @Test func emptyListOfTextsComesBack() throws {
        try withTemporaryFolder { folder in
            let attributes = try File.create(at: folder + "/a.h5").root.attributes
            try attributes.write("x", .strings([]))
            #expect(try attributes.strings("x") == [])
        }
    }

    @Test func aWrongKindIsTold() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.h5"
            let attributes = try File.create(at: path).root.attributes
            try attributes.write("x", .string("seven"))
            let error = try hdf5Error { _ = try attributes.integer("x") }
            #expect(error?.code == .wrongType)
            #expect(error?.description == "\(path): cannot read attribute x of /: it is a text, not an integer")
            try expectError(.notFound) { _ = try attributes.string("y") }
            try attributes.write("x", .integer(7))
            #expect(try attributes.double("x") == 7)
            try expectError(.wrongType) { _ = try attributes.strings("x") }
        }
    }

    @Test func attributesOfDatasetsAreTheirOwn() throws {
        try withTemporaryFolder { folder in
            let file = try File.create(at: folder + "/a.h5")
            let dataset = try file.root.createDataset("d", .int32, shape: [2], storage: Storage())
            try dataset.attributes.write("unit", .string("token"))
            #expect(try dataset.attributes.names() == ["unit"])
            #expect(try file.root.attributes.names() == [])
        }
    }
}
