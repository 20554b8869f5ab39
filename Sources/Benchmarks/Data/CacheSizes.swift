#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Bytes of the processor's caches and of memory, from which benchmarks take their sizes.
package struct CacheSizes {
    /// Of one core.
    package let secondLevel: Int
    package let lastLevel: Int
    package let memory: Int

    package init(secondLevel: Int, lastLevel: Int, memory: Int) {
        self.secondLevel = secondLevel
        self.lastLevel = lastLevel
        self.memory = memory
    }

    package static let current: CacheSizes = {
        #if os(Linux)
            let sizes = [2, 3].map { level in linuxCache(level: level) }
            let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        #else
            let sizes = [control("hw.l2cachesize"), control("hw.l3cachesize")]
            let memory = control("hw.memsize") ?? 8 << 30
        #endif
        let second = sizes[0] ?? 512 << 10
        return CacheSizes(secondLevel: second, lastLevel: max(sizes[1] ?? 32 << 20, second), memory: memory)
    }()

    #if os(Linux)
        /// The kernel's view: `sysconf` gives the whole socket's last level where a guest sees one part of it.
        private static func linuxCache(level: Int) -> Int? {
            for index in 0..<8 {
                let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
                guard line(folder + "level") == "\(level)", let size = line(folder + "size") else { continue }
                let unit = ["K": 1 << 10, "M": 1 << 20][size.suffix(1)]
                return Int(unit == nil ? size : String(size.dropLast())).map { $0 * (unit ?? 1) }
            }
            return nil
        }

        private static func line(_ path: String) -> String? {
            guard let file = fopen(path, "r") else { return nil }
            defer { fclose(file) }
            var buffer = [CChar](repeating: 0, count: 64)
            let count = fread(&buffer, 1, buffer.count, file)
            let text = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
            return text.split(separator: "\n").first.map(String.init)
        }
    #else
        private static func control(_ name: String) -> Int? {
            var value = 0, size = MemoryLayout<Int>.size
            return sysctlbyname(name, &value, &size, nil, 0) == 0 && value > 0 ? value : nil
        }
    #endif
}
