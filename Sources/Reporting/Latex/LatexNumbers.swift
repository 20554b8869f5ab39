import Foundation
import TensorCore

/// How the numbers of one column are written, so that plain right-aligned columns stand point under point.
enum LatexNumbers: Equatable {
    /// The same number of decimals in each row.
    case fixed(decimals: Int)
    /// Three significant digits and a power of ten.
    case scientific

    /// Three significant digits for the column's typical value and one at least for its smallest, in four decimals at
    /// most; powers of ten where that is not enough or numbers would be longer than seven digits.
    init(_ values: [Double]) {
        let sizes = values.filter { $0.isFinite && $0 != 0 }.map { abs($0) }.sorted()
        guard let smallest = sizes.first, let largest = sizes.last else {
            self = .fixed(decimals: 0)
            return
        }
        if values.allSatisfy({ !$0.isFinite || ($0 == $0.rounded() && abs($0) < 1e7) }) {
            self = .fixed(decimals: 0)
            return
        }
        func exponent(_ value: Double) -> Int { Int(floor(log10(value) + 1e-12)) }
        let typical = max(0, 2 - exponent(sizes[sizes.count / 2]))
        let least = max(0, -exponent(smallest))
        let decimals = max(typical, least)
        if decimals <= 4, largest < 1e7 {
            self = .fixed(decimals: decimals)
        } else if typical <= 4, largest < 1e7,
            Double(sizes.filter { exponent($0) >= -4 }.count) >= 0.9 * Double(sizes.count)
        {
            // A few that are next to nothing do not change how the rest is written.
            self = .fixed(decimals: 4)
        } else {
            self = .scientific
        }
    }

    func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "$-\\infty$" : "$\\infty$" }
        switch self {
        case .fixed(let decimals):
            let digits = String(format: "%.\(decimals)f", abs(value))
            let isZero = !digits.contains { $0 >= "1" && $0 <= "9" }
            if isZero, value != 0 { return "$<$" + String(format: "%.\(decimals)f", pow(10, -Double(decimals))) }
            return (value < 0 ? "$-$" : "") + digits
        case .scientific:
            if value == 0 { return "0" }
            let parts = String(format: "%.2e", abs(value)).split(separator: "e")
            guard parts.count == 2, let exponent = Int(parts[1]) else { return "0" }
            return (value < 0 ? "$-$" : "") + "\(parts[0])$\\times10^{\(exponent)}$"
        }
    }
}
