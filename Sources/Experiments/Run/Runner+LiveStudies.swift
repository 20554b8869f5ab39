import Benchmarks
import Evaluation
import Inference
import TensorCore

/// Stages that run the model with caches in use.
extension Runner {
    func quality(_ inputs: RunInputs, _ progress: (Double) throws -> Void) throws -> ([String], String) {
        guard let settings = try manifest.quality?.study() else { return ([], "nothing asked for") }
        let model = try openModel()
        let column = Table.Column("text", .string, "name of the text")
        var tables: [Table] = []
        for (index, text) in inputs.texts.enumerated() {
            let found = try QualityStudy.run(model: model, tokens: model.encode(text.bytes), settings: settings) {
                try progress((Double(index) + $0) / Double(inputs.texts.count))
            }
            let named = found.map { $0.with(column, .string(text.name)) }
            if tables.isEmpty {
                tables = named
            } else {
                for place in tables.indices { tables[place].append(contentsOf: named[place]) }
            }
        }
        return (try folder.write(tables), "\(settings.caches.count) caches, \(inputs.texts.count) text(s)")
    }

    func decode(_ inputs: RunInputs, _ progress: (Double) throws -> Void) throws -> ([String], String) {
        guard let settings = manifest.decode else { return ([], "nothing asked for") }
        let model = try openModel()
        var benchmark = DecodeBenchmark(
            model: model,
            tokens: inputs.texts.flatMap { model.encode($0.bytes) },
            weights: "real",
            caches: try settings.caches.map { try CacheSpecification(parsing: $0) }
        )
        benchmark.batches = settings.batches
        benchmark.measuresLargestBatch = settings.measuresLargestBatch
        benchmark.prompts = settings.prompts
        benchmark.steps = settings.steps
        benchmark.budgetBytes = settings.budgetBytes
        let table = try benchmark.run(progress: progress)
        let leftOut = table.rowViews.filter { $0.number("step_seconds") == nil }.count
        let note = leftOut > 0 ? ", \(leftOut) beyond the budget" : ""
        return (try folder.write([table]), "\(table.rows.count - leftOut) measurements\(note)")
    }
}
