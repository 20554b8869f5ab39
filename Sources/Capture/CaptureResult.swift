import Foundation

/// What a recording left behind.
public struct CaptureResult: Sendable, Equatable {
    /// The finished file, or the partial one of a recording that was stopped.
    public let path: String
    /// Tokens that every tensor has.
    public let tokens: Int
    /// Size of the file.
    public let byteCount: Int
    /// Elements beyond float16's ±65504, stored as infinity, by dataset path; only those with any.
    public let overflowed: [String: Int]

    /// What a person should know about the capture, one sentence each.
    public var warnings: [String] {
        overflowed.sorted { $0.key < $1.key }.map { path, count in
            "\(path): \(count) \(count == 1 ? "value" : "values") beyond ±65504 stored as infinity; "
                + "capture with --element-type f32 to keep them"
        }
    }
}
