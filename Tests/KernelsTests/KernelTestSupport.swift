import CKernels
import Kernels
import TensorCore

/// The tables of C functions under test, by instruction set.
struct Implementation: CustomStringConvertible, Sendable {
    let instructionSet: InstructionSet
    nonisolated(unsafe) let kernels: UnsafePointer<kva_kernels>

    var description: String { instructionSet.rawValue }

    init?(_ set: InstructionSet) {
        let identifiers: [InstructionSet: kva_isa] = [
            .reference: KVA_ISA_REFERENCE, .avx2: KVA_ISA_AVX2, .avx512: KVA_ISA_AVX512, .neon: KVA_ISA_NEON,
        ]
        guard let identifier = identifiers[set], let kernels = kva_kernels_for(identifier) else { return nil }
        instructionSet = set
        self.kernels = kernels
    }

    /// All that this machine runs; each is compared with `reference`, the reference with itself or a definition.
    static let all = InstructionSet.available.compactMap { Implementation($0) }
    static var reference: UnsafePointer<kva_kernels> { all[0].kernels }
}

/// Inputs on which kernels are likeliest to go wrong.
enum SampleKind: String, CaseIterable, Sendable {
    case gaussian, constant, zero, outlier, subnormal, nan, infinity, negativeInfinity

    func values(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed &+ UInt64(count))
        let gaussian = (0..<count).map { _ in Float(generator.nextGaussian()) }
        let place = count == 0 ? 0 : Int(generator.next() % UInt64(count))
        func replacing(_ value: Float) -> [Float] {
            gaussian.enumerated().map { $0.offset == place ? value : $0.element }
        }
        return switch self {
        case .gaussian: gaussian
        case .constant: [Float](repeating: -1.375, count: count)
        case .zero: [Float](repeating: 0, count: count)
        case .outlier: replacing(3000)
        case .subnormal: gaussian.map { $0 * 0x1p-22 }
        case .nan: replacing(.nan)
        case .infinity: replacing(.infinity)
        case .negativeInfinity: replacing(-.infinity)
        }
    }

    var isFinite: Bool { ![.nan, .infinity, .negativeInfinity].contains(self) }
}

/// Lengths around every vector width, unrolling and block border.
let lengths = Array(0...33) + [63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 513]

/// Same bits, or both NaN.
func identical(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}

let unit = 0x1p-24

/// Elements at an address that stays the same, for structures that hold pointers.
final class Block<Element> {
    private let buffer: UnsafeMutableBufferPointer<Element>
    let base: UnsafeMutablePointer<Element>

    init(_ content: [Element]) {
        base = .allocate(capacity: max(1, content.count))
        buffer = UnsafeMutableBufferPointer(start: base, count: content.count)
        _ = buffer.initialize(from: content)
    }

    deinit { base.deallocate() }

    var values: [Element] { Array(buffer) }
}
