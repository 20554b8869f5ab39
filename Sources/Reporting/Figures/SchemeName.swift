/// Names of schemes as figures print them beside points.
enum SchemeName {
    /// Without its window, which captions tell; KIVI's pair of groups by its name.
    static func short(_ scheme: String) -> String {
        let plain = String(scheme.prefix { $0 != "+" && $0 != "@" })
        guard let match = plain.wholeMatch(of: #/rtn-int(\d)-channel-g(\d+)\/rtn-int(\d)-token-g(\d+)/#),
            match.1 == match.3, match.2 == match.4
        else { return plain }
        return "kivi-\(match.1)-g\(match.2)"
    }
}
