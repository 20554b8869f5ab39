import TensorCore

/// What can be wrong with the settings of a study of distributions.
public enum StatisticsStudyError: ActionableError, Equatable {
    case slabBytes(Int)
    case head(Int, tensor: String, heads: Int)
    case bins(Int)

    public var problem: String {
        switch self {
        case .slabBytes(let bytes): "slab_bytes is \(bytes)"
        case .head(let head, let tensor, _): "\(tensor) has no head \(head)"
        case .bins(let bins): "maximum_bins is \(bins)"
        }
    }

    public var expected: String? {
        switch self {
        case .slabBytes: "1 byte or more"
        case .head(_, _, let heads): "a head from 0 to \(heads - 1)"
        case .bins: "1 bin or more"
        }
    }

    public var remedy: String? {
        switch self {
        case .slabBytes: "leave it out for 1 MB"
        case .head: "leave it out for the head with the largest outlier channel of each layer"
        case .bins: "leave it out for 128"
        }
    }
}
