import TensorCore

/// What a structure study found.
public struct StructureStudyResult: Sendable {
    /// In the order of `StructureTables.all`; tables of analyses that were not asked for are absent.
    public internal(set) var tables: [Table]
    /// What a reader should know: analyses left out, elements that are not finite.
    public internal(set) var warnings: [String] = []

    /// Elements of the tensors that were walked that are NaN or infinite; `nil` if none was walked.
    public internal(set) var nonfiniteElements: Int?

    init(_ analyses: [StructureAnalysis]) {
        let names = analyses.flatMap { $0.tables }
        tables = StructureTables.all.filter { names.contains($0.name) }
    }

    /// Adds rows to a table, if it was asked for.
    mutating func append(_ rows: [[Table.Value]], to name: String) {
        guard let index = tables.firstIndex(where: { $0.name == name }) else { return }
        for row in rows { tables[index].append(row) }
    }
}
