import Foundation
import ModelFormats

extension MetadataValue {
    /// One line: a scalar as it is, a long string cut, an array by its kind and length.
    var summary: String {
        switch self {
        case .string(let text):
            let line = text.replacingOccurrences(of: "\n", with: "\\n")
            return line.count > 100 ? line.prefix(99) + "…" : line
        case .boolean(let value): return "\(value)"
        case .array(let array): return "\(array.count) × \(array.elementKind)"
        case .float32, .float64: return number.map { "\($0)" } ?? ""
        default: return integer.map { "\($0)" } ?? number.map { "\($0)" } ?? ""
        }
    }
}
