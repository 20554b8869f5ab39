#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Numbers as text, the same on every machine.
public enum NumberText {
    /// 10 to a power, exact as far as a `Double` is.
    static func powerOfTen(_ exponent: Int) -> Double {
        exponent >= 0 ? pow(10, Double(exponent)) : 1 / pow(10, Double(-exponent))
    }

    /// A fixed number of decimals; a value that rounds to zero has no sign.
    public static func fixed(_ value: Double, decimals: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "−∞" : "∞" }
        let scale = powerOfTen(decimals)
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 9e15 else { return scientific(value) }
        let digits = Int(scaled)
        var text = value < 0 && digits > 0 ? "-" : ""
        text += String(digits / Int(scale))
        if decimals > 0 {
            let fraction = String(digits % Int(scale))
            text += "." + String(repeating: "0", count: decimals - fraction.count) + fraction
        }
        return text
    }

    /// A coordinate: at most one decimal, no trailing zero. What lies beyond any page is drawn far off it.
    public static func coordinate(_ value: Double) -> String {
        let reachable = value.isNaN ? 0 : min(max(value, -1e6), 1e6)
        let tenths = Int((reachable * 10).rounded())
        let (whole, tenth) = (abs(tenths) / 10, abs(tenths) % 10)
        let sign = tenths < 0 ? "-" : ""
        return tenth == 0 ? "\(sign)\(whole)" : whole == 0 ? "\(sign).\(tenth)" : "\(sign)\(whole).\(tenth)"
    }

    /// About three significant digits, for labels and sentences: `0.032`, `13.7`, `2,048`, `3.1×10⁻⁷`.
    public static func short(_ value: Double, digits: Int = 3) -> String {
        guard value.isFinite else { return fixed(value, decimals: 0) }
        // Powers of ten end before the smallest numbers do.
        guard abs(value) > 1e-290 else { return "0" }
        let magnitude = Int(floor(log10(abs(value)) + 1e-12))
        if magnitude < -4 || magnitude > 6 { return scientific(value, digits: digits) }
        let decimals = max(0, digits - 1 - magnitude)
        var text = fixed(value, decimals: decimals)
        if text.contains(".") {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return polished(text)
    }

    /// The label of a tick whose step has the given number of decimals.
    static func tick(_ value: Double, decimals: Int) -> String {
        abs(value) >= 1e7 || decimals > 5 ? short(value) : polished(fixed(value, decimals: decimals))
    }

    private static func scientific(_ value: Double, digits: Int = 3) -> String {
        var exponent = Int(floor(log10(abs(value))))
        var mantissa = value / pow(10, Double(exponent))
        if abs(mantissa) >= 9.9995 {
            mantissa /= 10
            exponent += 1
        }
        var text = fixed(mantissa, decimals: max(0, min(digits - 1, 6)))
        if text.contains(".") {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        let power = "10" + superscript(exponent)
        if text == "1" { return power }
        return polished(text) + "×" + power
    }

    private static func superscript(_ value: Int) -> String {
        let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
        return (value < 0 ? "⁻" : "")
            + String(String(abs(value)).compactMap { $0.wholeNumberValue.map { digits[$0] } })
    }

    /// A true minus sign, and commas from 10,000 on.
    private static func polished(_ text: String) -> String {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
        var whole = String(parts[0])
        if whole.count > 4 {
            var grouped = ""
            for (offset, digit) in whole.enumerated() {
                if offset > 0, (whole.count - offset).isMultiple(of: 3) { grouped.append(",") }
                grouped.append(digit)
            }
            whole = grouped
        }
        return (isNegative ? "−" : "") + whole + (parts.count > 1 ? "." + parts[1] : "")
    }
}
