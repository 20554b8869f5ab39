/// Which query positions of a sequence stand for all of them.
package enum QuerySample {
    /// At most `maximum` positions, evenly spaced, at least `stride` apart, ascending, the last token included.
    ///
    /// - Precondition: `maximum` and `stride` are at least 1.
    package static func positions(tokens: Int, maximum: Int, stride: Int) -> [Int] {
        precondition(maximum >= 1 && stride >= 1, "\(maximum) queries, stride \(stride)")
        let count = min(maximum, (tokens + stride - 1) / stride)
        return (0..<count).map { (($0 + 1) * tokens) / count - 1 }
    }
}
