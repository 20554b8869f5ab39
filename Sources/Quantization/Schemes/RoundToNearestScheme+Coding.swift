import Kernels
import TensorCore

extension RoundToNearestScheme {
    /// Codes, scales and minima of one head after another.
    ///
    /// - Complexity: O(elements), through `AffineQuantizer`.
    public func encode(_ block: KVBlock) -> PackedTensor {
        var codes: [UInt8] = []
        var scales: [UInt16] = []
        var minima: [UInt16] = []
        let headElements = block.tokens * block.channels
        block.bits.withUnsafeBufferPointer { bits in
            guard headElements > 0, let base = bits.baseAddress else { return }
            for head in 0..<block.heads {
                let packed = AffineQuantizer.quantize(
                    base + head * headElements,
                    tokens: block.tokens,
                    channels: block.channels,
                    tokenStride: block.channels,
                    bits: parameters.bits,
                    groupSize: resolvedGroupSize(tokens: block.tokens, channels: block.channels),
                    groupedAxis: parameters.axis.groupedAxis
                )
                codes += packed.codes
                scales += packed.scales
                minima += packed.minima
            }
        }
        return PackedTensor(
            schemeID: id,
            heads: block.heads,
            tokens: block.tokens,
            channels: block.channels,
            sections: [
                PackedTensor.Section(name: "codes", bytes: codes),
                PackedTensor.Section(name: "scales", bytes: LittleEndian.bytes(of: scales)),
                PackedTensor.Section(name: "minima", bytes: LittleEndian.bytes(of: minima)),
            ]
        )
    }

    /// - Throws: `SchemeError.packedTensor` for another scheme's bytes or a wrong number of them.
    /// - Complexity: O(elements), through `AffineQuantizer`.
    public func decode(_ packed: PackedTensor) throws -> Tensor {
        try packed.check(schemeID: id)
        let (tokens, channels) = (packed.tokens, packed.channels)
        let groupSize = resolvedGroupSize(tokens: tokens, channels: channels)
        let groups = groupCount(tokens: tokens, channels: channels)
        let headBytes = codeByteCount(tokens: tokens, channels: channels)
        let codes = try packed.bytes(of: "codes", byteCount: packed.heads * headBytes)
        let scales = LittleEndian.words(
            of: try packed.bytes(of: "scales", byteCount: 2 * packed.heads * groups)[...]
        )
        let minima = LittleEndian.words(
            of: try packed.bytes(of: "minima", byteCount: 2 * packed.heads * groups)[...]
        )

        let headElements = tokens * channels
        let elements = [Float](unsafeUninitializedCapacity: packed.elementCount) { target, filled in
            if headElements > 0, let base = target.baseAddress {
                for head in 0..<packed.heads {
                    let headCodes = AffineCodes(
                        bits: parameters.bits,
                        groupSize: groupSize,
                        groupedAxis: parameters.axis.groupedAxis,
                        tokens: tokens,
                        channels: channels,
                        codes: Array(codes[head * headBytes..<(head + 1) * headBytes]),
                        scales: Array(scales[head * groups..<(head + 1) * groups]),
                        minima: Array(minima[head * groups..<(head + 1) * groups])
                    )
                    AffineQuantizer.dequantize(headCodes, into: base + head * headElements, tokenStride: channels)
                }
            }
            filled = packed.elementCount
        }
        return Tensor(layout: .block(heads: packed.heads, tokens: tokens, channels: channels), elements: elements)
    }

    /// Groups of one head, each with a scale and a minimum.
    private func groupCount(tokens: Int, channels: Int) -> Int {
        let groupSize = resolvedGroupSize(tokens: tokens, channels: channels)
        func groups(_ length: Int) -> Int { (length + groupSize - 1) / groupSize }
        return parameters.axis == .perChannel ? channels * groups(tokens) : tokens * groups(channels)
    }

    /// Code bytes of one head: a row is a channel or a token, and ends on a whole byte (see `AffineCodes`).
    private func codeByteCount(tokens: Int, channels: Int) -> Int {
        let (rows, length) = parameters.axis == .perChannel ? (channels, tokens) : (tokens, channels)
        return rows * ((length * parameters.bits + 7) / 8)
    }

    private func resolvedGroupSize(tokens: Int, channels: Int) -> Int {
        parameters.groupSize.resolved(dimension: parameters.axis == .perChannel ? tokens : channels)
    }
}
