/// How far two parts of a text, two texts or two models agree on which channels are large.
///
/// Both lists hold one magnitude a channel, in the same order of channels, such as the channels' max |x|. NaN stands
/// for a channel without a magnitude; it is left out of both lists.
public enum ChannelAgreement {
    /// Spearman's rank correlation: Pearson's correlation of the ranks, of which ties share the average.
    ///
    /// 1 if the channels are in the same order, −1 if in the reverse, about 0 if the orders have nothing to do with
    /// each other. Source: Spearman, "The proof and measurement of association between two things" (1904), with
    /// average ranks as in scipy's `spearmanr`.
    ///
    /// - Precondition: lists of one length.
    /// - Returns: `nil` for fewer than two channels, and where all channels of one list are equal.
    /// - Complexity: O(n log n).
    public static func spearman(_ a: [Double], _ b: [Double]) -> Double? {
        let (first, second) = common(a, b)
        guard first.count > 1 else { return nil }
        let left = averageRanks(first)
        let right = averageRanks(second)
        let mean = Double(first.count + 1) / 2
        var (products, leftSquares, rightSquares) = (0.0, 0.0, 0.0)
        for (x, y) in zip(left, right) {
            products += (x - mean) * (y - mean)
            leftSquares += (x - mean) * (x - mean)
            rightSquares += (y - mean) * (y - mean)
        }
        guard leftSquares > 0, rightSquares > 0 else { return nil }
        return max(-1, min(1, products / (leftSquares * rightSquares).squareRoot()))
    }

    /// The rank of each value from 1, the smallest; values that are equal share the average of their ranks.
    ///
    /// - Precondition: no NaN.
    /// - Complexity: O(n log n).
    public static func averageRanks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var ranks = [Double](repeating: 0, count: values.count)
        var first = 0
        while first < order.count {
            var end = first + 1
            while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
            // Ranks first + 1 ... end.
            let shared = Double(first + 1 + end) / 2
            for place in first..<end { ranks[order[place]] = shared }
            first = end
        }
        return ranks
    }

    /// Jaccard's index of the sets of the `count` largest channels of each list: |A ∩ B| / |A ∪ B|, 1 for the same set.
    ///
    /// Of channels that are equal, the first go first. Of fewer than `count` channels all are taken.
    /// Source: Jaccard, "Étude comparative de la distribution florale" (1901).
    ///
    /// - Precondition: lists of one length.
    /// - Returns: `nil` for no channels, or a `count` below 1.
    /// - Complexity: O(n log n).
    public static func jaccardOfTop(_ a: [Double], _ b: [Double], count: Int) -> Double? {
        let (first, second) = common(a, b)
        return jaccard(Set(largest(count, of: first)), Set(largest(count, of: second)))
    }

    /// Places of the channels whose magnitude is more than `multiple` times the median channel's; none where that is 0.
    ///
    /// - Complexity: O(n log n).
    public static func outliers(_ magnitudes: [Double], beyond multiple: Double) -> Set<Int> {
        guard let middle = median(magnitudes.filter { !$0.isNaN }), middle > 0 else { return [] }
        return Set(magnitudes.indices.filter { magnitudes[$0] > multiple * middle })
    }

    /// Jaccard's index |A ∩ B| / |A ∪ B|; `nil` for two empty sets.
    public static func jaccard<Element>(_ a: Set<Element>, _ b: Set<Element>) -> Double? {
        let union = a.union(b)
        return union.isEmpty ? nil : Double(a.intersection(b).count) / Double(union.count)
    }

    /// Places of the `count` largest values, largest first; of values that are equal the first goes first, and NaN is
    /// never among them.
    ///
    /// - Complexity: O(n log n).
    public static func largest(_ count: Int, of values: [Double]) -> [Int] {
        let order = values.indices.filter { !values[$0].isNaN }.sorted { (values[$1], $0) < (values[$0], $1) }
        return Array(order.prefix(max(0, count)))
    }

    /// Values of the channels that have one in both lists.
    private static func common(_ a: [Double], _ b: [Double]) -> ([Double], [Double]) {
        precondition(a.count == b.count, "\(a.count) channels against \(b.count)")
        let both = a.indices.filter { !a[$0].isNaN && !b[$0].isNaN }
        return (both.map { a[$0] }, both.map { b[$0] })
    }
}
