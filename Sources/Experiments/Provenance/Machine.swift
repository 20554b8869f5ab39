import Foundation

/// The machine that a run was made on.
public struct Machine: Sendable, Codable, Equatable {
    public let processor: String
    public let cores: Int
    public let memoryBytes: Int
    public let availableMemoryBytes: Int
    public let operatingSystem: String
    public let kernel: String

    public static var current: Machine {
        Machine(
            processor: field("model name", of: "/proc/cpuinfo") ?? "unknown",
            cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory),
            availableMemoryBytes: kibibytes("MemAvailable") ?? 0,
            operatingSystem: osRelease ?? ProcessInfo.processInfo.operatingSystemVersionString,
            kernel: kernelRelease
        )
    }

    private static func field(_ name: String, of path: String) -> String? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
    }

    private static func kibibytes(_ name: String) -> Int? {
        field(name, of: "/proc/meminfo").flatMap { Int($0.filter(\.isNumber)) }.map { $0 * 1024 }
    }

    private static var osRelease: String? {
        guard let text = try? String(contentsOfFile: "/etc/os-release", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
        return line?.dropFirst("PRETTY_NAME=".count).trimmingCharacters(in: ["\""])
    }

    private static var kernelRelease: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &names.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
