/// FP8, each element by itself, with no scale or one for the tensor.
///
/// Sources: Micikevicius et al., FP8 Formats for Deep Learning (2022); vLLM's `--kv-cache-dtype fp8` has scale 1.
struct FP8Coder: BlockCoder {
    static let name = "fp8"
    static let grammar = "fp8-{e4m3|e5m2}[-tensor]"
    static let summary = "FP8 elements, a scale of 1 or one a tensor"

    private let format: SmallFloat
    private let isScaled: Bool

    init(_ term: inout StageTerm) throws {
        if term.flag("e4m3") {
            format = .e4m3
        } else if term.flag("e5m2") {
            format = .e5m2
        } else {
            throw term.missing("'e4m3' or 'e5m2'")
        }
        isScaled = term.flag("tensor")
    }

    var term: String { "\(Self.name)-\(format == .e4m3 ? "e4m3" : "e5m2")" + (isScaled ? "-tensor" : "") }
    var bits: Double { 8 }
    var scaleSharing: ScaleSharing? { nil }
    var groupSize: GroupSize? { nil }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        let largest = x.elements.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
        let scale = isScaled && largest > 0 ? largest / format.largest : 1
        // An infinity is no number that saturation may hide.
        let codes = x.elements.map { UInt8(format.encode($0.isFinite ? $0 / scale : .nan)) }
        let section = PackedTensor.Section(name: "codes", bytes: codes)
        return isScaled ? [section, PackedTensor.Section("scale", [scale], .float32)] : [section]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let codes = try reader.next("codes", byteCount: shape.elementCount)
        let scale = isScaled ? try reader.floats("scale", count: 1, .float32)[0] : 1
        let table = (0..<256).map { format.decode(UInt32($0)) * scale }
        return FloatBlock(
            heads: shape.heads,
            tokens: shape.tokens,
            channels: shape.channels,
            elements: codes.map { table[Int($0)] }
        )
    }
}
