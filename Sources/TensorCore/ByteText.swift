import Foundation

/// `98.4 MB`; decimal units.
public func byteText(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000 { return unit == "B" ? "\(bytes) B" : String(format: "%.1f \(unit)", value) }
        value /= 1000
    }
    return String(format: "%.1f TB", value)
}
