import Foundation

/// Divides key channels by `λ = max|K|^α` of a calibration text, the two channels of a RoPE pair by one.
///
/// Queries are multiplied alike; both fold into the weights, so that it costs no bits.
/// Source: Lin et al., QServe, MLSys 2025: SmoothAttention, α = 0.5.
struct SmoothStage: TransformStage {
    static let name = "smooth"
    static let grammar = "smooth-ALPHA"
    static let summary = "channels by a power of their largest magnitude in a calibration text"

    private let alpha: Double
    private var factors: [Float] = []

    init(_ term: inout StageTerm) throws {
        let alpha = try term.requiredDecimal("an exponent such as 0.5")
        self.alpha = try StageTerm.checked(alpha, "alpha", above: 0, to: 1)
    }

    var term: String { "\(Self.name)-\(StageTerm.written(alpha))" }
    var calibration: CalibrationNeed { .required }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) -> CalibrationArrays {
        let largest = x.channelMagnitudes()
        let half = x.channels / 2
        let factors = largest.indices.map { index -> Float in
            let channel = index % x.channels, pair = channel < half ? index + half : index - half
            let both = x.channels.isMultiple(of: 2) ? max(largest[index], largest[pair]) : largest[index]
            return both > 0 ? Float(pow(Double(both), alpha)) : 1
        }
        return ["factors": CalibrationArray(shape: [x.heads, x.channels], values: factors)]
    }

    func calibrated(by arrays: CalibrationArrays) throws -> SmoothStage {
        var copy = self
        copy.factors = try arrays["factors"]?.finite(scheme: term, "factors") ?? []
        return copy
    }

    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) throws { try multiply(&x, factors.map { 1 / $0 }) }
    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) throws { try multiply(&x, factors) }

    private func multiply(_ x: inout FloatBlock, _ factors: [Float]) throws {
        try checkCalibration(term, factors.count, x.heads * x.channels)
        x.forEachChannelElement { $1 *= factors[$0] }
    }
}
