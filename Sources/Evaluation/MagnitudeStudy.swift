import Capture
import Inference
import Kernels
import TensorCore

/// |K| and |V| over token × channel, the numbers behind the paper's Figure 2, as the table `magnitude`.
///
/// Of a capture of T tokens and B = min(T, `maximumBins`) bins, bin i holds the
/// tokens ⌊i·T/B⌋ ..< ⌊(i+1)·T/B⌋ and reports the largest magnitude among them, so
/// that no outlier is lost. NaN and infinity are passed over: a bin of nothing
/// else is missing, and `statistics-channel` counts them.
public enum MagnitudeStudy {
    /// The table `magnitude`.
    ///
    /// - Parameter progress: called with the share of the layers that is done, from 0 to 1.
    /// - Throws: `StatisticsStudyError` for settings that do not suit the capture; `CaptureError` for layers that
    ///   are not there and from reading.
    /// - Complexity: time O(elements of the chosen layers); memory O(bins × width) and 1 MB a tensor.
    public static func run(
        _ capture: CaptureFile,
        settings: MagnitudeStudySettings = MagnitudeStudySettings(),
        progress: (Double) throws -> Void = { _ in }
    ) throws -> Table {
        guard settings.maximumBins > 0 else { throw StatisticsStudyError.bins(settings.maximumBins) }
        let headCount = settings.countsQueryHeads ? capture.metadata.heads : capture.metadata.kvHeads
        if let head = settings.head, !(0..<headCount).contains(head) {
            let tensor = settings.countsQueryHeads ? "the query" : "the cache"
            throw StatisticsStudyError.head(head, tensor: tensor, heads: headCount)
        }
        let layers = try settings.layers ?? tellingLayers(of: capture)
        let tensors = settings.tensors.filter { capture.tensorsPresent.contains($0.source) }
        if let rotated = tensors.first(where: { $0.isRotated }), !TensorProfile.canRotate(capture.metadata.headDim) {
            throw StructureStudyError(
                setting: "tensors",
                value: rotated.rawValue,
                expected: "heads of a power of two channels, not \(capture.metadata.headDim), for a Hadamard rotation"
            )
        }
        _ = try chosenTensors(of: capture, layers: layers, tensors: nil)

        var table = empty()
        for (done, layer) in layers.enumerated() {
            let present = capture.tensors(inLayer: layer)
            // The key chooses the head, whether or not it is shown itself.
            let guides =
                settings.head == nil
                ? [MagnitudeTensor.key, .keyPreRope, .value].filter { present.contains($0.source) } : []
            let shown = tensors.filter { present.contains($0.source) }
            let wanted = guides.prefix(1).filter { !shown.contains($0) } + shown
            let maxima = try parallelMap(wanted.count) {
                try BinMaxima(capture, layer: layer, tensor: wanted[$0], maximumBins: settings.maximumBins)
            }
            let guide = zip(wanted, maxima).first { $0.0 == guides.first }?.1
            let head = settings.head ?? guide?.headOfLargest ?? 0
            let isQueryHead = settings.head != nil && settings.countsQueryHeads
            let group = isQueryHead ? 1 : max(1, capture.metadata.heads / max(1, capture.metadata.kvHeads))
            for (tensor, maxima) in zip(wanted, maxima) where shown.contains(tensor) {
                append(maxima, layer: layer, tensor: tensor, head: tensor == .query ? head * group : head, to: &table)
            }
            try progress(Double(done + 1) / Double(layers.count))
        }
        return table
    }

    /// The first, the middle and the last layer, and the one whose widest key channel stands out most from its
    /// median channel; without repeats.
    private static func tellingLayers(of capture: CaptureFile) throws -> [Int] {
        let layers = capture.layersPresent
        guard let first = layers.first, let last = layers.last else { return [] }
        let ratios = try parallelMap(layers.count) { index -> Double in
            let present = capture.tensors(inLayer: layers[index])
            guard let tensor = [MagnitudeTensor.key, .keyPreRope, .value].first(where: { present.contains($0.source) })
            else {
                return 0
            }
            return try BinMaxima(capture, layer: layers[index], tensor: tensor, maximumBins: 1).ratioOfLargest
        }
        let widest = layers.indices.max { (ratios[$0], -$0) < (ratios[$1], -$1) } ?? 0
        return Set([first, layers[(layers.count - 1) / 2], last, layers[widest]]).sorted()
    }

    private static func empty() -> Table {
        Table(
            name: "magnitude",
            meaning: "Largest magnitude of one channel of one head within a bin of neighbouring tokens.",
            columns: [
                Table.Column("layer", .integer, "Layer, from 0."),
                Table.Column("tensor", .string, "key, key_pre_rope, value, query, key_rotated or value_rotated."),
                Table.Column("head", .integer, "Head of that tensor, from 0."),
                Table.Column("token_first", .integer, unit: "token", "First token of the bin, from 0."),
                Table.Column("token_last", .integer, unit: "token", "Last token of the bin."),
                Table.Column("channel", .integer, "Channel of the head, from 0."),
                Table.Column("absolute_maximum", .number, "max |x| over the bin's finite elements."),
            ]
        )
    }

    private static func append(
        _ maxima: BinMaxima,
        layer: Int,
        tensor: MagnitudeTensor,
        head: Int,
        to table: inout Table
    ) {
        for (bin, tokens) in maxima.bins.enumerated() {
            for channel in 0..<maxima.headDim {
                let value = maxima[bin, head, channel]
                table.append([
                    .integer(layer), .string(tensor.rawValue), .integer(head), .integer(tokens.lowerBound),
                    .integer(tokens.upperBound - 1), .integer(channel),
                    value >= 0 ? .number(Double(value)) : .missing,
                ])
            }
        }
    }
}
