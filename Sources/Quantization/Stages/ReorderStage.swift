/// Channels in the order of their mean magnitude in a calibration text, so that neighbours are alike.
///
/// Source: Su et al., RotateKV, IJCAI 2025: outlier-aware channel permutation before its grouped-head rotation.
struct ReorderStage: TransformStage {
    static let name = "reorder"
    static let grammar = "reorder"
    static let summary = "channels in the order of their mean magnitude in a calibration text"

    private var order: [Int] = []

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }
    var calibration: CalibrationNeed { .required }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) -> CalibrationArrays {
        let sums = x.foldChannels(0.0) { $0 += Double(abs($1)) }
        let order = (0..<x.heads).flatMap { head -> [Float] in
            let first = head * x.channels
            return (0..<x.channels).sorted { (-sums[first + $0], $0) < (-sums[first + $1], $1) }.map { Float($0) }
        }
        return ["order": CalibrationArray(shape: [x.heads, x.channels], values: order)]
    }

    func calibrated(by arrays: CalibrationArrays) throws -> ReorderStage {
        var copy = self
        copy.order = try arrays["order"]?.integers(in: 0...65535, scheme: term, "order") ?? []
        return copy
    }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) throws {
        try permute(&x) { source, target, place, channel in target[channel] = source[place] }
    }
    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) throws {
        try permute(&x) { source, target, place, channel in target[place] = source[channel] }
    }

    private func permute(
        _ x: inout FloatBlock,
        _ move: ([Float], UnsafeMutableBufferPointer<Float>, Int, Int) -> Void
    ) throws {
        try checkCalibration(term, order.count, x.heads * x.channels)
        let (tokens, channels) = (x.tokens, x.channels)
        for head in 0..<x.heads {
            guard Set(order[head * channels..<(head + 1) * channels]) == Set(0..<channels) else {
                throw SchemeError.calibration(
                    scheme: term,
                    problem: "head \(head)'s order is none of \(channels) channels"
                )
            }
        }
        x.forEachVector { place, vector in
            let source = Array(vector), first = place / tokens * channels
            for channel in 0..<channels { move(source, vector, order[first + channel], channel) }
        }
    }
}
