import CHDF5

/// A one-dimensional dataset that names an axis of other datasets and holds its coordinates.
///
/// Datasets of this group and of groups below it can carry the scale; xarray
/// and netCDF take an axis's name from it. Source: "HDF5 Dimension Scale
/// Specification", The HDF Group (2005).
public struct DimensionScale: Sendable {
    public let name: String
    /// The coordinates.
    public let dataset: Dataset
}

extension Group {
    /// Makes a scale with coordinates 0..<`count`; a chunked one can grow.
    public func createDimensionScale(_ name: String, count: Int, storage: Storage) throws -> DimensionScale {
        try createDimensionScale(name, coordinates: Array(0..<count), storage: storage)
    }

    /// Makes a scale with these coordinates.
    public func createDimensionScale(_ name: String, coordinates: [Int], storage: Storage) throws -> DimensionScale {
        try locked {
            let dataset = try createDataset(name, .int64, shape: [coordinates.count], storage: storage)
            try check(H5DSset_scale(dataset.handle.id, name), "make a dimension scale of", at: dataset.place)
            if !coordinates.isEmpty { try dataset.write(coordinates) }
            return DimensionScale(name: name, dataset: dataset)
        }
    }
}

extension Dataset {
    /// Names an axis by a scale.
    public func attach(_ scale: DimensionScale, axis: Int) throws {
        try locked {
            try check(
                H5DSattach_scale(handle.id, scale.dataset.handle.id, UInt32(axis)),
                "attach a scale to",
                at: place
            )
            try check(H5DSset_label(handle.id, UInt32(axis), scale.name), "label an axis of", at: place)
        }
    }

    /// The axes' labels; empty where an axis has none.
    public var axisLabels: [String] {
        get throws {
            try locked {
                try (0..<UInt32(try shape.count)).map { axis in
                    var label = [CChar](repeating: 0, count: 128)
                    try check(H5DSget_label(handle.id, axis, &label, label.count), "read the labels of", at: place)
                    return String(decoding: label.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                }
            }
        }
    }
}
