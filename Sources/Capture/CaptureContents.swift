import HDF5
import Inference
import TensorCore

/// The datasets of a capture, found by name and checked against the model's shape.
struct CaptureContents {
    let path: String
    let shapes: [TensorKey: [Int]]
    let elementType: ElementType
    private let root: Group

    /// - Throws: `CaptureError.inconsistent`, or an `HDF5Error` for a part that is missing.
    init(root: Group, metadata: CaptureMetadata, path: String) throws {
        self.root = root
        self.path = path
        var shapes: [TensorKey: [Int]] = [:]
        var types: Set<Datatype> = []
        let layers = try root.group("layers")
        for name in try layers.names() {
            guard let layer = Int(name), layer >= 0, layer < metadata.layers else {
                throw CaptureError.inconsistent(
                    path: path,
                    object: "/layers/\(name)",
                    reason: "the model has \(metadata.layers) layers"
                )
            }
            let group = try layers.group(name)
            for name in try group.names() {
                // What later versions add beside the tensors does no harm.
                guard let tensor = CapturedTensor(rawValue: name) else { continue }
                let key = TensorKey(layer: layer, tensor: tensor)
                let dataset = try group.dataset(name)
                let shape = try dataset.shape
                let rowShape = [tensor.heads(in: metadata), metadata.headDim]
                guard shape.count == 3, Array(shape.dropFirst()) == rowShape else {
                    throw CaptureError.inconsistent(
                        path: path,
                        object: dataset.path,
                        reason: "its shape is \(shape), not [token, \(rowShape[0]), \(rowShape[1])]"
                    )
                }
                guard let type = try dataset.datatype, type == .float16 || type == .float32 else {
                    throw CaptureError.inconsistent(
                        path: path,
                        object: dataset.path,
                        reason: "its elements are not float16 or float32"
                    )
                }
                shapes[key] = shape
                types.insert(type)
            }
        }
        guard !shapes.isEmpty else {
            throw CaptureError.inconsistent(path: path, object: "/layers", reason: "no layer holds a tensor")
        }
        guard types.count == 1 else {
            throw CaptureError.inconsistent(
                path: path,
                object: "/layers",
                reason: "some tensors are float16 and some float32"
            )
        }
        self.shapes = shapes
        elementType = types.contains(.float16) ? .float16 : .float32
    }

    /// The length of every dataset along the token axis, which is one in a complete file.
    func commonLength() throws -> Int {
        let count = try rowCount(root.dataset("tokens/id"))
        let columns = (CaptureSchema.tokenIntegerColumns + CaptureSchema.tokenTextColumns).map { "tokens/" + $0 }
        for name in columns + shapes.keys.map({ $0.path }).sorted() {
            let length = try rowCount(root.dataset(name))
            guard length == count else {
                throw CaptureError.inconsistent(
                    path: path,
                    object: "/" + name,
                    reason: "it has \(length) tokens, /tokens/id has \(count)"
                )
            }
        }
        return count
    }

    /// Tokens that every dataset of an incomplete file really holds.
    func readableLength() throws -> Int {
        let columns = (CaptureSchema.tokenIntegerColumns + CaptureSchema.tokenTextColumns).map { "tokens/" + $0 }
        return try (columns + shapes.keys.map { $0.path }).reduce(.max) {
            try min($0, root.dataset($1).readableRowCount())
        }
    }
}

/// An attribute's value as text, for messages and summaries.
func shown(_ attribute: Attribute) -> String {
    switch attribute {
    case .string(let text): "\"\(text)\""
    case .integer(let integer): "\(integer)"
    case .double(let number): "\(number)"
    case .strings(let texts): "[" + texts.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    case .integers(let integers): "\(integers)"
    case .doubles(let numbers): "\(numbers)"
    }
}
