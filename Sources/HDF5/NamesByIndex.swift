import CHDF5

/// Names that the library gives one at a time, each asked for twice: for its length, then for its bytes.
///
/// - Parameter read: writes name `index` into a buffer of a size, or only tells its length if there is none.
func namesByIndex(
    _ count: some BinaryInteger,
    read: (_ index: hsize_t, _ text: UnsafeMutablePointer<CChar>?, _ size: Int) throws -> Int
) throws -> [String] {
    try (0..<hsize_t(count)).map { index in
        let length = try read(index, nil, 0)
        var text = [CChar](repeating: 0, count: length + 1)
        _ = try text.withUnsafeMutableBufferPointer { try read(index, $0.baseAddress, $0.count) }
        return String(decoding: text.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
