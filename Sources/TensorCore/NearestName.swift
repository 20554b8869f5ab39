/// The candidate closest to a mistyped name, for "did you mean" messages.
///
/// - Returns: `nil` when nothing is near enough to be a likely typo: more than
///   a third of the letters would have to change, and neither name begins the other.
/// - Complexity: O(candidates × name length²).
public func nearestName(to name: String, in candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased())
    guard !wanted.isEmpty else { return nil }
    var best: (distance: Int, name: String)?
    for candidate in candidates {
        let letters = Array(candidate.lowercased())
        let isPrefix = letters.starts(with: wanted) || (wanted.starts(with: letters) && letters.count > 2)
        let distance = isPrefix ? 1 : editDistance(wanted, letters)
        if distance < (best?.distance ?? .max) { best = (distance, candidate) }
    }
    guard let best, best.distance <= max(1, max(wanted.count, best.name.count) / 3) else { return nil }
    return best.name
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
            row.append(cost)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
