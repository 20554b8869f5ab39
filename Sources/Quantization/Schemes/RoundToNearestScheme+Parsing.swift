extension RoundToNearestScheme {
    /// Reads an id of the form `rtn-int2-token-g32`.
    ///
    /// - Returns: `nil` unless the id has that form.
    /// - Throws: `SchemeError.parameter` if it has, and a number is out of range.
    public static func parse(_ id: String) throws -> RoundToNearestScheme? {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "rtn",
            let bits = number(parts[1], after: "int"),
            let axis = ScaleSharing.allCases.first(where: { $0.idPart == parts[2] })
        else { return nil }
        let groupSize: GroupSize
        if parts[3] == "whole" {
            groupSize = .whole
        } else if let count = number(parts[3], after: "g") {
            groupSize = .elements(count)
        } else {
            return nil
        }
        return try Self(parameters: Parameters(bits: bits, axis: axis, groupSize: groupSize))
    }
}

/// The number that follows a fixed beginning, written without sign or leading zeros, so that one
/// scheme has one spelling.
func number(_ text: Substring, after prefix: String) -> Int? {
    guard text.hasPrefix(prefix), let value = Int(text.dropFirst(prefix.count)),
        "\(prefix)\(value)" == text
    else { return nil }
    return value
}
