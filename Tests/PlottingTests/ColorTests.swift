import Plotting
import Testing

struct ColorTests {
    @Test func knownColorsConvert() {
        #expect(Color(lightness: 1, chroma: 0, hueDegrees: 0) == Color(0xFFFFFF))
        #expect(Color(lightness: 0, chroma: 0, hueDegrees: 0) == Color(0x000000))
        #expect(abs(Color(0xFF0000).perceivedLightness - 0.628) < 0.001)
        #expect(Color(0x0072B2).hexadecimal == "#0072b2")
        #expect(abs(Color(0xFFFFFF).contrast(with: Color(0x000000)) - 21) < 1e-9)
    }

    /// Even to within a quarter of a step: rounding to bytes and clipping to sRGB may move a colour a little.
    @Test(arguments: ColorRamp.allCases)
    func rampsChangeLightnessInEvenSteps(ramp: ColorRamp) {
        for colors in [(0..<ColorRamp.levels).map { ramp.light($0) }, (0..<ColorRamp.levels).map { ramp.dark($0) }] {
            let lightness = colors.map { $0.perceivedLightness }
            let mean = (lightness[lightness.count - 1] - lightness[0]) / Double(ColorRamp.levels - 1)
            for (previous, next) in zip(lightness, lightness.dropFirst()) {
                #expect(abs((next - previous) - mean) < abs(mean) * 0.4)
            }
        }
    }

    @Test(arguments: ColorRamp.allCases)
    func theHighEndStandsOutFromThePage(ramp: ColorRamp) {
        let high = ColorRamp.levels - 1
        #expect(ramp.light(high).contrast(with: Color(0xFFFFFF)) > 10)
        #expect(ramp.dark(high).contrast(with: Color(0x15181D)) > 10)
        #expect(ramp.light(0).contrast(with: Color(0xFFFFFF)) < 1.3)
    }

    @Test func everySeriesIsSeenOnItsPage() {
        for color in SeriesPalette.light { #expect(color.contrast(with: Color(0xFFFFFF)) > 2) }
        for color in SeriesPalette.dark { #expect(color.contrast(with: Color(0x15181D)) > 4.5) }
    }

    @Test func levelsClampWhatIsOutOfRange() {
        #expect(ColorRamp.level(-1) == 0)
        #expect(ColorRamp.level(.nan) == 0)
        #expect(ColorRamp.level(0.5) == ColorRamp.levels / 2)
        #expect(ColorRamp.level(1) == ColorRamp.levels - 1)
        #expect(ColorRamp.level(.infinity) == ColorRamp.levels - 1)
    }
}
