import HDF5
import Kernels

/// One array of a file made elsewhere: its name, shape and type, and how to read it.
struct ImportedArray: Sendable {
    /// Where its elements are.
    enum Place: Sendable {
        /// In a file, from a byte on.
        case file(RandomAccessFile, offset: Int)
        /// In a member of a zip, from a byte of its content on.
        case member(ZIPArchive, ZIPArchive.Member, offset: Int)
        case dataset(Dataset)
    }

    /// The file's name for it.
    let name: String
    /// File and name, for messages.
    let location: String
    /// As the file has it, e.g. `<f2`, for messages.
    let typeName: String
    /// `nil` for a type that cannot be imported.
    let element: ImportedElement?
    /// Slowest axis first, whatever the file's order.
    let shape: [Int]
    /// Whether the file names its axes in the reverse order of `shape`, as Fortran does.
    let isReversed: Bool
    let place: Place

    /// - Throws: `ImportError` for a shape that the content does not have room for.
    init(
        name: String,
        location: String,
        typeName: String,
        element: ImportedElement?,
        shape: [Int],
        isReversed: Bool = false,
        place: Place,
        byteCount: Int? = nil
    ) throws {
        self.name = name
        self.location = location
        self.typeName = typeName
        self.element = element
        self.shape = isReversed ? shape.reversed() : shape
        self.isReversed = isReversed
        self.place = place
        var bytes = element?.byteCount ?? 1
        for size in shape {
            let product = bytes.multipliedReportingOverflow(by: size)
            guard !product.overflow, size >= 0 else {
                throw ImportError.damaged(location, "its shape \(shape) has more elements than any file")
            }
            bytes = product.partialValue
        }
        guard let byteCount, element != nil, byteCount != bytes else { return }
        throw ImportError.damaged(
            location,
            "its shape \(shape) of \(typeName) takes \(bytes) bytes",
            expected: "\(byteCount), which are there"
        )
    }

    var shapeText: String { "(" + shape.map { "\($0)" }.joined(separator: ", ") + ")" }

    /// Prepares to read elements, after the checks of a zip's member.
    ///
    /// - Parameters:
    ///   - element: what the stored bits are.
    ///   - scratchFolder: where a deflated member is inflated to.
    func open(as element: ImportedElement, scratchFolder: String) throws -> ImportedArrayReader {
        switch place {
        case .file(let file, let offset):
            return ImportedArrayReader(shape, element, .file(file, offset: offset), location)
        case .member(let archive, let member, let offset):
            let (file, start) = try archive.open(member, scratchFolder: scratchFolder)
            return ImportedArrayReader(shape, element, .file(file, offset: start + offset), location)
        case .dataset(let dataset):
            return ImportedArrayReader(shape, element, .dataset(dataset), location)
        }
    }
}

/// Reads blocks of one array as float32.
final class ImportedArrayReader {
    enum Source {
        case file(RandomAccessFile, offset: Int)
        case dataset(Dataset)
    }

    private let shape: [Int]
    private let element: ImportedElement
    private let source: Source
    private let location: String
    private var staging: UnsafeMutableRawBufferPointer

    init(_ shape: [Int], _ element: ImportedElement, _ source: Source, _ location: String) {
        self.shape = shape
        self.element = element
        self.source = source
        self.location = location
        staging = .allocate(byteCount: 0, alignment: 64)
    }

    deinit { staging.deallocate() }

    /// Copies a block, one range an axis, into `target` in the order of the axes.
    ///
    /// float64 beyond the range of float32 becomes infinite.
    ///
    /// - Throws: `ImportError` or, for datasets, `HDF5Error`.
    /// - Precondition: the ranges lie within the shape and `target` has place for the block.
    func read(_ block: [Range<Int>], into target: UnsafeMutablePointer<Float>) throws {
        switch source {
        case .dataset(let dataset): try dataset.read(block: block, as: .float32, into: target)
        case .file(let file, let offset):
            try forEachRun(block) { first, count, done in
                try readRun(file, at: offset + first * element.byteCount, count: count, into: target + done)
            }
        }
    }

    /// All elements of a list of integers.
    func readIntegers() throws -> [Int] {
        let count = shape.reduce(1, *)
        switch source {
        case .dataset(let dataset): return try dataset.readIntegers(rows: 0..<count)
        case .file(let file, let offset):
            let size = element.byteCount
            let fields = ByteFields(try file.bytes(at: offset, count: count * size, what: location))
            return (0..<count).map { index in
                let value = fields.int(at: index * size, bytes: size)
                return size == 4 ? Int(Int32(truncatingIfNeeded: value)) : value
            }
        }
    }

    /// Calls `body` for each piece of a block that lies in one run: its first element, its length, elements before it.
    private func forEachRun(
        _ block: [Range<Int>],
        _ body: (_ first: Int, _ count: Int, _ done: Int) throws -> Void
    ) throws {
        // What follows the last axis that is cut is contiguous.
        let cut = block.indices.last { block[$0] != 0..<shape[$0] } ?? 0
        let rest = shape.dropFirst(cut + 1).reduce(1, *)
        let count = (block.isEmpty ? 1 : block[cut].count) * rest
        var index = block.prefix(cut).map { $0.lowerBound }
        var done = 0
        guard count > 0, block.allSatisfy({ !$0.isEmpty }) else { return }
        while true {
            var first = 0
            for axis in 0..<cut { first = first * shape[axis] + index[axis] }
            if !block.isEmpty { first = (first * shape[cut] + block[cut].lowerBound) * rest }
            try body(first, count, done)
            done += count
            var axis = cut - 1
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < block[axis].upperBound { break }
                index[axis] = block[axis].lowerBound
                axis -= 1
            }
            if axis < 0 { return }
        }
    }

    private func readRun(
        _ file: RandomAccessFile,
        at offset: Int,
        count: Int,
        into target: UnsafeMutablePointer<Float>
    ) throws {
        let bytes = count * element.byteCount
        if element == .float32 { return try file.read(at: offset, count: bytes, into: target, what: location) }
        if staging.count < bytes {
            staging.deallocate()
            staging = .allocate(byteCount: bytes, alignment: 64)
        }
        guard let raw = staging.baseAddress else { return }
        try file.read(at: offset, count: bytes, into: raw, what: location)
        switch element {
        case .float16: HalfConversion.toFloat(raw.assumingMemoryBound(to: UInt16.self), target, count: count)
        case .bfloat16:
            HalfConversion.toFloat(bfloat16: raw.assumingMemoryBound(to: UInt16.self), target, count: count)
        case .float64:
            let doubles = raw.assumingMemoryBound(to: Double.self)
            for index in 0..<count { target[index] = Float(doubles[index]) }
        case .float32, .int32, .int64, .bits16: preconditionFailure("\(element.rawValue) is no stored float")
        }
    }
}
