/// Reads the sections of a packed tensor in the order in which they were written, checking each.
public struct SectionReader {
    private let schemeID: String
    private var sections: ArraySlice<PackedTensor.Section>

    init(_ packed: PackedTensor) {
        schemeID = packed.schemeID
        sections = packed.sections[...]
    }

    init(schemeID: String, _ sections: [PackedTensor.Section]) {
        self.schemeID = schemeID
        self.sections = sections[...]
    }

    /// - Parameter byteCount: how long it must be; anything if `nil`.
    /// - Throws: `SchemeError.packedTensor` if the next section has another name or length.
    mutating func next(_ name: String, byteCount: Int? = nil) throws -> [UInt8] {
        guard let section = sections.first, section.name == name else {
            throw SchemeError.packedTensor(scheme: schemeID, problem: "section '\(name)' is missing")
        }
        if let byteCount, section.bytes.count != byteCount {
            throw SchemeError.packedTensor(
                scheme: schemeID,
                problem: "section '\(name)' has \(section.bytes.count) bytes, its shape needs \(byteCount)"
            )
        }
        sections.removeFirst()
        return section.bytes
    }

    mutating func floats(_ name: String, count: Int, _ format: MetadataFormat = .float16) throws -> [Float] {
        format.floats(of: try next(name, byteCount: count * format.byteCount)[...])
    }

    /// - Throws: `SchemeError.packedTensor` if something is left.
    func finish() throws {
        guard let section = sections.first else { return }
        throw SchemeError.packedTensor(scheme: schemeID, problem: "section '\(section.name)' is one too many")
    }

    func malformed(_ problem: String) -> SchemeError { .packedTensor(scheme: schemeID, problem: problem) }
}

extension PackedTensor.Section {
    init(_ name: String, _ x: [Float], _ format: MetadataFormat = .float16) {
        self.init(name: name, bytes: format.bytes(of: x))
    }
}
