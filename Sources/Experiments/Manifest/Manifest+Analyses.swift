import Evaluation
import Inference
import Quantization
import Reporting
import Statistics
import TensorCore

extension Manifest {
    static func readStatistics(
        _ value: YAMLValue?,
        _ scope: CaptureScope,
        _ reader: ManifestReader
    ) -> StatisticsStudySettings {
        let base = "analyses.statistics"
        let fields = reader.mapping(value, base, allowed: ["grains", "tensors", "layers", "histogram"])
        var settings = StatisticsStudySettings()
        let grains = reader.list(fields["grains"], "\(base).grains") { reader.name($0, $1, of: Grain.allCases) }
        settings.grains = grains ?? settings.grains
        settings.tensors = reader.tensors(fields["tensors"], "\(base).tensors", among: scope) ?? settings.tensors
        settings.layers = reader.layerList(fields["layers"], "\(base).layers", among: scope) ?? settings.layers
        settings.histogram = reader.boolean(fields["histogram"], "\(base).histogram") ?? settings.histogram
        return settings
    }

    static func readMagnitude(
        _ value: YAMLValue?,
        _ scope: CaptureScope,
        _ reader: ManifestReader
    ) -> MagnitudeStudySettings {
        let base = "analyses.magnitude"
        let fields = reader.mapping(value, base, allowed: ["layers", "head", "tensors", "token_bins"])
        var settings = MagnitudeStudySettings()
        settings.layers = reader.layerList(fields["layers"], "\(base).layers", among: scope) ?? settings.layers
        settings.head = reader.head(fields["head"], "\(base).head", among: scope) ?? settings.head
        settings.tensors =
            reader.magnitudeTensors(fields["tensors"], "\(base).tensors", among: scope)
            ?? settings.tensors.filter { scope.tensors.contains($0.source) }
        settings.maximumBins =
            reader.integer(fields["token_bins"], "\(base).token_bins", in: 2...128) ?? settings.maximumBins
        return settings
    }

    /// `nil` without the key; every analysis for an empty mapping.
    static func readStructure(
        _ value: YAMLValue?,
        _ scope: CaptureScope,
        _ reader: ManifestReader
    ) -> StructureStudySettings? {
        guard let value else { return nil }
        let base = "analyses.structure"
        let keys = ["analyses", "tensors", "layers", "max_queries", "max_attention_tokens", "blocks"]
        let fields = reader.mapping(value, base, allowed: keys)
        let standard = StructureStudySettings()
        let hasQueries = scope.tensors.contains(.query)
        let analyses = reader.list(fields["analyses"], "\(base).analyses") { item, key -> StructureAnalysis? in
            guard let analysis = reader.name(item, key, of: StructureAnalysis.allCases) else { return nil }
            guard hasQueries || !analysis.needsQueries else {
                let problem = "'\(analysis.rawValue)' needs queries, which are not captured"
                reader.complain(item, key, problem, remedy: "Add 'query' to capture.tensors.")
                return nil
            }
            return analysis
        }
        func count(_ key: String, from least: Int) -> Int? {
            reader.integer(fields[key], "\(base).\(key)", in: least...Int.max)
        }
        return StructureStudySettings(
            analyses: analyses ?? standard.analyses.filter { hasQueries || !$0.needsQueries },
            tensors: reader.tensors(fields["tensors"], "\(base).tensors", among: scope),
            layers: reader.layerList(fields["layers"], "\(base).layers", among: scope),
            maximumQueries: count("max_queries", from: 1) ?? standard.maximumQueries,
            maximumAttentionTokens: count("max_attention_tokens", from: 1) ?? standard.maximumAttentionTokens,
            blocks: count("blocks", from: 2) ?? standard.blocks
        )
    }

    static func readErrors(
        _ value: YAMLValue?,
        _ scope: CaptureScope,
        _ calibration: Calibration?,
        _ reader: ManifestReader
    ) -> ErrorStudySettings {
        let base = "analyses.errors"
        let keys = ["schemes", "metrics", "layers", "max_queries", "query_stride", "window"]
        let fields = reader.mapping(value, base, allowed: keys)
        var settings = ErrorStudySettings()
        settings.schemes = readSchemes(fields["schemes"], "\(base).schemes", reader) ?? settings.schemes
        checkNeeds(settings.schemes, fields["schemes"], scope, calibration, reader)
        settings.equalWindow = readEqualWindow(fields["window"], reader)
        settings.metrics = readMetrics(fields["metrics"], "\(base).metrics", scope, reader)
        settings.layers = reader.layerList(fields["layers"], "\(base).layers", among: scope) ?? settings.layers
        settings.maximumQueries =
            reader.integer(fields["max_queries"], "\(base).max_queries", in: 1...Int.max) ?? settings.maximumQueries
        settings.queryStride =
            reader.integer(fields["query_stride"], "\(base).query_stride", in: 1...Int.max) ?? settings.queryStride
        return settings
    }

