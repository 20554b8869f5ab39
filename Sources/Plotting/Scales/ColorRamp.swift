/// A perceptually even sequential colour scale, with a light and a dark version.
///
/// Lightness runs in even OKLab steps, so that differences read alike with any
/// colour vision and in grey print. The low end always lies near the page and
/// the high end stands out from it: pale to deep on white, dim to bright on black.
public enum ColorRamp: String, Sendable, CaseIterable {
    /// Pale yellow through teal to deep violet.
    case lagoon
    /// Pale sand through red to deep plum.
    case ember

    /// Steps that a scale is divided into; each is one CSS class, so that a page can recolour a figure.
    public static let levels = 32

    /// The level of a fraction; not finite or out of range is clamped to an end.
    public static func level(_ fraction: Double) -> Int {
        guard fraction > 0 else { return 0 }
        return min(Int(min(fraction, 1) * Double(levels)), levels - 1)
    }

    /// CSS class of a level.
    public func className(_ level: Int) -> String { "\(rawValue)\(level)" }

    /// Colour of a level on a white page.
    public func light(_ level: Int) -> Color {
        color(at: Double(level) / Double(Self.levels - 1), lightness: (0.965, 0.27))
    }

    /// Colour of a level on a dark page.
    public func dark(_ level: Int) -> Color {
        color(at: Double(level) / Double(Self.levels - 1), lightness: (0.30, 0.95))
    }

    private func color(at position: Double, lightness: (low: Double, high: Double)) -> Color {
        let light = lightness.low + (lightness.high - lightness.low) * position
        // Chroma and hue follow lightness, not position, so that both versions stay inside sRGB.
        let depth = (0.965 - light) / (0.965 - 0.27)
        let bell = 4 * depth * (1 - depth)
        switch self {
        case .lagoon:
            return Color(lightness: light, chroma: 0.045 + 0.075 * bell + 0.05 * depth, hueDegrees: 105 + 190 * depth)
        case .ember:
            return Color(lightness: light, chroma: 0.03 + 0.13 * bell + 0.03 * depth, hueDegrees: 85 - 105 * depth)
        }
    }
}
