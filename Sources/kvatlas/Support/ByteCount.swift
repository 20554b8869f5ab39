import ArgumentParser

/// A number of bytes as people write it: `500MB`, `1.5GB`, `2GiB`, or plain bytes.
struct ByteCount: ExpressibleByArgument {
    private static let units: [(suffix: String, bytes: Double)] = [
        ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1),
        ("", 1),
    ]

    let bytes: Int

    init?(argument: String) {
        for (suffix, unit) in Self.units where argument.hasSuffix(suffix) {
            guard let number = Double(argument.dropLast(suffix.count)), number > 0, number * unit < 1e15 else {
                return nil
            }
            bytes = Int(number * unit)
            return
        }
        return nil
    }
}
