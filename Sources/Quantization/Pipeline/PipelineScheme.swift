import TensorCore

/// A scheme made of stages and a coder, written `stage:stage:coder`: `hadamard:uniform-4-token-whole-clip0.95`.
///
/// Each stage wraps what follows it (schemes.md §1.24): it changes the block, stores some numbers, and undoes its
/// change when the block is read back. A term that begins with `pre-rope` stores keys as they are before RoPE.
public struct PipelineScheme: TensorScheme {
    /// The parts of the term, as a manifest's `pipeline:` lists them.
    public struct Parameters: Codable, Sendable, Hashable {
        public var steps: [String]
        public init(steps: [String]) { self.steps = steps }
    }

    public static let family = "pipeline"
    public static let grammar = "[pre-rope:][STAGE:…]CODER"
    /// What is listed are published names.
    public static var listed: [PipelineScheme] { [] }

    public let parameters: Parameters
    public let id: String
    public let ropeSide: RoPESide
    let stages: [any PipelineStage]
    let coder: any BlockCoder

    public init(parameters: Parameters) throws {
        var steps = parameters.steps[...]
        ropeSide = steps.first == Self.preRoPE ? .before : .after
        if ropeSide == .before { steps.removeFirst() }
        guard let last = steps.popLast() else {
            throw SchemeError.parameter(name: "pipeline", value: "empty", expected: Self.grammar)
        }
        stages = try steps.map { try PipelineCatalogue.stage($0) }
        coder = try PipelineCatalogue.coder(last)
        let terms = stages.map { $0.term } + [coder.term]
        self.parameters = Parameters(steps: (ropeSide == .before ? [Self.preRoPE] : []) + terms)
        id = self.parameters.steps.joined(separator: ":")
    }

    private init(_ other: PipelineScheme, stages: [any PipelineStage], coder: any BlockCoder) {
        (parameters, id, ropeSide) = (other.parameters, other.id, other.ropeSide)
        self.stages = stages
        self.coder = coder
    }

    private static let preRoPE = "pre-rope"

    public static func parse(_ id: String) throws -> PipelineScheme? {
        let steps = id.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        guard steps.count > 1 || PipelineCatalogue.knowsCoder(id) else { return nil }
        return try PipelineScheme(parameters: Parameters(steps: steps))
    }

    public var summary: String {
        (stages.map { type(of: $0).summary } + [type(of: coder).summary]).joined(separator: "; ")
    }

    public var source: PaperSource { PaperSource(citation: "none; a composition", place: "", link: "") }
    public var bits: Double { coder.bits }
    public var scaleSharing: ScaleSharing? { coder.scaleSharing }
    public var groupSize: GroupSize? { coder.groupSize }

    public var scaleType: String { coder.scaleType }

    public var calibration: CalibrationNeed {
        coder.calibration == .required || stages.contains { $0.calibration == .required } ? .required : .none
    }

    private var rest: PipelineRest { PipelineRest(stages: stages[...], coder: coder) }

    public func encode(_ block: KVBlock) throws -> PackedTensor {
        let sections = block.elementCount == 0 ? [] : try rest.encode(FloatBlock(block))
        return PackedTensor(
            schemeID: id,
            heads: block.heads,
            tokens: block.tokens,
            channels: block.channels,
            sections: sections
        )
    }

    public func decode(_ packed: PackedTensor) throws -> Tensor {
        try packed.check(schemeID: id)
        let shape = BlockShape(heads: packed.heads, tokens: packed.tokens, channels: packed.channels)
        var reader = SectionReader(packed)
        guard shape.elementCount > 0 else {
            try reader.finish()
            return FloatBlock(zeros: shape).tensor
        }
        let block = try rest.decode(&reader, shape)
        try reader.finish()
        return block.tensor
    }

    /// What the coder sees of a block, as far as stages do not depend on what follows them.
    package func passedOn(_ x: FloatBlock) throws -> FloatBlock { try stages.reduce(x) { try $1.passedOn($0) } }

    // MARK: - Calibration

    /// Learns all that the stages and the coder must know of one layer, each seeing what those before pass on.
    ///
    /// - Parameter block: this side of the layer, before RoPE if ``ropeSide`` says so.
    /// - Returns: arrays named by the step that they belong to: `2.codebook`.
    public func calibrate(_ block: FloatBlock, _ sample: CalibrationSample) throws -> CalibrationArrays {
        var all: CalibrationArrays = [:], x = block
        func keep(_ arrays: CalibrationArrays, _ step: Int) {
            for (name, array) in arrays { all["\(step).\(name)"] = array }
        }
        for (step, stage) in stages.enumerated() {
            let arrays = try stage.calibrate(x, sample)
            keep(arrays, step)
            let context = SchemeContext(layer: sample.layer, side: sample.side, previous: sample.previous)
            x = try stage.calibrated(by: arrays).prepared(for: context).passedOn(x)
        }
        keep(try coder.calibrate(x, sample), stages.count)
        return all
    }

    public func prepared(for context: SchemeContext) throws -> PipelineScheme {
        func own(_ step: Int, _ need: CalibrationNeed) throws -> CalibrationArrays {
            let prefix = "\(step)."
            let arrays = context.calibration.filter { $0.key.hasPrefix(prefix) }
            guard need == .none || !arrays.isEmpty else { throw SchemeError.notCalibrated(scheme: id) }
            return Dictionary(uniqueKeysWithValues: arrays.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
        }
        return PipelineScheme(
            self,
            stages: try stages.enumerated().map { step, stage in
                try stage.calibrated(by: try own(step, stage.calibration)).prepared(for: context)
            },
            coder: try coder.calibrated(by: try own(stages.count, coder.calibration)).prepared(for: context)
        )
    }

    /// Whether it must see what was decoded of the layer before.
    public var needsPreviousLayer: Bool { stages.contains { $0 is PredictorStage } }
    /// Whether it must know which tokens get attention.
    public var needsSaliency: Bool { coder is SaliencyCoder }
}
