import TensorCore

/// Two captures or runs side by side: what differs in words, and the numbers as tables.
///
/// Layers are paired by number where the models have as many, else by relative depth.
public struct Comparison: Sendable {
    /// A fact or setting that is not the same.
    public struct FactDifference: Sendable, Equatable, Codable {
        public let key: String
        /// `nil` where the side has no such key.
        public let a: String?
        public let b: String?
        /// Whether it is of how the side was made, not of what it is.
        public let isSetting: Bool
    }

    static let layerTable = "statistics-layer"
    static let channelTable = "statistics-channel"

    public let a: ComparisonSubject
    public let b: ComparisonSubject
    public let facts: [FactDifference]
    /// `compare-statistics`, `compare-channels`, `compare-structure`, `compare-errors`, those with rows.
    public let tables: [Table]
    /// What differs, one sentence each.
    public let sentences: [String]
    /// Whether nothing that was compared differs: facts, settings, tables and, of captures, elements.
    public let isIdentical: Bool
    /// The largest relative difference of two numbers that were compared; infinite if something is in one side only
    /// or of another kind, such as the model, the text or a layer.
    public let largestDifference: Double
    /// What the largest difference is of, in words; `nil` if there is none.
    public let largestDifferenceOf: String?

    /// - Parameter progress: called with the share that is done of reading two captures, from 0 to 1.
    /// - Throws: `CaptureError`, what `progress` throws.
    public init(
        _ a: ComparisonSubject,
        _ b: ComparisonSubject,
        progress: (Double) throws -> Void = { _ in }
    ) throws {
        self.a = a
        self.b = b
        facts =
            Self.differences(a.facts, b.facts, isSetting: false)
            + Self.differences(a.settings, b.settings, isSetting: true)
        let pairing = LayerPairing(Self.layers(a), of: a.modelLayers, Self.layers(b), of: b.modelLayers)
        let empty = Table(name: "", meaning: "", columns: [])
        let statistics = StatisticsComparison(
            a.tables[Self.layerTable] ?? empty,
            b.tables[Self.layerTable] ?? empty,
            pairing: pairing
        )
        let channels = ChannelComparison(
            a.tables[Self.channelTable] ?? empty,
            b.tables[Self.channelTable] ?? empty,
            tensors: statistics.tensors,
            pairing: pairing
        )
        let errors = ErrorComparison(a.tables, b.tables, pairing: pairing)
        let structure = StructureComparison(a.tables, b.tables)
        tables = [statistics.table, channels.table, structure.table, errors.table].filter { !$0.rows.isEmpty }

        var elements: ElementComparison?
        var obstacle: String?
        if let one = a.capture, let other = b.capture {
            obstacle = try ElementComparison.obstacle(one, other)
            if obstacle == nil { elements = try ElementComparison(one, other, progress: progress) }
        }
        var findings = ComparisonFindings(pairing: pairing)
        findings.add(facts)
        findings.add(elements, obstacle: obstacle)
        findings.addLayers(a, b)
        findings.add(statistics)
        findings.add(channels)
        findings.add(structure)
        findings.add(errors)
        let differing = Self.differingTables(a, b)
        findings.addTables(differing: differing, a: a.tables.keys.sorted(), b: b.tables.keys.sorted())
        largestDifference = findings.largest
        largestDifferenceOf = findings.largestOf
        isIdentical =
            findings.largest == 0 && facts.isEmpty && obstacle == nil && elements?.differing.isEmpty ?? true
            && differing.isEmpty && Set(a.tables.keys) == Set(b.tables.keys)
        sentences = isIdentical ? ["identical: \(findings.compared.joined(separator: ", "))"] : findings.sentences
    }

    /// Tables that both have, whether or not they are put side by side, and that are not the same.
    private static func differingTables(_ a: ComparisonSubject, _ b: ComparisonSubject) -> [String] {
        a.tables.keys.sorted().filter { name in
            guard let table = a.tables[name], let other = b.tables[name] else { return false }
            guard table.columns.map({ $0.name }) == other.columns.map({ $0.name }),
                table.rows.count == other.rows.count
            else { return true }
            return !zip(table.rows, other.rows).allSatisfy { zip($0, $1).allSatisfy { isSame($0, $1) } }
        }
    }

    /// Two NaN are the same here.
    private static func isSame(_ a: Table.Value, _ b: Table.Value) -> Bool {
        if case .number(let x) = a, case .number(let y) = b { return x == y || x.isNaN && y.isNaN }
        return a == b
    }

    private static func differences(
        _ a: [ComparisonSubject.Fact],
        _ b: [ComparisonSubject.Fact],
        isSetting: Bool
    ) -> [FactDifference] {
        var keys = a.map { $0.key }
        for fact in b where !keys.contains(fact.key) { keys.append(fact.key) }
        return keys.compactMap { key in
            let one = a.first { $0.key == key }?.value, other = b.first { $0.key == key }?.value
            // What one side does not know is no difference; a key of a manifest that it lacks is.
            guard one != other, isSetting || one != nil && other != nil else { return nil }
            return FactDifference(key: key, a: one, b: other, isSetting: isSetting)
        }
    }

    /// Layers of the tables that are compared by layer.
    private static func layers(_ subject: ComparisonSubject) -> [Int] {
        let tables = [layerTable, ErrorComparison.errors].compactMap { subject.tables[$0] }
        return Set(tables.flatMap { $0.rowViews.compactMap { $0.integer("layer") } }).sorted()
    }
}
