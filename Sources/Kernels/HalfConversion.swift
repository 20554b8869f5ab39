internal import CKernels

/// float16 and bfloat16 to float32 and back: round to nearest, ties to even; NaN stays NaN (quiet, sign and
/// leading payload kept); values beyond the range become infinity.
public enum HalfConversion {
    public static func toFloat(_ source: UnsafePointer<UInt16>, _ target: UnsafeMutablePointer<Float>, count: Int) {
        KernelTable.active.pointee.half_to_float(source, target, count)
    }

    public static func toHalf(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<UInt16>, count: Int) {
        KernelTable.active.pointee.float_to_half(source, target, count)
    }

    public static func toFloat(
        bfloat16 source: UnsafePointer<UInt16>,
        _ target: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        KernelTable.active.pointee.bfloat_to_float(source, target, count)
    }

    public static func toBFloat(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<UInt16>, count: Int) {
        KernelTable.active.pointee.float_to_bfloat(source, target, count)
    }

    public static func toFloat(_ halves: [UInt16]) -> [Float] {
        convert(halves) { toFloat($0, $1, count: halves.count) }
    }

    public static func toHalf(_ floats: [Float]) -> [UInt16] {
        convert(floats) { toHalf($0, $1, count: floats.count) }
    }

    public static func toFloat(bfloat16 source: [UInt16]) -> [Float] {
        convert(source) { toFloat(bfloat16: $0, $1, count: source.count) }
    }

    public static func toBFloat(_ floats: [Float]) -> [UInt16] {
        convert(floats) { toBFloat($0, $1, count: floats.count) }
    }

    /// One float16's value.
    public static func toFloat(_ half: UInt16) -> Float { toFloat([half])[0] }

    /// One value's nearest float16.
    public static func toHalf(_ float: Float) -> UInt16 { toHalf([float])[0] }

    private static func convert<Source, Target>(
        _ source: [Source],
        _ body: (UnsafePointer<Source>, UnsafeMutablePointer<Target>) -> Void
    ) -> [Target] {
        [Target](unsafeUninitializedCapacity: source.count) { buffer, initialized in
            source.withUnsafeBufferPointer { source in
                guard let from = source.baseAddress, let to = buffer.baseAddress else { return }
                body(from, to)
                initialized = source.count
            }
        }
    }
}
