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

/// Hands out the tensors of a file, after checking that all are there in the right shape.
struct WeightLoader {
    let file: GGUFFile

    /// - Throws: `ModelError.missingTensors` naming all that are missing; else `.wrongShape` for the first.
    init(file: GGUFFile, requirements: [TensorRequirement]) throws {
        let path = file.file.path
        let missing = requirements.filter { !$0.isOptional && file.tensors[$0.name] == nil }
        guard missing.isEmpty else { throw ModelError.missingTensors(path: path, names: missing.map(\.name)) }
        for requirement in requirements {
            guard let found = file.tensors[requirement.name]?.dimensions else { continue }
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
        self.file = file
    }

    func matrix(_ name: String) throws -> WeightMatrix {
        let tensor = try file.tensor(name)
        let rows = tensor.dimensions.dropFirst().reduce(1, *)
        return WeightMatrix(
            bytes: file.bytes(of: tensor),
            owner: file.file,
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
        file.tensors[name] == nil ? nil : try vector(name)
    }
}
