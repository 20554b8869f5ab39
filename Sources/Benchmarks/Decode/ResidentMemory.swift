#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory of this process as the system counts it.
enum ResidentMemory {
    /// Bytes in memory; `nil` where the system has no `/proc`.
    static var bytes: Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = fread(&buffer, 1, buffer.count, file)
        let fields = String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * Int(getpagesize()) } : nil
    }
}
