import CKernels
import Kernels
import TensorCore
import Testing

@Suite struct Fletcher32Tests {
    /// By definition: sums modulo 65,535 of words, high byte first, where only a sum of zeros is 0.
    private func definition(_ bytes: [UInt8]) -> UInt32 {
        var (first, second) = (0, 0)
        func carried(_ sum: Int) -> Int { sum == 0 ? 0 : (sum - 1) % 65_535 + 1 }
        for place in stride(from: 0, to: bytes.count, by: 2) {
            first = carried(first + Int(bytes[place]) << 8 + (place + 1 < bytes.count ? Int(bytes[place + 1]) : 0))
            second = carried(second + first)
        }
        return UInt32(second << 16 | first)
    }

    private func samples(_ count: Int) -> [[UInt8]] {
        var generator = SeededGenerator(seed: UInt64(count))
        return [
            (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) },
            [UInt8](repeating: 0, count: count), [UInt8](repeating: 0xFF, count: count),
            (0..<count).map { UInt8($0 == count - 1 ? 1 : 0) },
        ]
    }

    @Test(arguments: Implementation.all) func theChecksumIsTheDefinitions(_ implementation: Implementation) {
        for count in lengths + [4095, 4096, 4097, 8192 + 33, 100_003] {
            for bytes in samples(count) {
                var sums = kva_fletcher32(first: 0, second: 0)
                bytes.withUnsafeBufferPointer {
                    guard let base = $0.baseAddress else { return }
                    implementation.kernels.pointee.fletcher32(&sums, base, count)
                }
                #expect(sums.second << 16 | sums.first == definition(bytes), "\(implementation), \(count) bytes")
            }
        }
    }

    @Test func piecesGiveTheChecksumOfTheWhole() {
        for bytes in samples(10_001) {
            let whole = bytes.withUnsafeBytes { Fletcher32.checksum(of: $0) }
            #expect(whole == definition(bytes))
            for cut in [0, 2, 34, 4096, 5000, 10_000] {
                var checksum = Fletcher32()
                bytes[..<cut].withUnsafeBytes { checksum.update($0) }
                bytes[cut...].withUnsafeBytes { checksum.update($0) }
                #expect(checksum.value == whole, "cut after \(cut) bytes")
            }
        }
    }
}
