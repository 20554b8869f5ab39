import Inference

extension LanguageModel {
    /// The model of a file or folder; what its user should know of it goes to stderr.
    static func opened(_ path: String) throws -> LanguageModel {
        let model = try LanguageModel(path: path)
        if let notice = model.configuration.notice { Terminal.printError("warning: \(path): \(notice)") }
        return model
    }
}
