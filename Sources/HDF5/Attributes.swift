import CHDF5

/// The attributes of a group or dataset.
public struct Attributes: Sendable {
    let owner: Handle
    let place: Place

    /// Names of all attributes, in order of their bytes.
    public func names() throws -> [String] {
        try locked {
            var info = H5O_info_t()
            try check(H5Oget_info1(owner.id, &info), "list the attributes of", at: place)
            return try namesByIndex(info.num_attrs) { index, text, size in
                let result = H5Aget_name_by_idx(
                    owner.id,
                    ".",
                    H5_INDEX_NAME,
                    H5_ITER_INC,
                    index,
                    text,
                    size,
                    kvatlas_h5_none()
                )
                return try check(result, "list the attributes of", at: place)
            }
        }
    }

    public func contains(_ name: String) throws -> Bool {
        try locked { try check(H5Aexists(owner.id, name), "look for attribute \(name) of", at: place) > 0 }
    }

    /// The text of an attribute.
    ///
    /// - Throws: `HDF5Error`: `notFound`, or `wrongType` if it is no text.
    public func string(_ name: String) throws -> String {
        let value = try read(name)
        guard case .string(let text) = value else { throw wrongKind(name, value, wanted: "a text") }
        return text
    }

    /// The value of an integer attribute.
    ///
    /// - Throws: `HDF5Error`: `notFound`, or `wrongType` if it is no integer.
    public func integer(_ name: String) throws -> Int {
        let value = try read(name)
        guard case .integer(let integer) = value else { throw wrongKind(name, value, wanted: "an integer") }
        return integer
    }

    /// The value of a number or integer attribute.
    ///
    /// - Throws: `HDF5Error`: `notFound`, or `wrongType` if it is no number.
    public func double(_ name: String) throws -> Double {
        switch try read(name) {
        case .double(let number): return number
        case .integer(let integer): return Double(integer)
        case let value: throw wrongKind(name, value, wanted: "a number")
        }
    }

    /// The texts of an attribute.
    ///
    /// - Throws: `HDF5Error`: `notFound`, or `wrongType` if it is no list of texts.
    public func strings(_ name: String) throws -> [String] {
        switch try read(name) {
        case .strings(let texts): return texts
        // An empty list has no kind of its own.
        case .integers(let none) where none.isEmpty: return []
        case let value: throw wrongKind(name, value, wanted: "a list of texts")
        }
    }

    /// The values of an attribute that is a list of integers.
    ///
    /// - Throws: `HDF5Error`: `notFound`, or `wrongType` if it is no such list.
    public func integers(_ name: String) throws -> [Int] {
        let value = try read(name)
        guard case .integers(let integers) = value else { throw wrongKind(name, value, wanted: "a list of integers") }
        return integers
    }

    /// The values of an attribute that is a list of numbers.
    ///
    /// - Throws: `HDF5Error`: `notFound`, or `wrongType` if it is no such list.
    public func doubles(_ name: String) throws -> [Double] {
        switch try read(name) {
        case .doubles(let numbers): return numbers
        case .integers(let integers): return integers.map { Double($0) }
        case let value: throw wrongKind(name, value, wanted: "a list of numbers")
        }
    }

    private func wrongKind(_ name: String, _ value: Attribute, wanted: String) -> HDF5Error {
        HDF5Error(
            code: .wrongType,
            action: "read attribute \(name) of",
            place: place,
            reason: "it is \(value.kind), not \(wanted)"
        )
    }
}
