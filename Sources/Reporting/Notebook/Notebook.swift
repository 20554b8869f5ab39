import TensorCore

/// A Jupyter notebook, as nbformat 4.5 has it.
///
/// Cell ids are given, not drawn, so that the same content is the same file.
struct Notebook {
    struct Cell {
        let id: String
        let kind: Kind
        let source: String
        /// SVG that stands under a code cell as if it had been displayed.
        var svg: String?

        enum Kind: String { case markdown, code }

        /// - Parameter id: letters, digits, `-` and `_`, at most 64 of them, distinct in the notebook.
        static func markdown(_ id: String, _ source: String) -> Cell { Cell(id: id, kind: .markdown, source: source) }

        static func code(_ id: String, _ source: String, svg: String? = nil) -> Cell {
            Cell(id: id, kind: .code, source: source, svg: svg)
        }
    }

    var cells: [Cell]

    /// The file, with a line feed at its end.
    var text: String {
        let kernel = JSONValue.object([
            .init("display_name", .string("Python 3")), .init("language", .string("python")),
            .init("name", .string("python3")),
        ])
        return JSONValue.object([
            .init("cells", .array(cells.map { Self.json($0) })),
            .init(
                "metadata",
                .object([
                    .init("kernelspec", kernel), .init("language_info", .object([.init("name", .string("python"))])),
                ])
            ),
            .init("nbformat", .number("4")),
            .init("nbformat_minor", .number("5")),
        ]).indentedText + "\n"
    }

    private static func json(_ cell: Cell) -> JSONValue {
        var members: [JSONValue.Member] = [.init("cell_type", .string(cell.kind.rawValue))]
        if cell.kind == .code { members.append(.init("execution_count", .null)) }
        members.append(.init("id", .string(cell.id)))
        members.append(.init("metadata", .object([])))
        if cell.kind == .code { members.append(.init("outputs", .array(cell.svg.map { [display($0)] } ?? []))) }
        members.append(.init("source", lines(cell.source)))
        return .object(members)
    }

    private static func display(_ svg: String) -> JSONValue {
        .object([
            .init("data", .object([.init("image/svg+xml", lines(svg))])),
            .init("metadata", .object([])),
            .init("output_type", .string("display_data")),
        ])
    }

    /// Text as nbformat has it: an array of lines, each but the last with its line feed.
    private static func lines(_ text: String) -> JSONValue {
        let parts = text.split(separator: "\n", omittingEmptySubsequences: false)
        let lines = parts.enumerated().map { $0 < parts.count - 1 ? $1 + "\n" : String($1) }
        return .array(lines.filter { !$0.isEmpty }.map { .string($0) })
    }
}
