import Kernels
import ModelFormats

/// A tensor that an architecture reads.
struct TensorRequirement: Sendable {
    let name: String
    /// In ggml's order, the contiguous one first.
    let dimensions: [Int]
    /// Loaded if present; its shape is checked then.
    var isOptional = false

    static func matrix(_ name: String, rows: Int, columns: Int) -> TensorRequirement {
        TensorRequirement(name: name, dimensions: [columns, rows])
    }

    static func vector(_ name: String, count: Int) -> TensorRequirement {
        TensorRequirement(name: name, dimensions: [count])
    }
}

/// Hands out the tensors of a model, after checking that all are there in the right shape.
struct WeightLoader {
    let source: ModelSource

    /// - Throws: `ModelError.missingTensors` naming all that are missing; else `MetadataError` for the first of a type
    ///   that we do not compute with, and `ModelError.wrongShape` for the first of another shape.
    init(source: ModelSource, requirements: [TensorRequirement]) throws {
        let path = source.path
        let missing = requirements.filter {
            !$0.isOptional && source.tensors[$0.name] == nil && source.unsupportedTensorTypes[$0.name] == nil
        }
        guard missing.isEmpty else { throw ModelError.missingTensors(path: path, names: missing.map(\.name)) }
        for requirement in requirements {
            let isThere = source.tensors[requirement.name] != nil
            guard isThere || source.unsupportedTensorTypes[requirement.name] != nil else { continue }
            let found = try source.tensor(requirement.name).dimensions
            // Trailing sizes of 1 mean nothing in ggml.
            let trimmed = Array(found.prefix(1)) + found.dropFirst().reversed().drop { $0 == 1 }.reversed()
            guard found == requirement.dimensions || trimmed == requirement.dimensions else {
                throw ModelError.wrongShape(
                    path: path,
                    tensor: requirement.name,
                    found: found,
                    expected: requirement.dimensions
                )
            }
        }
        self.source = source
    }

    func matrix(_ name: String) throws -> WeightMatrix {
        let tensor = try source.tensor(name)
        let rows = tensor.dimensions.dropFirst().reduce(1, *)
        return WeightMatrix(
            bytes: tensor.bytes,
            owner: tensor.file,
            elementType: tensor.elementType,
            rows: rows,
            columns: tensor.dimensions[0]
        )
    }

    /// The values in float32.
    func vector(_ name: String) throws -> [Float] {
        let matrix = try matrix(name)
        return [Float](unsafeUninitializedCapacity: matrix.columns) { buffer, count in
            guard let address = buffer.baseAddress else { return }
            matrix.dequantizeRow(0, into: address)
            count = matrix.columns
        }
    }

    func vectorIfPresent(_ name: String) throws -> [Float]? {
        source.tensors[name] == nil ? nil : try vector(name)
    }
}
