/// What stages and coders have in common: a term, and what they must learn.
public protocol PipelineStep: Sendable {
    /// How its terms begin, and how they are written: `hadamard` and `hadamard[-N]`.
    static var name: String { get }
    static var grammar: String { get }
    /// One sentence for lists.
    static var summary: String { get }
    /// - Throws: `SchemeError.parameter` for what it does not know.
    init(_ term: inout StageTerm) throws

    /// As it is written; what ``init(_:)`` reads.
    var term: String { get }
    var calibration: CalibrationNeed { get }
    /// What it must know of a model, learnt from one layer.
    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) throws -> CalibrationArrays
    /// The step with what it learnt.
    /// - Throws: `SchemeError.calibration` if that is of another shape.
    func calibrated(by arrays: CalibrationArrays) throws -> Self
    /// The step for one layer's block, given what was decoded of the layer before.
    func prepared(for context: SchemeContext) throws -> Self
}

extension PipelineStep {
    public var calibration: CalibrationNeed { .none }
    public func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) throws -> CalibrationArrays { [:] }
    public func calibrated(by arrays: CalibrationArrays) throws -> Self { self }
    public func prepared(for context: SchemeContext) throws -> Self { self }
}

/// A step of a pipeline around those that follow it: it changes what they store, or adds to it.
///
/// Adding one is a file in `Stages/` and a line in `PipelineCatalogue.stages`.
public protocol PipelineStage: PipelineStep {
    func encode(_ x: FloatBlock, _ rest: PipelineRest) throws -> [PackedTensor.Section]
    func decode(_ reader: inout SectionReader, _ shape: BlockShape, _ rest: PipelineRest) throws -> FloatBlock

    /// What those that follow see, as far as it does not depend on them; used when they are calibrated.
    func passedOn(_ x: FloatBlock) throws -> FloatBlock
}

extension PipelineStage {
    public func passedOn(_ x: FloatBlock) throws -> FloatBlock { x }
}

/// A stage that maps a block to another of the same shape and back, with some numbers that it stores.
public protocol TransformStage: PipelineStage {
    /// Names, counts and formats of the numbers.
    func metadata(of shape: BlockShape) -> [(name: String, count: Int, format: MetadataFormat)]
    /// The numbers; they are rounded to their format before they are used.
    func measure(_ x: FloatBlock) throws -> [[Float]]
    func apply(_ x: inout FloatBlock, _ metadata: [[Float]]) throws
    func undo(_ x: inout FloatBlock, _ metadata: [[Float]]) throws
}

extension TransformStage {
    public func metadata(of shape: BlockShape) -> [(name: String, count: Int, format: MetadataFormat)] { [] }
    public func measure(_ x: FloatBlock) throws -> [[Float]] { [] }

    private func stored(_ x: FloatBlock) throws -> [[Float]] {
        try zip(metadata(of: x.shape), measure(x)).map { place, numbers in numbers.map { place.format.rounded($0) } }
    }

    public func encode(_ x: FloatBlock, _ rest: PipelineRest) throws -> [PackedTensor.Section] {
        let numbers = try stored(x)
        var changed = x
        try apply(&changed, numbers)
        return zip(metadata(of: x.shape), numbers).map { PackedTensor.Section($0.name, $1, $0.format) }
            + (try rest.encode(changed))
    }

    public func decode(
        _ reader: inout SectionReader,
        _ shape: BlockShape,
        _ rest: PipelineRest
    ) throws -> FloatBlock {
        let numbers = try metadata(of: shape).map { try reader.floats($0.name, count: $0.count, $0.format) }
        var x = try rest.decode(&reader, shape)
        try undo(&x, numbers)
        return x
    }

    public func passedOn(_ x: FloatBlock) throws -> FloatBlock {
        var changed = x
        try apply(&changed, stored(x))
        return changed
    }
}

/// The end of a pipeline: turns elements into codes.
///
/// Adding one is a file in `Coders/` and a line in `PipelineCatalogue.coders`.
public protocol BlockCoder: PipelineStep {
    /// Bits of one element's code, metadata not counted.
    var bits: Double { get }
    var scaleSharing: ScaleSharing? { get }
    var groupSize: GroupSize? { get }
    /// How scales are stored; `none` without any.
    var scaleType: String { get }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section]
    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock
}

extension BlockCoder {
    public var scaleType: String { scaleSharing == nil ? "none" : "float16" }
}

/// The steps after a stage.
public struct PipelineRest: Sendable {
    let stages: ArraySlice<any PipelineStage>
    let coder: any BlockCoder

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        guard let stage = stages.first else { return try coder.encode(x) }
        return try stage.encode(x, PipelineRest(stages: stages.dropFirst(), coder: coder))
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        guard let stage = stages.first else { return try coder.decode(&reader, shape) }
        return try stage.decode(&reader, shape, PipelineRest(stages: stages.dropFirst(), coder: coder))
    }

    /// What is read back of a block.
    func roundTrip(_ x: FloatBlock) throws -> (sections: [PackedTensor.Section], decoded: FloatBlock) {
        let sections = try encode(x)
        var reader = SectionReader(schemeID: coder.term, sections)
        return (sections, try decode(&reader, x.shape))
    }
}
