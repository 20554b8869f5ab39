import ModelFormats

extension ModelConfiguration {
    /// Reads a model's sizes from the header of its file, without its vocabulary or weights.
    ///
    /// - Throws: `MappedFileError`, `GGUFError` or `ModelError`, as opening the whole model would.
    public static func read(_ path: String) throws -> ModelConfiguration {
        let file = try GGUFFile(path: path)
        return try ArchitectureCatalogue.architecture(of: file).configuration(file)
    }
}
