internal import CKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A family of kernels: plain C, or one written for a processor's vector instructions.
public enum InstructionSet: String, Sendable, CaseIterable, Codable {
    case reference
    case avx2
    case avx512
    case neon

    /// The environment variable that forces one.
    public static let variable = "KVATLAS_ISA"

    /// Those compiled in that this processor can run, slowest first; always holds `.reference`.
    public static let available: [InstructionSet] = allCases.filter { kva_kernels_for($0.identifier) != nil }

    /// The one in use: what `KVATLAS_ISA` asks for if it can run, else the fastest available.
    ///
    /// A value that cannot be honoured is reported by ``validateEnvironment()``, which a program calls first.
    public static let active: InstructionSet = (try? requested()) ?? available.last ?? .reference

    /// Checks `KVATLAS_ISA`.
    /// - Throws: `KernelError` when it names an unknown or unavailable set.
    public static func validateEnvironment() throws { _ = try requested() }

    private static func requested() throws -> InstructionSet? {
        guard let text = getenv(variable) else { return nil }
        return try parse(String(cString: text))
    }

    /// The set of that name, `nil` for an empty one.
    package static func parse(_ name: String) throws -> InstructionSet? {
        if name.isEmpty { return nil }
        guard let set = InstructionSet(rawValue: name.lowercased()) else {
            throw KernelError.unknownInstructionSet(name)
        }
        guard available.contains(set) else { throw KernelError.unavailableInstructionSet(set) }
        return set
    }

    var identifier: kva_isa {
        switch self {
        case .reference: KVA_ISA_REFERENCE
        case .avx2: KVA_ISA_AVX2
        case .avx512: KVA_ISA_AVX512
        case .neon: KVA_ISA_NEON
        }
    }
}

/// The C functions of the active instruction set.
enum KernelTable {
    /// Constant data of the program, read only.
    nonisolated(unsafe) static let active: UnsafePointer<kva_kernels> = {
        guard let table = kva_kernels_for(InstructionSet.active.identifier) ?? kva_kernels_for(KVA_ISA_REFERENCE) else {
            preconditionFailure("the reference kernels are always compiled in")
        }
        return table
    }()
}
