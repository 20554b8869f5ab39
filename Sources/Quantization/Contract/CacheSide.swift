/// The two tensors that a cache holds.
public enum CacheSide: String, Sendable, Codable, CaseIterable {
    case key
    case value
}
