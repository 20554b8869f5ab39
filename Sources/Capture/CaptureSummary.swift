import Foundation
import HDF5
import Inference
import TensorCore

/// What is inside a capture, complete or not, without reading its tensors.
public struct CaptureSummary: Sendable, Codable, Equatable {
    /// One dataset of the file.
    public struct DatasetSummary: Sendable, Codable, Equatable {
        /// Absolute path inside the file.
        public let path: String
        public let shape: [Int]
        /// Names of the axes; empty where one has none.
        public let axes: [String]
        public let elementType: String
        /// `nil` if it is stored in one piece.
        public let chunkShape: [Int]?
        public let filters: [String]
        /// Bytes in the file.
        public let storedBytes: Int
        /// Attributes of ours, as text.
        public let attributes: [String: String]
    }

    public let path: String
    public let byteCount: Int
    public let formatVersion: Int
    public let isComplete: Bool
    /// Tokens that every tensor has.
    public let tokenCount: Int
    public let elementType: ElementType
    public let metadata: CaptureMetadata
    public let sequences: [CaptureSequence]
    public let layersPresent: [Int]
    public let tensorsPresent: [CapturedTensor]
    public let datasets: [DatasetSummary]

    /// Reads the summary of a file; an incomplete one is no error here.
    ///
    /// - Throws: `CaptureError`, as `CaptureFile` does.
    public init(path: String) throws {
        let capture = try CaptureFile(path: path, allowIncomplete: true)
        self.path = path
        isComplete = capture.isComplete
        tokenCount = capture.tokenCount
        elementType = capture.elementType
        metadata = capture.metadata
        sequences = capture.sequences
        layersPresent = capture.layersPresent
        tensorsPresent = capture.tensorsPresent
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        byteCount = (attributes?[.size] as? NSNumber)?.intValue ?? 0
        do {
            formatVersion = try capture.root.attributes.integer("format_version")
            datasets = try summaries(of: capture.root)
        } catch {
            throw CaptureError.reading(error, path: path)
        }
    }
}

/// All datasets below a group, in order of their paths.
private func summaries(of group: Group) throws -> [CaptureSummary.DatasetSummary] {
    try group.names().flatMap { name -> [CaptureSummary.DatasetSummary] in
        switch try group.kind(of: name) {
        case .group: return try summaries(of: try group.group(name))
        case .dataset: return [try summary(of: try group.dataset(name))]
        case .other: return []
        }
    }
}

/// Attributes by which HDF5 keeps track of scales, not ours.
private let scaleAttributes: Set<String> = ["CLASS", "NAME", "DIMENSION_LIST", "DIMENSION_LABELS", "REFERENCE_LIST"]

private func summary(of dataset: Dataset) throws -> CaptureSummary.DatasetSummary {
    var attributes: [String: String] = [:]
    for name in try dataset.attributes.names() where !scaleAttributes.contains(name) {
        attributes[name] = shown(try dataset.attributes.read(name))
    }
    return CaptureSummary.DatasetSummary(
        path: dataset.path,
        shape: try dataset.shape,
        axes: try dataset.axisLabels,
        elementType: try dataset.datatype?.rawValue ?? "unknown",
        chunkShape: try dataset.chunkShape,
        filters: try dataset.filters,
        storedBytes: dataset.storedByteCount,
        attributes: attributes
    )
}
