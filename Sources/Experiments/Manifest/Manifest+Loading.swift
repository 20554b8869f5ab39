import Evaluation
import Foundation
import Inference
import Quantization
import Reporting
import Statistics
import TensorCore

extension Manifest {
    /// Reads and checks a manifest, its includes and the overrides of a command line.
    ///
    /// - Parameter overrides: `key=value` with dotted keys, e.g. `model.path=m.gguf`; the value is
    ///   YAML, and relative paths in it start at the current folder.
    /// - Throws: `ManifestError` with every complaint, or `FileError` for the manifest itself.
    public static func load(_ path: String, overrides: [String] = []) throws -> Manifest {
        var value = try ManifestSource.read(path)
        for override in overrides { value = try ManifestSource.applying(override, to: value) }
        let reader = ManifestReader()
        let manifest = read(value, path: path, reader)
        guard reader.complaints.isEmpty, let manifest else { throw ManifestError(reader.complaints) }
        return manifest
    }

    private static func read(_ value: YAMLValue, path: String, _ reader: ManifestReader) -> Manifest? {
        let keys = ["name", "description", "model", "texts", "capture", "analyses", "figures", "output"]
        let root = reader.mapping(value, "", allowed: keys)
        let name = reader.string(root["name"], "name") ?? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) } && !name.hasPrefix(".")
        if !isName {
            reader.complain(root["name"] ?? value, "name", "'\(name)' cannot name a folder", expected: "letters, digits, - and _")
        }
        let model = readModel(root["model"], in: value, reader)
        let texts = readTexts(root["texts"], in: value, reader)
        let analyses = reader.mapping(root["analyses"], "analyses", allowed: ["statistics", "magnitude", "errors"])
        let capture = readCapture(root["capture"], reader)
        let statistics = readStatistics(analyses["statistics"], reader)
        let magnitude = readMagnitude(analyses["magnitude"], reader)
        let errors = readErrors(analyses["errors"], reader)
        let figures = readFigures(root["figures"], reader)
        let output = readOutput(root["output"], name: name, reader)
        guard let model, let texts else { return nil }
        return Manifest(
            name: name,
            description: reader.string(root["description"], "description") ?? "",
            model: model,
            texts: texts,
            capture: capture,
            statistics: statistics,
            magnitude: magnitude,
            errors: errors,
            figures: figures,
            output: output,
            path: path
        )
    }

    private static func readModel(_ value: YAMLValue?, in root: YAMLValue, _ reader: ManifestReader) -> Model? {
        guard let value else {
            reader.complain(root, "model", "the key is missing", expected: "model: {path: FILE.gguf}")
            return nil
        }
        var fields = ["path": value]
        if case .mapping = value.content { fields = reader.mapping(value, "model", allowed: ["path", "name"]) }
        guard let pathValue = fields["path"] else {
            reader.complain(value, "model.path", "the key is missing", expected: "the path of a GGUF file")
            return nil
        }
        guard let path = reader.existingFile(pathValue, "model.path") else { return nil }
        return Model(path: path, name: reader.string(fields["name"], "model.name") ?? stem(path))
    }

    private static func readTexts(_ value: YAMLValue?, in root: YAMLValue, _ reader: ManifestReader) -> [Text]? {
        guard let value else {
            reader.complain(root, "texts", "the key is missing", expected: "a list of UTF-8 files")
            return nil
        }
        return reader.list(value, "texts") { item, key in
            var fields = ["path": item]
            if case .mapping = item.content { fields = reader.mapping(item, key, allowed: ["path", "name"]) }
            guard let pathValue = fields["path"] else {
                reader.complain(item, key, "the key 'path' is missing", expected: "the path of a UTF-8 file")
                return nil
            }
            guard let path = reader.existingFile(pathValue, "\(key)") else { return nil }
            guard reader.attempt(pathValue, key, { try TextFile.load(path) }) != nil else { return nil }
            return Text(path: path, name: reader.string(fields["name"], "\(key).name") ?? stem(path))
        }
    }

    private static func readCapture(_ value: YAMLValue?, _ reader: ManifestReader) -> CaptureJob.Settings {
        let keys = ["tensors", "layers", "max_tokens", "sequence_tokens", "element_type"]
        let fields = reader.mapping(value, "capture", allowed: keys)
        var settings = CaptureJob.Settings()
        settings.tensors = readTensors(fields["tensors"], "capture.tensors", reader) ?? settings.tensors
        if let layers = fields["layers"] {
            settings.layers = readLayers(layers, "capture.layers", reader) ?? settings.layers
        }
        settings.maximumTokensPerText = reader.integer(fields["max_tokens"], "capture.max_tokens", in: 1...Int.max)
        settings.tokensPerSequence = reader.integer(fields["sequence_tokens"], "capture.sequence_tokens", in: 1...Int.max)
        settings.elementType =
            reader.name(fields["element_type"], "capture.element_type", of: [.float16, .float32]) ?? settings.elementType
        return settings
    }

    private static func readStatistics(_ value: YAMLValue?, _ reader: ManifestReader) -> StatisticsStudySettings {
        let fields = reader.mapping(value, "analyses.statistics", allowed: ["grains", "tensors"])
        var settings = StatisticsStudySettings()
        let grains = reader.list(fields["grains"], "analyses.statistics.grains") {
            reader.name($0, $1, of: Grain.allCases)
        }
        settings.grains = grains ?? settings.grains
        settings.tensors = readTensors(fields["tensors"], "analyses.statistics.tensors", reader) ?? settings.tensors
        return settings
    }

    private static func readMagnitude(_ value: YAMLValue?, _ reader: ManifestReader) -> MagnitudeStudySettings {
        let base = "analyses.magnitude"
        let fields = reader.mapping(value, base, allowed: ["layers", "head", "tensors", "token_bins"])
        var settings = MagnitudeStudySettings()
        settings.layers = numbers(fields["layers"], "\(base).layers", reader) ?? settings.layers
        settings.head = reader.integer(fields["head"], "\(base).head", in: 0...Int.max) ?? settings.head
        settings.tensors = readTensors(fields["tensors"], "\(base).tensors", reader) ?? settings.tensors
        settings.maximumBins = reader.integer(fields["token_bins"], "\(base).token_bins", in: 2...128) ?? settings.maximumBins
        return settings
    }

    private static func readErrors(_ value: YAMLValue?, _ reader: ManifestReader) -> ErrorStudySettings {
        let base = "analyses.errors"
        let fields = reader.mapping(value, base, allowed: ["schemes", "metrics", "layers", "max_queries"])
        var settings = ErrorStudySettings()
        let schemes = reader.list(fields["schemes"], "\(base).schemes") { item, key in
            reader.string(item, key).flatMap { text in reader.attempt(item, key) { try CacheScheme(parsing: text) } }
        }
        settings.schemes = schemes ?? settings.schemes
        let metrics = reader.list(fields["metrics"], "\(base).metrics") { item, key in
            reader.string(item, key).flatMap { text in
                reader.attempt(item, key) { try MetricCatalogue.checked([text]) }?.first
            }
        }
        settings.metrics = metrics ?? settings.metrics
        settings.layers = numbers(fields["layers"], "\(base).layers", reader) ?? settings.layers
        settings.maximumQueries =
            reader.integer(fields["max_queries"], "\(base).max_queries", in: 1...Int.max) ?? settings.maximumQueries
        return settings
    }

    private static func readFigures(_ value: YAMLValue?, _ reader: ManifestReader) -> [FigureRequest] {
        let requests = reader.list(value, "figures", allowsEmpty: true) { item, key -> FigureRequest? in
            var fields = ["id": item]
            if case .mapping = item.content {
                fields = reader.mapping(item, key, allowed: ["id", "layers", "head", "tensors", "schemes", "metrics"])
            }
            guard let idValue = fields["id"] else {
                reader.complain(item, key, "the key 'id' is missing", expected: "the id of a figure")
                return nil
            }
            guard let id = reader.string(idValue, key),
                reader.attempt(idValue, key, { try FigureCatalogue.figure(id) }) != nil
            else { return nil }
            let selection = FigureSelection(
                layers: numbers(fields["layers"], "\(key).layers", reader),
                head: reader.integer(fields["head"], "\(key).head", in: 0...Int.max),
                tensors: readTensors(fields["tensors"], "\(key).tensors", reader)?.map(\.rawValue),
                schemes: reader.list(fields["schemes"], "\(key).schemes") { reader.string($0, $1) },
                metrics: reader.list(fields["metrics"], "\(key).metrics") { reader.string($0, $1) }
            )
            return FigureRequest(id: id, selection: selection)
        }
        return requests ?? FigureCatalogue.ids.map { FigureRequest(id: $0) }
    }

    private static func readOutput(_ value: YAMLValue?, name: String, _ reader: ManifestReader) -> Output {
        let fields = reader.mapping(value, "output", allowed: ["directory", "keep_capture"])
        let standard = URL(fileURLWithPath: "runs/\(name)").standardizedFileURL.path
        return Output(
            directory: reader.path(fields["directory"], "output.directory") ?? standard,
            keepsCapture: reader.boolean(fields["keep_capture"], "output.keep_capture") ?? true
        )
    }

    private static func readTensors(_ value: YAMLValue?, _ key: String, _ reader: ManifestReader) -> [CapturedTensor]? {
        reader.list(value, key) { reader.name($0, $1, of: CapturedTensor.allCases) }
    }

    /// `all`, `0,7-9`, or a list of numbers.
    private static func readLayers(_ value: YAMLValue, _ key: String, _ reader: ManifestReader) -> LayerSelection? {
        if case .scalar(let text, _) = value.content { return reader.attempt(value, key) { try LayerSelection(parsing: text) } }
        let layers = reader.list(value, key) { reader.integer($0, $1, in: 0...9_999) }
        return layers.map { .only(Set($0).sorted()) }
    }

    /// Like `readLayers`, for settings whose `nil` means all.
    private static func numbers(_ value: YAMLValue?, _ key: String, _ reader: ManifestReader) -> [Int]? {
        guard let value, case .only(let layers)? = readLayers(value, key, reader) else { return nil }
        return layers
    }

    private static func stem(_ path: String) -> String {
        URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    }
}
