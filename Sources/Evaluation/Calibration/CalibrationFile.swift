import Foundation
import HDF5
import Quantization
import TensorCore

/// A calibration as an HDF5 file: `/schemes/N/LAYER/NAME`, arrays by the step of the pipeline that they belong to.
public enum CalibrationFile {
    private static let format = "kvatlas-calibration", version = 1

    /// Writes to `path.partial` and renames.
    ///
    /// - Throws: `HDF5Error`.
    public static func write(_ set: CalibrationSet, to path: String, command: String) throws {
        let partial = path + ".partial"
        let file = try File.create(at: partial, overwrite: true)
        do {
            try fill(try file.root, set, command)
            try file.close()
            try FileManager.default.replace(partial, with: path)
        } catch {
            try? FileManager.default.removeItem(atPath: partial)
            throw error
        }
    }

    private static func fill(_ root: Group, _ set: CalibrationSet, _ command: String) throws {
        try root.attributes.write("format", .string(format))
        try root.attributes.write("format_version", .integer(version))
        try root.attributes.write("created", .string(Date().ISO8601Format()))
        try root.attributes.write("command", .string(command))
        let origin = try root.createGroup("origin")
        try origin.attributes.write("model", .string(set.origin.modelName))
        try origin.attributes.write("weights_sha256", .string(set.origin.weightsSHA256))
        try origin.attributes.write("texts", .strings(set.origin.texts))
        try origin.attributes.write("text_sha256", .strings(set.origin.textSHA256s))
        try origin.attributes.write("tokens", .integer(set.origin.tokens))
        let schemes = try root.createGroup("schemes")
        let keys = set.arrays.keys.sorted { ($0.side.rawValue, $0.schemeID) < ($1.side.rawValue, $1.schemeID) }
        for (place, key) in keys.enumerated() {
            let group = try schemes.createGroup("\(place)")
            try group.attributes.write("scheme", .string(key.schemeID))
            try group.attributes.write("side", .string(key.side.rawValue))
            for (layer, arrays) in (set.arrays[key] ?? [:]).sorted(by: { $0.key < $1.key }) {
                let layerGroup = try group.createGroup(String(format: "%03d", layer))
                for (name, array) in arrays.sorted(by: { $0.key < $1.key }) { try write(array, name, layerGroup) }
            }
        }
    }

    /// Flat, since an array may be empty in a dimension; its shape is an attribute.
    private static func write(_ array: CalibrationArray, _ name: String, _ group: Group) throws {
        let dataset = try group.createDataset(name, .float32, shape: [0], storage: Storage(chunkRows: 4096))
        try dataset.attributes.write("shape", .integers(array.shape))
        guard !array.values.isEmpty else { return }
        try array.values.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            try dataset.append(array.values.count, rows: base, as: .float32)
        }
    }

    /// - Throws: `HDF5Error`, or `CalibrationFileError` for a file that is none of ours.
    public static func read(_ path: String) throws -> CalibrationSet {
        let root = try File.open(at: path).root
        guard try root.attributes.contains("format"), try root.attributes.string("format") == format else {
            throw CalibrationFileError(
                path: path,
                problem: "is no calibration",
                expected: "a file of 'kvatlas calibrate'"
            )
        }
        let found = try root.attributes.integer("format_version")
        guard found == version else {
            throw CalibrationFileError(path: path, problem: "has format version \(found)", expected: "\(version)")
        }
        let origin = try root.group("origin").attributes
        var set = CalibrationSet(
            origin: .init(
                modelName: try origin.string("model"),
                weightsSHA256: try origin.string("weights_sha256"),
                texts: try origin.strings("texts"),
                textSHA256s: try origin.strings("text_sha256"),
                tokens: try origin.integer("tokens")
            )
        )
        let schemes = try root.group("schemes")
        for name in try schemes.names() {
            let group = try schemes.group(name), sideName = try group.attributes.string("side")
            guard let side = CacheSide(rawValue: sideName) else {
                throw CalibrationFileError(path: path, problem: "has a side '\(sideName)'", expected: "key or value")
            }
            let key = CalibrationSet.Key(side: side, schemeID: try group.attributes.string("scheme"))
            for layerName in try group.names() {
                guard let layer = Int(layerName) else { continue }
                let layerGroup = try group.group(layerName)
                var arrays: CalibrationArrays = [:]
                for name in try layerGroup.names() {
                    arrays[name] = try array(try layerGroup.dataset(name), path, "\(name) of layer \(layer)")
                }
                set.arrays[key, default: [:]][layer] = arrays
            }
        }
        return set
    }

    /// `nil` if it is no number of this machine.
    private static func product(_ shape: [Int]) -> Int? {
        var result = 1
        for size in shape {
            let (product, isTooLarge) = result.multipliedReportingOverflow(by: size)
            if isTooLarge { return nil }
            result = product
        }
        return result
    }

    private static func array(_ dataset: Dataset, _ path: String, _ what: String) throws -> CalibrationArray {
        guard case .integers(let shape) = try dataset.attributes.read("shape"), shape.allSatisfy({ $0 >= 0 }),
            let count = try dataset.shape.first, product(shape) == count
        else {
            throw CalibrationFileError(path: path, problem: "has \(what) of another size than its shape", expected: nil)
        }
        var values = [Float](repeating: 0, count: count)
        if count > 0 {
            try values.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                try dataset.read(rows: 0..<count, as: .float32, into: base)
            }
        }
        return CalibrationArray(shape: shape, values: values)
    }
}

/// What can be wrong with a calibration file.
public struct CalibrationFileError: ActionableError, Equatable {
    let path: String
    let fault: String
    public let expected: String?

    init(path: String, problem: String, expected: String?) {
        self.path = path
        fault = problem
        self.expected = expected
    }

    public var problem: String { "the file \(fault)" }
    public var location: String? { path }
    public var remedy: String? { "kvatlas calibrate CAPTURE.h5 --scheme ID --out FILE.h5" }
}

extension FileManager {
    fileprivate func replace(_ source: String, with target: String) throws {
        // One step, so that no half file ever has the final name.
        guard rename(source, target) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: target])
        }
    }
}
