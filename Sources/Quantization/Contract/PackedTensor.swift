import TensorCore

/// What a scheme keeps of a block `[kv_head, token, channel]`: real bytes, and nothing else.
///
/// Only the bytes count towards its size; shape and scheme id are known to a
/// cache without being stored per block.
public struct PackedTensor: Sendable, Equatable, Codable {
    /// One kind of stored bytes: `codes`, `scales`, `minima`, …
    public struct Section: Sendable, Equatable, Codable {
        public let name: String
        /// Of all heads, one after the other.
        public let bytes: [UInt8]

        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    public let schemeID: String
    public let heads: Int
    public let tokens: Int
    public let channels: Int
    public let sections: [Section]

    public init(schemeID: String, heads: Int, tokens: Int, channels: Int, sections: [Section]) {
        self.schemeID = schemeID
        self.heads = heads
        self.tokens = tokens
        self.channels = channels
        self.sections = sections
    }

    public var elementCount: Int { heads * tokens * channels }

    /// Bytes of codes and all metadata.
    public var byteCount: Int { sections.reduce(0) { $0 + $1.bytes.count } }

    /// `8 · byteCount / elementCount`; 0 for an empty tensor.
    public var bitsPerElement: Double {
        elementCount == 0 ? 0 : 8 * Double(byteCount) / Double(elementCount)
    }

    /// The bytes of a section.
    ///
    /// - Throws: `SchemeError.packedTensor` if it is missing or is not `byteCount` long.
    public func bytes(of name: String, byteCount: Int) throws -> [UInt8] {
        guard let section = sections.first(where: { $0.name == name }) else {
            throw SchemeError.packedTensor(scheme: schemeID, problem: "section '\(name)' is missing")
        }
        guard section.bytes.count == byteCount else {
            throw SchemeError.packedTensor(
                scheme: schemeID,
                problem: "section '\(name)' has \(section.bytes.count) bytes, its shape needs \(byteCount)"
            )
        }
        return section.bytes
    }

    /// - Throws: `SchemeError.packedTensor` unless a scheme of that id wrote it.
    public func check(schemeID id: String) throws {
        let sizes = [heads, tokens, channels]
        guard sizes.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }),
            !tokens.multipliedReportingOverflow(by: max(1, heads) * max(1, channels)).overflow,
            elementCount < 1 << 40, elementCount / 1024 <= byteCount
        else {
            throw SchemeError.packedTensor(
                scheme: id,
                problem: "its shape \(heads) × \(tokens) × \(channels) does not suit \(byteCount) bytes"
            )
        }
        guard schemeID == id else {
            throw SchemeError.packedTensor(scheme: id, problem: "the bytes were written by '\(schemeID)'")
        }
    }
}
