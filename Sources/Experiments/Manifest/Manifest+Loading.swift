import Foundation
import Inference
import Reporting
import TensorCore

extension Manifest {
    /// Reads and checks a manifest, its includes and the overrides of a command line.
    ///
    /// The model's header is read too, so that layers and heads that it does not have are found here.
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
        let root = reader.mapping(value, "", allowed: rootKeys)
        let name = readName(root["name"], in: value, path: path, reader)
        let model = readModel(root["model"], in: value, reader)
        let texts = readTexts(root["texts"], in: value, reader)
        let sizes = model.flatMap { model in
            reader.attempt(root["model"] ?? value, "model.path") { try ModelConfiguration.read(model.path) }
        }
        let capture = readCapture(root["capture"], layerCount: sizes?.layers, reader)
        let scope = CaptureScope(
            tensors: capture.tensors,
            layers: sizes.flatMap { try? capture.layers.resolve(layerCount: $0.layers) },
            kvHeads: sizes?.kvHeads
        )
        let analyses = reader.mapping(root["analyses"], "analyses", allowed: analysisKeys)
        let statistics = readStatistics(analyses["statistics"], scope, reader)
        let magnitude = readMagnitude(analyses["magnitude"], scope, reader)
        let structure = readStructure(analyses["structure"], scope, reader)
        let calibration = readCalibration(root["calibration"], reader)
        let errors = readErrors(analyses["errors"], scope, calibration, reader)
        let quality = readQuality(analyses["quality"], reader)
        let decode = readDecode(analyses["decode"], reader)
        let isLive = analyses["quality"] != nil || analyses["decode"] != nil
        let hasCapture =
            !isLive || root["capture"] != nil || captureAnalyses.contains { analyses[$0] != nil }
        var usual = hasCapture ? FigureCatalogue.ids : []
        if let structure {
            let tables =
                structure.analyses.flatMap { $0.tables } + statistics.grains.map { "statistics-\($0.rawValue)" }
            usual += FigureCatalogue.structureIDs(drawnFrom: Set(tables))
        }
        if quality != nil { usual.append(QualityByCache.id) }
        if decode != nil { usual.append(MemoryThroughput.id) }
        let figures = readFigures(root["figures"], scope, reader) ?? usual.map { FigureRequest(id: $0) }
        let output = readOutput(root["output"], name: name, reader)
        let description = reader.string(root["description"], "description") ?? ""
        guard let model, let texts else { return nil }
        return Manifest(
            name: name,
            description: description,
            model: model,
            texts: texts,
            capture: capture,
            statistics: statistics,
            magnitude: magnitude,
            structure: structure,
            errors: errors,
            calibration: calibration,
            hasCapture: hasCapture,
            quality: quality,
            decode: decode,
            figures: figures,
            output: output,
            path: path
        )
    }

    private static let captureAnalyses = ["statistics", "magnitude", "structure", "errors"]
    private static let analysisKeys = captureAnalyses + ["quality", "decode"]
    private static let rootKeys = [
        "name", "description", "model", "texts", "capture", "calibration", "analyses", "figures", "output",
    ]

    private static func readName(
        _ value: YAMLValue?,
        in root: YAMLValue,
        path: String,
        _ reader: ManifestReader
    ) -> String {
        let name = reader.string(value, "name") ?? stem(path)
        let isName = name.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
        if name.isEmpty || name.hasPrefix(".") || !isName {
            reader.complain(
                value ?? root,
                "name",
                "'\(name)' cannot name a folder",
                expected: "letters, digits, - and _"
            )
        }
        return name
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
        guard let path = reader.existingFile(pathValue, "model.path", advice: fetchAdvice) else { return nil }
        return Model(path: path, name: reader.string(fields["name"], "model.name") ?? stem(path))
    }

    static func readTexts(
        _ value: YAMLValue?,
        in root: YAMLValue,
        _ reader: ManifestReader,
        key: String = "texts"
    ) -> [Text]? {
        guard let value else {
            reader.complain(root, key, "the key is missing", expected: "a list of UTF-8 files")
            return nil
        }
        return reader.list(value, key) { item, key in
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

    private static func readCapture(
        _ value: YAMLValue?,
        layerCount: Int?,
        _ reader: ManifestReader
    ) -> CaptureJob.Settings {
        let keys = ["tensors", "layers", "max_tokens", "sequence_tokens", "element_type"]
        let fields = reader.mapping(value, "capture", allowed: keys)
        var settings = CaptureJob.Settings()
        if let tensors = fields["tensors"] {
            let named =
                reader.list(tensors, "capture.tensors") { reader.name($0, $1, of: CapturedTensor.allCases) } ?? []
            for needed in [CapturedTensor.key, .value] where !named.isEmpty && !named.contains(needed) {
                reader.complain(
                    tensors,
                    "capture.tensors",
                    "'\(needed.rawValue)' is missing, which the analyses need",
                    expected: "key and value, and if wanted query and key_pre_rope"
                )
            }
            // In one order and once each, so that the same set is the same capture.
            settings.tensors = CapturedTensor.allCases.filter { named.contains($0) }
        }
        settings.layers =
            reader.layers(fields["layers"], "capture.layers", among: nil, layerCount: layerCount) ?? settings.layers
        settings.maximumTokensPerText = reader.integer(fields["max_tokens"], "capture.max_tokens", in: 1...Int.max)
        settings.tokensPerSequence = reader.integer(
            fields["sequence_tokens"],
            "capture.sequence_tokens",
            in: 1...Int.max
        )
        settings.elementType =
            reader.name(fields["element_type"], "capture.element_type", of: [.float16, .float32])
            ?? settings.elementType
        return settings
    }

    private static func readOutput(_ value: YAMLValue?, name: String, _ reader: ManifestReader) -> Output {
        let fields = reader.mapping(value, "output", allowed: ["directory", "keep_capture"])
        let standard = URL(fileURLWithPath: "runs/\(name)").standardizedFileURL.path
        return Output(
            directory: reader.path(fields["directory"], "output.directory") ?? standard,
            keepsCapture: reader.boolean(fields["keep_capture"], "output.keep_capture") ?? true
        )
    }

    private static let fetchAdvice =
        "'bash data/fetch-model.sh --list' names models that can be fetched; --set model.path=FILE takes one of yours."

    private static func stem(_ path: String) -> String {
        URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    }
}
