/// Categorical colours that are safe for colour-blind readers, with dashes and
/// shapes beside them, so that no series is told apart by colour alone.
///
/// Source of the light colours: Okabe and Ito, "Color Universal Design" (2008);
/// its yellow is left out, since it vanishes on white.
public enum SeriesPalette {
    package static let light: [Color] = [
        Color(0x0072B2), Color(0xD55E00), Color(0x009E73), Color(0xCC79A7),
        Color(0xE69F00), Color(0x56B4E9), Color(0x5A5A5A),
    ]
    package static let dark: [Color] = [
        Color(0x5AAEE8), Color(0xFF8C42), Color(0x2FC798), Color(0xE69AC6),
        Color(0xF4BE55), Color(0xA5DBFF), Color(0xC4C4C4),
    ]
    /// SVG dash patterns, one for each time that the colours repeat.
    static let dashes = ["", "6 3", "2 2.5", "8 3 2 3"]

    /// Colours before they repeat.
    public static let colorCount = light.count

    static func className(_ series: Int) -> String { "s\(series % colorCount)" }
    static func dash(_ series: Int) -> String { dashes[(series / colorCount) % dashes.count] }
    static func shape(_ series: Int) -> PointShape { PointShape.allCases[series % PointShape.allCases.count] }
}

/// Shapes that points are drawn with.
public enum PointShape: String, Sendable, CaseIterable {
    case circle, square, triangle, diamond, cross
}
