internal import CKernels
import TensorCore

/// A weight matrix [rows, columns] as a GGUF file stores it: mapped, row-major, never dequantized whole.
///
/// Products unpack the weights as they read them; results do not depend on the
/// number of threads.
public struct WeightMatrix: @unchecked Sendable {
    // Unchecked: the bytes are only read, and `owner` keeps them in place.

    public let elementType: ElementType
    public let rows: Int
    public let columns: Int
    /// Bytes from one row to the next.
    public let bytesPerRow: Int
    let bytes: UnsafePointer<UInt8>
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - bytes: at least `rows` rows of `columns` elements; need not be aligned.
    ///   - owner: kept alive as long as the matrix, e.g. the mapped file.
    /// - Precondition: `columns` is a multiple of the type's block and `bytes` is long enough.
    public init(
        bytes: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable,
        elementType: ElementType,
        rows: Int,
        columns: Int
    ) {
        guard let bytesPerRow = elementType.byteCount(elements: columns), let base = bytes.baseAddress, rows > 0 else {
            preconditionFailure("no \(rows) rows of \(columns) elements of type \(elementType.rawValue)")
        }
        let (needed, overflow) = bytesPerRow.multipliedReportingOverflow(by: rows)
        precondition(!overflow && bytes.count >= needed, "\(bytes.count) bytes for a matrix of \(needed)")
        self.bytes = base.assumingMemoryBound(to: UInt8.self)
        self.owner = owner
        self.elementType = elementType
        self.rows = rows
        self.columns = columns
        self.bytesPerRow = bytesPerRow
    }

    /// Size of the stored weights in bytes.
    public var byteCount: Int { rows * bytesPerRow }

    /// Writes the `columns` values of one row, bit-equal with ggml's reference.
    /// - Precondition: the row exists.
    public func dequantizeRow(_ row: Int, into target: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
        dequantize(rows: row..<row + 1, into: target)
    }

    /// Writes consecutive rows, [row, column].
    func dequantize(rows range: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        let source = bytes + range.lowerBound * bytesPerRow
        KernelTable.active.pointee.dequantize(elementType.identifier, source, target, range.count * columns)
    }
}

extension ElementType {
    var identifier: kva_type {
        switch self {
        case .float32: KVA_F32
        case .float16: KVA_F16
        case .bfloat16: KVA_BF16
        case .q4_0: KVA_Q4_0
        case .q4_1: KVA_Q4_1
        case .q5_0: KVA_Q5_0
        case .q5_1: KVA_Q5_1
        case .q8_0: KVA_Q8_0
        case .iq4NL: KVA_IQ4_NL
        case .q2K: KVA_Q2_K
        case .q3K: KVA_Q3_K
        case .q4K: KVA_Q4_K
        case .q5K: KVA_Q5_K
        case .q6K: KVA_Q6_K
        case .iq4XS: KVA_IQ4_XS
        }
    }
}
