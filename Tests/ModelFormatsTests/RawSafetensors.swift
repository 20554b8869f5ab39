/// A safetensors file from a header's text and data, so that a test can make exactly one thing wrong.
struct RawSafetensors {
    var header: String
    var dataBytes = 0
    /// Instead of the header's own length.
    var length: UInt64?

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { bytes += Array($0) }
        bytes += Array(header.utf8)
        bytes += (0..<dataBytes).map { UInt8(truncatingIfNeeded: $0 &+ 1) }
        return bytes
    }

    static func entry(_ name: String, _ type: String, _ shape: [Int], _ range: Range<Int>) -> String {
        #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(range.lowerBound),\#(range.upperBound)]}"#
    }

    static func entries(_ entries: String..., dataBytes: Int) -> RawSafetensors {
        RawSafetensors(header: "{\(entries.joined(separator: ","))}", dataBytes: dataBytes)
    }
}
