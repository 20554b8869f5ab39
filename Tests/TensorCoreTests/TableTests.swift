import TensorCore
import Testing

@Suite struct TableTests {
    func sample() -> Table {
        var table = Table(
            name: "errors",
            meaning: "one error",
            columns: [
                .init("layer", .integer, "0-based layer"), .init("scheme", .string, "scheme id"),
                .init("value", .number, "the error"),
            ]
        )
        table.append([.integer(0), .string("identity"), .number(0)])
        table.append([.integer(1), .string("kivi-2-g32-r128"), .missing])
        return table
    }

    @Test func cellsAreReadByColumnName() {
        let table = sample()
        #expect(table[1, "scheme"].string == "kivi-2-g32-r128")
        #expect(table[0, "layer"].number == 0)
        #expect(table[1, "value"].number == nil)
        #expect(table.index(of: "nothing") == nil)
        #expect(table.rowViews.map { $0.integer("layer") } == [0, 1])
    }

    @Test func filterKeepsOrderAndColumns() {
        let table = sample().filter { $0.integer("layer") == 1 }
        #expect(table.rows.count == 1)
        #expect(table.columns == sample().columns)
        var twice = table
        twice.append(contentsOf: table)
        #expect(twice.rows.count == 2)
    }
}

@Suite struct ActionableErrorTests {
    struct Sample: ActionableError {
        let problem = "3 heads cannot share 2 key heads"
        var location: String? = "model.gguf"
        var expected: String? = "a multiple"
        var remedy: String? = "Check the file."
    }

    @Test func theParentsReadAsOneMessage() {
        #expect(
            "\(Sample())"
                == "model.gguf: 3 heads cannot share 2 key heads; expected a multiple\n  Check the file."
        )
        #expect("\(Sample(location: nil, expected: nil, remedy: nil))" == "3 heads cannot share 2 key heads")
    }
}
