import Inference
import Kernels
import TensorCore

/// Rows of one tensor on their way to the file, already in the stored element type.
///
/// Unchecked, because a buffer is handed over from the recorder to the
/// writer's thread and used by one of them at a time.
final class RowBuffer: @unchecked Sendable {
    let storage: UnsafeMutableRawPointer
    let capacity: Int
    private(set) var rows = 0
    /// Finite values that became infinite.
    private(set) var overflowed = 0
    private let rowElements: Int
    private let elementType: ElementType

    init(capacity: Int, rowElements: Int, elementType: ElementType) {
        self.capacity = capacity
        self.rowElements = rowElements
        self.elementType = elementType
        let bytes = capacity * rowElements * elementType.bytesPerBlock
        storage = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    }

    deinit { storage.deallocate() }

    var byteCount: Int { rows * rowElements * elementType.bytesPerBlock }

    /// Converts `count` rows to the stored type and adds them.
    func append(_ count: Int, rows values: UnsafePointer<Float>) {
        precondition(rows + count <= capacity, "\(count) more rows than fit a buffer of \(capacity)")
        let elements = count * rowElements
        let target = storage + byteCount
        if elementType == .float16 {
            let halves = target.assumingMemoryBound(to: UInt16.self)
            HalfConversion.toHalf(values, halves, count: elements)
            overflowed += countOverflowed(values, halves, elements)
        } else {
            target.copyMemory(from: values, byteCount: elements * MemoryLayout<Float>.stride)
        }
        rows += count
    }

    /// Finite values whose float16 is infinite. The first pass, which nearly always suffices, finds the largest half.
    private func countOverflowed(
        _ values: UnsafePointer<Float>,
        _ halves: UnsafePointer<UInt16>,
        _ count: Int
    ) -> Int {
        var peak: UInt16 = 0
        for index in 0..<count { peak = max(peak, halves[index] & 0x7FFF) }
        guard peak >= 0x7C00 else { return 0 }
        return (0..<count).count { halves[$0] & 0x7FFF == 0x7C00 && values[$0].isFinite }
    }
}
