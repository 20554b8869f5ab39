internal import CKernels

/// Asymmetric round-to-nearest quantization of float16 data, as KIVI's released code does it.
///
/// For each group: minimum and scale = (max − min) / (2^bits − 1) in float16, each
/// operation rounded; code = round-half-even(clamp((x − min) / scale, 0, 2^bits − 1)) with
/// difference and quotient rounded to float16; x' = scale·code + min in float32.
/// A group whose scale is zero has codes 0. A group that holds NaN or infinity, or
/// whose range exceeds float16's, decodes wholly to NaN (minimum stored as NaN, scale 0); no
/// other group is touched. Source: Liu et al., "KIVI" (2024), eq. 1.
public enum AffineQuantizer {
    public static let supportedBits: Set<Int> = [1, 2, 3, 4, 8]

    /// Rows of one work item.
    private static let channelsPerItem = 32, tokensPerItem = 32

    /// Packs a slab [tokens × channels] of float16 bits.
    ///
    /// - Parameter tokenStride: elements from a token to the next.
    /// - Precondition: `bits` is supported and `groupSize` at least 1; a group longer than its row is the whole row.
    /// - Complexity: O(tokens × channels), two passes over each group while it is in cache.
    public static func quantize(
        _ x: UnsafePointer<UInt16>,
        tokens: Int,
        channels: Int,
        tokenStride: Int,
        bits: Int,
        groupSize: Int,
        groupedAxis: GroupedAxis
    ) -> AffineCodes {
        precondition(supportedBits.contains(bits), "\(bits) bits")
        precondition(groupSize > 0 && tokens >= 0 && channels >= 0, "group of \(groupSize) in \(tokens) × \(channels)")
        let rows = groupedAxis == .tokens ? channels : tokens
        let length = groupedAxis == .tokens ? tokens : channels
        let groups = (length + groupSize - 1) / groupSize, bytes = (length * bits + 7) / 8
        var codes = [UInt8](repeating: 0, count: rows * bytes)
        var scales = [UInt16](repeating: 0, count: rows * groups)
        var minima = scales
        var shape = kva_affine_shape(
            format: format(bits: bits, groupSize: groupSize),
            tokens: tokens,
            channels: channels,
            token_stride: tokenStride,
            row_bytes: bytes,
            groups_per_row: groups
        )
        let kernels = KernelTable.active
        let pack =
            groupedAxis == .tokens ? kernels.pointee.quantize_token_groups : kernels.pointee.quantize_channel_groups
        withBases(&codes, &scales, &minima, &shape) { codes, scales, minima, shape in
            Parallel.forEachBlock(of: groupedAxis == .tokens ? channelsPerItem : tokensPerItem, in: rows) { block in
                pack(x, shape, block.lowerBound, block.count, codes, scales, minima)
            }
        }
        return AffineCodes(
            bits: bits,
            groupSize: groupSize,
            groupedAxis: groupedAxis,
            tokens: tokens,
            channels: channels,
            codes: codes,
            scales: scales,
            minima: minima
        )
    }

    /// Writes x' to a slab [tokens × channels] of float32; places between channels and stride are left alone.
    public static func dequantize(_ packed: AffineCodes, into target: UnsafeMutablePointer<Float>, tokenStride: Int) {
        var shape = kva_affine_shape(
            format: format(bits: packed.bits, groupSize: packed.groupSize),
            tokens: packed.tokens,
            channels: packed.channels,
            token_stride: tokenStride,
            row_bytes: packed.bytesPerRow,
            groups_per_row: packed.groupsPerRow
        )
        let kernels = KernelTable.active
        let byTokens = packed.groupedAxis == .tokens
        let unpack = byTokens ? kernels.pointee.dequantize_token_groups : kernels.pointee.dequantize_channel_groups
        packed.codes.withUnsafeBufferPointer { codes in
            packed.scales.withUnsafeBufferPointer { scales in
                packed.minima.withUnsafeBufferPointer { minima in
                    guard let codes = codes.baseAddress, let scales = scales.baseAddress,
                        let minima = minima.baseAddress, packed.rowLength > 0
                    else { return }
                    withUnsafePointer(to: &shape) { shape in
                        Parallel.forEachBlock(of: byTokens ? channelsPerItem : tokensPerItem, in: packed.rows) {
                            block in
                            unpack(shape, block.lowerBound, block.count, codes, scales, minima, target)
                        }
                    }
                }
            }
        }
    }

    private static func format(bits: Int, groupSize: Int) -> kva_affine_format {
        kva_affine_format(
            element_type: KVA_F16,
            bits: UInt32(bits),
            group_size: groupSize,
            is_symmetric: 0,
            metadata_is_float: 0
        )
    }

    private static func withBases(
        _ codes: inout [UInt8],
        _ scales: inout [UInt16],
        _ minima: inout [UInt16],
        _ shape: inout kva_affine_shape,
        _ body: (
            UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt16>, UnsafeMutablePointer<UInt16>,
            UnsafePointer<kva_affine_shape>
        ) -> Void
    ) {
        codes.withUnsafeMutableBufferPointer { codes in
            scales.withUnsafeMutableBufferPointer { scales in
                minima.withUnsafeMutableBufferPointer { minima in
                    guard let codes = codes.baseAddress, let scales = scales.baseAddress,
                        let minima = minima.baseAddress, shape.row_bytes > 0
                    else { return }
                    withUnsafePointer(to: &shape) { body(codes, scales, minima, $0) }
                }
            }
        }
    }
}
