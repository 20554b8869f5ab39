/// Blocks of 16 channels of FP4 with an FP8 scale, and one float32 scale for the tensor.
///
/// `s = max|x|/(6·448)`, block scale `E4M3(max|x_block|/(6·s))`, elements E2M1. Source: NVIDIA, NVFP4 (schemes.md §1.3).
struct NVFP4Coder: BlockCoder {
    static let name = "nvfp4"
    static let grammar = "nvfp4"
    static let summary = "blocks of 16 channels of FP4 with an FP8 scale, and a scale of the tensor"

    private static let blockChannels = 16

    init(_ term: inout StageTerm) throws {}
    var term: String { Self.name }
    var bits: Double { 4 }
    var scaleSharing: ScaleSharing? { .perToken }
    var groupSize: GroupSize? { .elements(Self.blockChannels) }
    var scaleType: String { "e4m3" }

    private func rows(_ shape: BlockShape) -> GroupedRows {
        GroupedRows(shape: shape, sharing: .perToken, groupSize: .elements(Self.blockChannels))
    }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        let rows = rows(x.shape), element = SmallFloat.e2m1, scaleFormat = SmallFloat.e4m3
        let largest = x.elements.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
        let tensorScale = largest > 0 ? largest / (element.largest * scaleFormat.largest) : 1
        var codes = [UInt16](repeating: 0, count: x.elements.count)
        var scales = [UInt8](repeating: 0, count: rows.groupCount)
        rows.forEachGroup { group, range in
            let own = x.elements[range]
            guard own.allSatisfy({ $0.isFinite }) else {
                return scales[group] = UInt8(scaleFormat.encode(.nan))
            }
            let most = own.reduce(Float(0)) { max($0, abs($1)) }
            let code = scaleFormat.encode(most / (element.largest * tensorScale))
            let scale = scaleFormat.decode(code) * tensorScale
            scales[group] = UInt8(code)
            for index in range { codes[index] = UInt16(element.encode(scale > 0 ? x.elements[index] / scale : 0)) }
        }
        return [
            PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, bits: 4)),
            PackedTensor.Section(name: "scales", bytes: scales),
            PackedTensor.Section("tensor-scale", [tensorScale], .float32),
        ]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let rows = rows(shape), count = shape.elementCount
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, bits: 4))
        let codes = BitPacking.unpack(bytes, count: count, bits: 4)
        let scales = try reader.next("scales", byteCount: rows.groupCount)
        let tensorScale = try reader.floats("tensor-scale", count: 1, .float32)[0]
        let table = (0..<16).map { SmallFloat.e2m1.decode(UInt32($0)) }
        var x = FloatBlock(zeros: shape)
        rows.forEachGroup { group, range in
            let scale = SmallFloat.e4m3.decode(UInt32(scales[group])) * tensorScale
            for index in range { x.elements[index] = table[Int(codes[index])] * scale }
        }
        return x
    }
}
