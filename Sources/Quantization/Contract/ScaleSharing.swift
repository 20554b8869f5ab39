import Kernels

/// What shares one scale and zero point, named as in the literature.
///
/// Tools use the same two words for opposite things, so each case also says
/// which dimension is reduced: over which minimum and maximum are taken.
public enum ScaleSharing: String, Sendable, Codable, CaseIterable {
    /// Groups of tokens of one channel: the token dimension is reduced.
    case perChannel = "per-channel"
    /// Groups of channels of one token: the channel dimension is reduced.
    case perToken = "per-token"

    /// The same in the kernels' words.
    public var groupedAxis: GroupedAxis { self == .perChannel ? .tokens : .channels }

    /// How ids spell it.
    var idPart: String { self == .perChannel ? "channel" : "token" }
}

/// How many elements along the reduced dimension share a scale.
public enum GroupSize: Sendable, Hashable {
    /// At most this many neighbours; the last group of a dimension may be shorter.
    case elements(Int)
    /// The whole reduced dimension of one head.
    case whole

    /// Elements in the longest group of a dimension of the given length, at least 1: 64 of `g128` on 64 channels.
    public func resolved(dimension: Int) -> Int {
        switch self {
        case .elements(let count): min(count, max(1, dimension))
        case .whole: max(1, dimension)
        }
    }

    /// How ids spell it.
    var idPart: String {
        switch self {
        case .elements(let count): "g\(count)"
        case .whole: "whole"
        }
    }
}

extension GroupSize: Codable {
    /// A number, or the word `whole`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let count = try? container.decode(Int.self) {
            self = .elements(count)
            return
        }
        let text = try container.decode(String.self)
        guard text == "whole" else {
            throw SchemeError.parameter(name: "group_size", value: text, expected: "a number of elements or 'whole'")
        }
        self = .whole
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .elements(let count): try container.encode(count)
        case .whole: try container.encode("whole")
        }
    }
}
