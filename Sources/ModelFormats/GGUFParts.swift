/// The parts of a model that was split into several GGUF files, `NAME-00001-of-00003.gguf` …; or the one file.
///
/// The first part has the metadata, and each part the header of its own tensors. Source: llama.cpp's `gguf-split`,
/// whose keys are `split.no` (from 0), `split.count` and `split.tensors.count`.
struct GGUFParts {
    private(set) var files: [GGUFFile]

    private static let mostParts = 1000

    /// - Throws: `GGUFError` if `file` is another part than the first, or parts do not belong together;
    ///   `MappedFileError` for one that is not there.
    init(first file: GGUFFile) throws {
        files = [file]
        guard let count = try file.integerIfPresent("split.count"), count != 0 else { return }
        func invalid(_ problem: String, _ path: String? = nil) -> GGUFError {
            GGUFError(path ?? file.path, at: nil, .invalidSplit(problem))
        }
        guard (1...Self.mostParts).contains(count) else { throw invalid("split.count is \(count)") }
        let number = try file.integer("split.no")
        let prefix = Self.prefix(of: file.path, number: number, count: count)
        guard number == 0 else {
            let first = prefix.map { Self.path($0, number: 0, count: count) }
            throw GGUFError(file.path, at: nil, .notFirstPart(number: number + 1, first: first))
        }
        if count > 1 {
            guard let prefix else {
                throw invalid(
                    "the name of part 1 of \(count) does not end with '\(Self.path("", number: 0, count: count))'"
                )
            }
            for number in 1..<count {
                let part = try GGUFFile(path: Self.path(prefix, number: number, count: count))
                guard try part.integerIfPresent("split.no") == number,
                    try part.integerIfPresent("split.count") == count
                else { throw invalid("its metadata say that it is another part", part.path) }
                files.append(part)
            }
        }
        var places: [String: String] = [:]
        for part in files {
            for tensor in part.orderedTensors {
                if let other = places.updateValue(part.path, forKey: tensor.name) {
                    throw invalid("tensor '\(tensor.name)' is in '\(other)' too", part.path)
                }
            }
        }
        if let wanted = try file.integerIfPresent("split.tensors.count"), wanted != places.count {
            throw invalid("they have \(places.count) tensors, not \(wanted) as the first says")
        }
    }

    private static func path(_ prefix: String, number: Int, count: Int) -> String {
        func five(_ number: Int) -> String {
            let digits = "\(number)"
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
        return "\(prefix)-\(five(number + 1))-of-\(five(count)).gguf"
    }

    private static func prefix(of path: String, number: Int, count: Int) -> String? {
        guard (0..<count).contains(number) else { return nil }
        let ending = Self.path("", number: number, count: count)
        return path.hasSuffix(ending) ? String(path.dropLast(ending.count)) : nil
    }
}
