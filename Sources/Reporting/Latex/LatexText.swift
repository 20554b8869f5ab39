/// Text that LaTeX prints as it stands, for any engine.
enum LatexText {
    /// - Returns: the text with special characters escaped, mathematical signs as math, and what the Latin alphabets
    ///   of T1 fonts do not have as its code point in hexadecimal.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if let replacement = replacements[scalar] {
                result += replacement
            } else if scalar.value < 0x20 || scalar.value == 0x7F {
                result += " "
            } else if scalar.isASCII || isLatin(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\texttt{U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "}"
            }
        }
        return result
    }

    /// Letters of Latin-1 and of Latin Extended-A that T1 has.
    private static func isLatin(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xC0...0xD6, 0xD8...0xF6, 0xF8...0xFF: true
        case 0x102...0x107, 0x10C...0x111, 0x118...0x11B, 0x11E, 0x11F, 0x130, 0x139, 0x13A, 0x13D, 0x13E,
            0x141...0x144,
            0x147, 0x148, 0x150...0x155, 0x158...0x15B, 0x15E...0x165, 0x16E...0x171, 0x178...0x17E:
            true
        default: false
        }
    }

    private static let replacements: [Unicode.Scalar: String] = [
        "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_",
        "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "<": "\\textless{}", ">": "\\textgreater{}",
        "|": "\\textbar{}", "\"": "\\textquotedbl{}", "`": "\\textasciigrave{}", "'": "'", "\u{A0}": "~",
        "–": "--", "—": "---", "…": "\\dots{}", "‘": "`", "’": "'", "“": "``", "”": "''", "„": "\\quotedblbase{}",
        "×": "$\\times$", "·": "$\\cdot$", "±": "$\\pm$", "−": "$-$", "≤": "$\\leq$", "≥": "$\\geq$", "≠": "$\\neq$",
        "≈": "$\\approx$", "∞": "$\\infty$", "√": "$\\surd$", "∑": "$\\sum$", "→": "$\\rightarrow$",
        "←": "$\\leftarrow$", "‖": "$\\Vert$", "ℓ": "$\\ell$", "°": "$^{\\circ}$", "µ": "$\\mu$", "½": "$\\frac{1}{2}$",
        "⁰": "$^{0}$", "¹": "$^{1}$", "²": "$^{2}$", "³": "$^{3}$", "⁴": "$^{4}$", "⁵": "$^{5}$", "⁶": "$^{6}$",
        "⁷": "$^{7}$", "⁸": "$^{8}$", "⁹": "$^{9}$", "⁻": "$^{-}$", "₀": "$_{0}$", "₁": "$_{1}$", "₂": "$_{2}$",
        "α": "$\\alpha$", "β": "$\\beta$", "γ": "$\\gamma$", "δ": "$\\delta$", "Δ": "$\\Delta$", "ε": "$\\epsilon$",
        "λ": "$\\lambda$", "μ": "$\\mu$", "π": "$\\pi$", "ρ": "$\\rho$", "σ": "$\\sigma$", "Σ": "$\\Sigma$",
        "␣": "\\textvisiblespace{}", "↵": "$\\hookleftarrow$", "τ": "$\\tau$", "φ": "$\\varphi$", "Φ": "$\\Phi$",
    ]
}