    /// The metrics named, or all that the captured tensors allow.
    private static func readMetrics(
        _ value: YAMLValue?,
        _ key: String,
        _ scope: CaptureScope,
        _ reader: ManifestReader
    ) -> [String] {
        let possible = MetricCatalogue.all.filter { scope.tensors.contains(.query) || !$0.needsQueries }.map { $0.id }
        let named = reader.list(value, key) { item, itemKey -> String? in
            guard let text = reader.string(item, itemKey),
                reader.attempt(item, itemKey, { try MetricCatalogue.checked([text]) }) != nil
            else { return nil }
            guard possible.contains(text) else {
                let problem = "'\(text)' needs queries, which are not captured"
                reader.complain(item, itemKey, problem, remedy: "Add 'query' to capture.tensors.")
                return nil
            }
            return text
        }
        return named ?? possible
    }

    static func readFigures(
        _ value: YAMLValue?,
        _ scope: CaptureScope,
        _ reader: ManifestReader
    ) -> [FigureRequest]? {
        reader.list(value, "figures", allowsEmpty: true) { item, key -> FigureRequest? in
            var fields = ["id": item]
            if case .mapping = item.content {
                let keys = ["id"] + FigureParameter.allCases.map { $0.manifestKey }
                fields = reader.mapping(item, key, allowed: keys)
            }
            guard let idValue = fields["id"] else {
                reader.complain(item, key, "the key 'id' is missing", expected: "the id of a figure")
                return nil
            }
            guard let id = reader.string(idValue, key),
                let figure = reader.attempt(idValue, key, { try FigureCatalogue.figure(id) })
            else { return nil }
            checkParameters(of: figure, fields, key, reader)
            let selection = FigureSelection(
                layers: reader.layerList(fields["layers"], "\(key).layers", among: scope),
                head: reader.head(fields["head"], "\(key).head", among: scope),
                tensors: figure.tables.contains("magnitude")
                    ? reader.magnitudeTensors(fields["tensors"], "\(key).tensors", among: scope)?.map(\.rawValue)
                    : reader.tensors(fields["tensors"], "\(key).tensors", among: scope)?.map(\.rawValue),
                schemes: readSchemes(fields["schemes"], "\(key).schemes", reader)?.map(\.id),
                metrics: fields["metrics"].map { readMetrics($0, "\(key).metrics", scope, reader) },
                statistic: readStatistic(fields["statistic"], "\(key).statistic", reader)
            )
            return FigureRequest(id: id, selection: selection)
        }
    }

    /// The id of a statistic of heads.
    private static func readStatistic(_ value: YAMLValue?, _ key: String, _ reader: ManifestReader) -> String? {
        guard let value, let id = reader.string(value, key) else { return nil }
        let known = FigureTables.headStatistics
        guard FigureTables.headTable(of: id) != nil else {
            reader.complain(
                value,
                key,
                "there is no statistic '\(id)' of heads",
                expected: "one of " + known.joined(separator: ", "),
                remedy: nearestName(to: id, in: known).map { "Did you mean '\($0)'?" }
            )
            return nil
        }
        return id
    }

    /// A selection that the figure does not heed would be a silent mistake.
    private static func checkParameters(
        of figure: any Figure.Type,
        _ fields: [String: YAMLValue],
        _ key: String,
        _ reader: ManifestReader
    ) {
        let heeded = figure.parameters.map { $0.manifestKey }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) where name != "id" && !heeded.contains(name) {
            reader.complain(
                value,
                "\(key).\(name)",
                "the figure '\(figure.id)' takes no \(name)",
                expected: "some of " + heeded.joined(separator: ", ")
            )
        }
    }
}

extension FigureParameter {
    /// The key that selects it in a manifest.
    var manifestKey: String {
        switch self {
        case .layer: "layers"
        case .head: "head"
        case .tensor: "tensors"
        case .scheme: "schemes"
        case .metric: "metrics"
        case .statistic: "statistic"
        }
    }
}
