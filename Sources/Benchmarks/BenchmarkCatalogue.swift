/// Every kernel benchmark. To add some: one file in `Catalogue/` and one line here.
public enum BenchmarkCatalogue {
    public static let all: [KernelBenchmark] = {
        let all = [
            MemoryReadBenchmark.all, AttentionBenchmarks.all, PackedAttentionBenchmarks.all, QuantizationBenchmarks.all,
            ConversionBenchmarks.all,
            StatisticsBenchmarks.all, VectorBenchmarks.all, WeightBenchmarks.all,
        ].flatMap { $0 }
        let names = Set(all.map { $0.name })
        precondition(names.count == all.count, "a benchmark's name is used twice")
        precondition(all.allSatisfy { $0.rival.map(names.contains) ?? true }, "a rival is not in the catalogue")
        return all
    }()

    public static let names = all.map { $0.name }

    package static func named(_ name: String) -> KernelBenchmark? { all.first { $0.name == name } }

    /// Those that a filter asks for, in the catalogue's order.
    ///
    /// - Parameter filter: names separated by commas; one that is nobody's whole name stands for all that hold it.
    ///   Nothing asks for all.
    /// - Throws: `BenchmarkError.unknownName` for a part that asks for none.
    public static func matching(_ filter: String?) throws -> [KernelBenchmark] {
        guard let filter else { return all }
        var wanted: Set<String> = []
        let parts = filter.split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        for part in parts {
            let found = names.contains(part) ? [part] : names.filter { $0.contains(part) }
            guard !found.isEmpty, !part.isEmpty else { throw BenchmarkError.unknownName(part) }
            wanted.formUnion(found)
        }
        return all.filter { wanted.contains($0.name) }
    }
}
