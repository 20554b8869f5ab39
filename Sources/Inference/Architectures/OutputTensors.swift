import ModelFormats

/// The names of the embedding and of the output matrix, which may be the embedding itself.
struct OutputTensors {
    let embedding: String
    let output: String
    let requirements: [TensorRequirement]

    /// - Throws: `MetadataError` for a mistyped `tie_word_embeddings`.
    init(_ source: ModelSource, _ configuration: ModelConfiguration, _ names: TensorNames) throws {
        embedding = names("token_embd")
        let own = names("output")
        // A folder that says so must have one; else an output of its own counts wherever there is one.
        let isRequired = try source.booleanIfPresent("tie_word_embeddings") == false
        output = isRequired || source.tensors[own] != nil ? own : embedding
        requirements = [embedding, output].map {
            .matrix($0, rows: configuration.vocabularySize, columns: configuration.width)
        }
    }
}
