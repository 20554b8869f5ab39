/// A GGUF header written field by field, so that a test can make exactly one of them wrong.
struct RawGGUF {
    var bytes: [UInt8] = []

    /// Magic, version and counts.
    init(magic: String = "GGUF", version: UInt32 = 3, tensors: UInt64 = 0, keys: UInt64 = 0) {
        bytes += Array(magic.utf8)
        integer(version)
        integer(tensors)
        integer(keys)
    }

    mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) }
    }

    mutating func string(_ text: String) {
        integer(UInt64(text.utf8.count))
        bytes += Array(text.utf8)
    }

    /// A key and the number of its kind; the value follows.
    mutating func key(_ name: String, kind: UInt32) {
        string(name)
        integer(kind)
    }

    mutating func tensor(
        _ name: String,
        dimensions: [UInt64] = [4],
        type: UInt32 = 0,
        offset: UInt64 = 0
    ) {
        string(name)
        integer(UInt32(dimensions.count))
        for size in dimensions { integer(size) }
        integer(type)
        integer(offset)
    }

    /// Zeros up to the next multiple of 32, then `count` bytes of data.
    mutating func data(_ count: Int) {
        while bytes.count % 32 != 0 { bytes.append(0) }
        bytes += [UInt8](repeating: 1, count: count)
    }

    /// A header with one tensor, and data that hold it.
    static func oneTensor(
        dimensions: [UInt64] = [4],
        type: UInt32 = 0,
        offset: UInt64 = 0,
        dataBytes: Int = 32
    ) -> RawGGUF {
        var raw = RawGGUF(tensors: 1)
        raw.tensor("weight", dimensions: dimensions, type: type, offset: offset)
        raw.data(dataBytes)
        return raw
    }
}
