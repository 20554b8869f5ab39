import ModelFormats

extension ModelConfiguration {
    /// Reads a model's sizes from the header of its file, without its vocabulary or weights.
    ///
    /// - Throws: `MappedFileError`, `GGUFError` or `ModelError`, as opening the whole model would.
    public static func read(_ path: String) throws -> ModelConfiguration {
        let source = try ModelSource(path: path)
        return try ArchitectureCatalogue.architecture(of: source).configuration(source)
    }
}
