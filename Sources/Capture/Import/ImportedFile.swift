import Foundation
import HDF5
import ModelFormats

/// A file with arrays to import: NumPy's `.npz` and `.npy`, safetensors, or HDF5.
struct ImportedFile {
    let path: String
    /// What the file says of itself, by key.
    var attributes: [String: String] = [:]
    var arrays: [ImportedArray] = []
    /// Texts by name, such as a token's piece; only HDF5 has any.
    var texts: [String: Dataset] = [:]

    /// Opens a file and lists its arrays, without reading their elements.
    ///
    /// - Throws: `ImportError` for a file of another kind or a damaged one.
    init(path: String) throws {
        self.path = path
        let file = try RandomAccessFile(path: path)
        let beginning = try file.bytes(at: 0, count: min(9, file.byteCount), what: "the beginning")
        if beginning.starts(with: [0x89] + Array("HDF\r\n\u{1A}\n".utf8)) {
            try readHDF5()
        } else if beginning.starts(with: [0x93] + Array("NUMPY".utf8)) {
            arrays = [try Self.array(of: file)]
        } else if beginning.starts(with: [0x50, 0x4B]) {
            try readZIP(try ZIPArchive(file))
        } else if path.hasSuffix(".safetensors") || beginning.last == UInt8(ascii: "{") && beginning.count == 9 {
            try readSafetensors(file)
        } else {
            throw ImportError(
                path,
                "is neither npz, npy, safetensors nor HDF5",
                expected: "a file whose first bytes are PK, \\x93NUMPY, a safetensors header or \\x89HDF",
                remedy: Self.remedy(beginning)
            )
        }
    }

    private static func remedy(_ beginning: [UInt8]) -> String? {
        if beginning.starts(with: "GGUF".utf8) { return "that is a model: kvatlas capture --model FILE --text …" }
        if beginning.starts(with: [0x80]) { return "that is a pickle: save arrays with numpy.savez instead" }
        return "save the arrays with numpy.savez, or use data/python/capture_transformers.py"
    }

    // MARK: - NumPy

    private static func array(of file: RandomAccessFile) throws -> ImportedArray {
        let beginning = try file.bytes(at: 0, count: min(NPYHeader.limit, file.byteCount), what: "the npy header")
        let header = try NPYHeader(beginning, location: file.name)
        let name = URL(fileURLWithPath: file.name).deletingPathExtension().lastPathComponent
        return try ImportedArray(
            name: name,
            location: file.name,
            typeName: header.descriptor,
            element: header.element,
            shape: header.shape,
            isReversed: header.isFortranOrder,
            place: .file(file, offset: header.byteCount),
            byteCount: file.byteCount - header.byteCount
        )
    }

    private mutating func readZIP(_ archive: ZIPArchive) throws {
        if archive.members.contains(where: { $0.name.hasSuffix("data.pkl") }) {
            throw ImportError(
                path,
                "is a checkpoint of PyTorch, which is a pickle and not opened",
                remedy: "save it with safetensors.torch.save_file, or arrays with numpy.savez"
            )
        }
        for member in archive.members where !member.name.hasSuffix("/") {
            let location = "\(path), member '\(shownName(member.name))'"
            let header = try NPYHeader(try archive.prefix(of: member, count: NPYHeader.limit), location: location)
            arrays.append(
                try ImportedArray(
                    name: member.name.hasSuffix(".npy") ? String(member.name.dropLast(4)) : member.name,
                    location: location,
                    typeName: header.descriptor,
                    element: header.element,
                    shape: header.shape,
                    isReversed: header.isFortranOrder,
                    place: .member(archive, member, offset: header.byteCount),
                    byteCount: member.byteCount - header.byteCount
                )
            )
        }
    }

    // MARK: - safetensors

    private mutating func readSafetensors(_ file: RandomAccessFile) throws {
        // Mapped for its header only; elements are read.
        let header = try SafetensorsFile(path: path)
        attributes = header.metadata
        arrays = try header.orderedTensors.map { tensor in
            try ImportedArray(
                name: tensor.name,
                location: "\(path), tensor '\(shownName(tensor.name))'",
                typeName: tensor.type.rawValue,
                element: ImportedElement(tensor.type),
                shape: tensor.shape,
                place: .file(file, offset: tensor.byteOffset),
                byteCount: tensor.byteCount
            )
        }
    }

    // MARK: - HDF5

    /// Groups below each other; captures have two.
    private static let deepest = 16

    private mutating func readHDF5() throws {
        do {
            let root = try File.open(at: path).root
            attributes = try Self.attributes(of: root)
            guard attributes["format"] != CaptureSchema.format else {
                throw ImportError(path, "is a capture already", remedy: "read it with: kvatlas inspect \(path)")
            }
            try collect(root, prefix: "", depth: 0)
        } catch let error as HDF5Error {
            throw CaptureError.reading(error, path: path)
        }
    }

    private static func attributes(of group: Group) throws -> [String: String] {
        var texts: [String: String] = [:]
        for name in try group.attributes.names() {
            switch try? group.attributes.read(name) {
            case .string(let text): texts[name] = text
            case .integer(let number): texts[name] = "\(number)"
            case .double(let number): texts[name] = "\(number)"
            case .integers(let numbers): texts[name] = numbers.map { "\($0)" }.joined(separator: ",")
            case .doubles(let numbers): texts[name] = numbers.map { "\($0)" }.joined(separator: ",")
            default: break
            }
        }
        return texts
    }

    private mutating func collect(_ group: Group, prefix: String, depth: Int) throws {
        guard depth < Self.deepest else {
            throw ImportError("\(path), \(prefix)", "groups lie more than \(Self.deepest) deep")
        }
        for member in try group.names() {
            let name = prefix + member
            switch try group.kind(of: member) {
            case .group: try collect(try group.group(member), prefix: name + "/", depth: depth + 1)
            case .dataset:
                let dataset = try group.dataset(member)
                let type = try dataset.datatype
                if type == .string {
                    texts[name] = dataset
                    continue
                }
                arrays.append(
                    try ImportedArray(
                        name: name,
                        location: "\(path), /\(name)",
                        typeName: type?.rawValue ?? "a type that is no number",
                        element: type.flatMap { ImportedElement(rawValue: $0.rawValue) },
                        shape: try dataset.shape,
                        place: .dataset(dataset)
                    )
                )
            case .other: break
            }
        }
    }
}
