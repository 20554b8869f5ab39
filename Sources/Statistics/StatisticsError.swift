import TensorCore

/// Bad input to an analysis of distributions.
public enum StatisticsError: ActionableError, Equatable {
    case unknownStatistic(String, nearest: String?)

    public var problem: String {
        switch self {
        case .unknownStatistic(let id, _): "there is no statistic \"\(id)\""
        }
    }

    public var expected: String? {
        switch self {
        case .unknownStatistic(_, let nearest?): "\"\(nearest)\", perhaps"
        case .unknownStatistic: nil
        }
    }

    public var remedy: String? {
        switch self {
        case .unknownStatistic: "`kvatlas list statistics` prints all of them."
        }
    }
}
