import Evaluation
import Foundation
import Yams

extension Manifest {
    /// The manifest with every default filled in, in a fixed order; reading it gives the same manifest.
    public func resolvedYAML() throws -> String {
        func strings(_ values: [String]) -> Node { Node.sequence(.init(values.map(Self.text), .implicit, .flow)) }
        func integers(_ values: [Int]) -> Node { Node.sequence(.init(values.map(Self.plain), .implicit, .flow)) }
        let captureFields: [(String, Node?)] = [
            ("tensors", strings(capture.tensors.map(\.rawValue))),
            ("layers", Self.text(capture.layers.text)),
            ("max_tokens", capture.maximumTokensPerText.map(Self.plain)),
            ("sequence_tokens", capture.tokensPerSequence.map(Self.plain)),
            ("element_type", Self.text(capture.elementType.rawValue)),
        ]
        let statisticsFields: [(String, Node?)] = [
            ("grains", strings(statistics.grains.map(\.rawValue))),
            ("tensors", statistics.tensors.map { strings($0.map(\.rawValue)) }),
            ("layers", statistics.layers.map(integers)),
            ("histogram", Self.plain(statistics.histogram)),
        ]
        let magnitudeFields: [(String, Node?)] = [
            ("layers", magnitude.layers.map(integers)),
            ("head", magnitude.head.map(Self.plain)),
            ("tensors", strings(magnitude.tensors.map(\.rawValue))),
            ("token_bins", Self.plain(magnitude.maximumBins)),
        ]
        let errorFields: [(String, Node?)] = [
            ("schemes", Node.sequence(.init(errors.schemes.map { Self.text($0.id) }))),
            ("metrics", Node.sequence(.init(errors.metrics.map(Self.text)))),
            ("layers", errors.layers.map(integers)),
            ("max_queries", Self.plain(errors.maximumQueries)),
            ("query_stride", Self.plain(errors.queryStride)),
            ("window", errors.equalWindow.map { Self.text($0.equalTerm) }),
        ]
        let figureNodes = figures.map { request in
            Self.mapping([
                ("id", Self.text(request.id)),
                ("layers", request.selection.layers.map(integers)),
                ("head", request.selection.head.map(Self.plain)),
                ("tensors", request.selection.tensors.map(strings)),
                ("schemes", request.selection.schemes.map(strings)),
                ("metrics", request.selection.metrics.map(strings)),
                ("statistic", request.selection.statistic.map(Self.text)),
            ])
        }
        func textNodes(_ texts: [Text]) -> Node {
            let nodes = texts.map { Self.mapping([("path", Self.text($0.path)), ("name", Self.text($0.name))]) }
            return Node.sequence(.init(nodes))
        }
        let calibrationNode = calibration.map { calibration in
            Self.mapping([
                ("texts", textNodes(calibration.texts)),
                ("max_tokens", calibration.maximumTokensPerText.map(Self.plain)),
                ("sequence_tokens", calibration.tokensPerSequence.map(Self.plain)),
            ])
        }
        let root = Self.mapping([
            ("name", Self.text(name)),
            ("description", Self.text(description)),
            ("model", Self.mapping([("path", Self.text(model.path)), ("name", Self.text(model.name))])),
            ("texts", textNodes(texts)),
            ("capture", hasCapture ? Self.mapping(captureFields) : nil),
            ("calibration", calibrationNode),
            (
                "analyses",
                Self.mapping([
                    ("statistics", hasCapture ? Self.mapping(statisticsFields) : nil),
                    ("magnitude", hasCapture ? Self.mapping(magnitudeFields) : nil),
                    ("structure", structure.map { Self.mapping(structureFields($0)) }),
                    ("errors", hasCapture ? Self.mapping(errorFields) : nil),
                    ("quality", quality.map { Self.mapping(qualityFields($0)) }),
                    ("decode", decode.map { Self.mapping(decodeFields($0)) }),
                ])
            ),
            ("figures", Node.sequence(.init(figureNodes))),
            (
                "output",
                Self.mapping([
                    ("directory", Self.text(output.directory)),
                    ("keep_capture", Self.plain(output.keepsCapture)),
                ])
            ),
        ])
        return try Yams.serialize(node: root, width: -1, allowUnicode: true)
    }

    private func structureFields(_ settings: StructureStudySettings) -> [(String, Node?)] {
        func texts(_ values: [String]) -> Node { Node.sequence(.init(values.map(Self.text), .implicit, .flow)) }
        return [
            ("analyses", texts(settings.analyses.map(\.rawValue))),
            ("tensors", settings.tensors.map { texts($0.map(\.rawValue)) }),
            ("layers", settings.layers.map { Node.sequence(.init($0.map(Self.plain), .implicit, .flow)) }),
            ("max_queries", Self.plain(settings.maximumQueries)),
            ("max_attention_tokens", Self.plain(settings.maximumAttentionTokens)),
            ("blocks", Self.plain(settings.blocks)),
        ]
    }

    private func qualityFields(_ settings: QualityJobSettings) -> [(String, Node?)] {
        [
            ("caches", Node.sequence(.init(settings.caches.map(Self.text)))),
            ("window", Self.plain(settings.window)),
            ("stride", settings.stride.map(Self.plain)),
            ("score", Self.text(settings.scoring.rawValue)),
            ("max_windows", settings.maximumWindows.map(Self.plain)),
            ("mode", Self.text(settings.mode.rawValue)),
            ("block", Self.plain(settings.blockTokens)),
        ]
    }

    private func decodeFields(_ settings: DecodeJobSettings) -> [(String, Node?)] {
        [
            ("caches", Node.sequence(.init(settings.caches.map(Self.text)))),
            ("batches", Node.sequence(.init(settings.batches.map(Self.plain), .implicit, .flow))),
            ("largest_batch", Self.plain(settings.measuresLargestBatch)),
            ("prompts", Node.sequence(.init(settings.prompts.map(Self.plain), .implicit, .flow))),
            ("steps", Self.plain(settings.steps)),
            ("budget_bytes", settings.budgetBytes.map(Self.plain)),
        ]
    }

    private static func mapping(_ entries: [(String, Node?)]) -> Node {
        Node.mapping(.init(entries.compactMap { key, value in value.map { (Node.scalar(.init(key)), $0) } }))
    }

    private static func plain(_ number: Int) -> Node { Node.scalar(.init(String(number))) }

    private static func plain(_ flag: Bool) -> Node { Node.scalar(.init(String(flag))) }

    /// Quoted, so that a name such as `null` or `07` stays a text.
    private static func text(_ string: String) -> Node {
        let isPlain =
            string.first?.isLetter == true && string.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) }
            && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"].contains(string.lowercased())
        return Node.scalar(.init(string, Tag(.str), isPlain ? .plain : .doubleQuoted))
    }
}
