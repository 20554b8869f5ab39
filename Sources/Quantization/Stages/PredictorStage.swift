import Kernels

/// Codes only what the layer before does not tell: a linear predictor from its keys, or values, as they were decoded.
///
/// Ridge regression on a calibration text, damped by a thousandth of the mean diagonal; the first layer has none.
/// Weights are the model's, so that they cost no bits a token. Source: Shutova et al., AQUA-KV, ICML 2025; there values
/// are predicted from the layer's own keys too, and the calibration sees decoded layers.
struct PredictorStage: PipelineStage {
    static let name = "predict"
    static let grammar = "predict"
    static let summary = "what a linear predictor from the layer before leaves over"

    private static let damping = 1e-3
    /// `[input and 1][output]`; of a first layer empty.
    private var weights: [Float] = []
    private var previous: FloatBlock?

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }
    var calibration: CalibrationNeed { .required }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) throws -> CalibrationArrays {
        guard let previous = sample.previous else {
            return ["weights": CalibrationArray(shape: [0, 0], values: [])]
        }
        let inputs = Self.extendedRows(previous), outputs = x.joined().elements
        let n = previous.heads * previous.channels + 1, width = x.heads * x.channels
        var x0: [Double] = [], y0: [Double] = [], count = 0
        for token in 0..<x.tokens {
            let row = inputs[token * n..<(token + 1) * n], target = outputs[token * width..<(token + 1) * width]
            guard row.allSatisfy({ $0.isFinite }), target.allSatisfy({ $0.isFinite }) else { continue }
            count += 1
            x0 += row.map { Double($0) }
            y0 += target.map { Double($0) }
        }
        guard count > 0 else {
            throw SchemeError.calibration(scheme: term, problem: "the calibration text has no finite token")
        }
        var gram = LinearAlgebra.transposedProduct(x0, x0, rows: count)
        let cross = LinearAlgebra.transposedProduct(x0, y0, rows: count)
        let products = (0..<width).map { column in (0..<n).map { cross[$0 * width + column] } }
        let trace = (0..<n).reduce(0.0) { $0 + gram[$1 * n + $1] }
        for i in 0..<n { gram[i * n + i] += max(1e-9, Self.damping * trace / Double(n)) }
        guard let solution = LinearAlgebra.solve(gram, size: n, products) else {
            throw SchemeError.calibration(scheme: term, problem: "the layer before does not determine a predictor")
        }
        let values = (0..<n).flatMap { row in solution.map { Float($0[row]) } }
        return ["weights": CalibrationArray(shape: [n, width], values: values)]
    }

    func calibrated(by arrays: CalibrationArrays) throws -> PredictorStage {
        guard let array = arrays["weights"] else { throw SchemeError.notCalibrated(scheme: term) }
        var copy = self
        copy.weights = try array.finite(scheme: term, "weights")
        return copy
    }

    func prepared(for context: SchemeContext) -> PredictorStage {
        var copy = self
        copy.previous = context.previous
        return copy
    }

    func passedOn(_ x: FloatBlock) throws -> FloatBlock {
        guard let predicted = try prediction(x.shape) else { return x }
        var rest = x
        for index in rest.elements.indices { rest.elements[index] -= predicted.elements[index] }
        return rest
    }

    func encode(_ x: FloatBlock, _ rest: PipelineRest) throws -> [PackedTensor.Section] {
        try rest.encode(passedOn(x))
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape, _ rest: PipelineRest) throws -> FloatBlock {
        var x = try rest.decode(&reader, shape)
        guard let predicted = try prediction(shape) else { return x }
        for index in x.elements.indices { x.elements[index] += predicted.elements[index] }
        return x
    }

    private func prediction(_ shape: BlockShape) throws -> FloatBlock? {
        guard let previous, !weights.isEmpty else { return nil }
        let n = previous.heads * previous.channels + 1, width = shape.heads * shape.channels
        try checkCalibration(term, weights.count, n * width)
        guard previous.tokens == shape.tokens else {
            throw SchemeError.shape(
                scheme: term,
                problem: "\(previous.tokens) tokens of the layer before for \(shape.tokens)",
                expected: "the same tokens"
            )
        }
        let inputs = Self.extendedRows(previous)
        var outputs = [Float](repeating: 0, count: shape.tokens * width)
        DenseMatrix.multiply(
            rows: shape.tokens,
            columns: width,
            inner: n,
            inputs,
            stride: n,
            weights,
            stride: width,
            into: &outputs,
            stride: width
        )
        return FloatBlock(heads: 1, tokens: shape.tokens, channels: width, elements: outputs).separated(into: shape)
    }

    /// `[token, head · channel]` with a one at the end of each row.
    private static func extendedRows(_ x: FloatBlock) -> [Float] {
        let joined = x.joined()
        return (0..<x.tokens).flatMap { token in
            joined.elements[token * joined.channels..<(token + 1) * joined.channels] + [1]
        }
    }
}
