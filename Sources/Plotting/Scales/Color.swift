#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An opaque sRGB colour.
public struct Color: Sendable, Equatable {
    public let red: UInt8
    public let green: UInt8
    public let blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// From `0xRRGGBB`.
    public init(_ hexadecimal: UInt32) {
        self.init(
            red: UInt8(truncatingIfNeeded: hexadecimal >> 16),
            green: UInt8(truncatingIfNeeded: hexadecimal >> 8),
            blue: UInt8(truncatingIfNeeded: hexadecimal)
        )
    }

    /// From lightness, chroma and hue in OKLCH, where equal steps look equal; clipped to sRGB.
    ///
    /// Source: Björn Ottosson, "A perceptual color space for image processing" (2020).
    public init(lightness: Double, chroma: Double, hueDegrees: Double) {
        let angle = hueDegrees * .pi / 180
        let a = chroma * cos(angle)
        let b = chroma * sin(angle)
        func cube(_ x: Double) -> Double { x * x * x }
        let long = cube(lightness + 0.3963377774 * a + 0.2158037573 * b)
        let medium = cube(lightness - 0.1055613458 * a - 0.0638541728 * b)
        let short = cube(lightness - 0.0894841775 * a - 1.2914855480 * b)
        self.init(
            red: Self.encoded(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
            green: Self.encoded(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
            blue: Self.encoded(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short)
        )
    }

    /// Lightness in OKLab, 0 (black) to 1 (white).
    public var perceivedLightness: Double {
        let (r, g, b) = (Self.linear(red), Self.linear(green), Self.linear(blue))
        let long = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
        let medium = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
        let short = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
        return 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    }

    /// WCAG 2 contrast ratio, 1 to 21.
    public func contrast(with other: Color) -> Double {
        let (mine, theirs) = (luminance, other.luminance)
        return (max(mine, theirs) + 0.05) / (min(mine, theirs) + 0.05)
    }

    /// `#rrggbb`.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef")
        var text = "#"
        for part in [red, green, blue] {
            text.append(digits[Int(part >> 4)])
            text.append(digits[Int(part & 15)])
        }
        return text
    }

    private var luminance: Double {
        0.2126 * Self.linear(red) + 0.7152 * Self.linear(green) + 0.0722 * Self.linear(blue)
    }

    private static func encoded(_ linear: Double) -> UInt8 {
        let value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055
        return UInt8(min(max((value * 255).rounded(), 0), 255))
    }

    private static func linear(_ byte: UInt8) -> Double {
        let value = Double(byte) / 255
        return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
}
