import Plotting
import TensorCore

extension Wording {
    /// `key` → `K`.
    static func letter(_ tensor: String) -> String {
        String(magnitude(tensor).filter { $0 != "|" })
    }

    /// A column of a statistics table in words; its id stays the id in tables.
    static func statistic(_ id: String) -> String {
        switch id {
        case "range_to_median_channel": "Widest channel against the median one"
        case "excess_kurtosis": "Excess kurtosis"
        case "absolute_maximum": "Largest |x|"
        case "mean_absolute": "Mean |x|"
        case "nonfinite": "Elements that are NaN or infinite"
        default: capitalized(id.replacing("_", with: " "))
        }
    }

    /// `12 %`, `0.3 %`, `43 %`: two significant digits.
    static func percent(_ share: Double) -> String { NumberText.short(100 * share, digits: 2) + " %" }

    /// A token's text on one short line: white space made visible, the end cut off.
    static func piece(_ text: String) -> String {
        let visible = text.map { letter -> Character in
            switch letter {
            case "\n", "\r\n", "\r": "↵"
            case "\t": "⇥"
            case " ", "\u{2581}", "\u{0120}": "␣"
            default: letter
            }
        }
        return visible.count > 14 ? String(visible.prefix(13)) + "…" : String(visible)
    }
}
