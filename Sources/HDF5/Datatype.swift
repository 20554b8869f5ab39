import CHDF5

/// The element types that this module reads and writes.
public enum Datatype: String, Sendable, CaseIterable {
    /// IEEE half precision: sign 1, exponent 5, mantissa 10 bits; h5py shows it as `float16`.
    case float16
    case float32
    case float64
    case int32
    case int64
    /// UTF-8 of any length; h5py reads it as `str`.
    case string

    /// Bytes of one element in memory; a string is a pointer.
    public var byteCount: Int {
        switch self {
        case .float16: 2
        case .float32, .int32: 4
        case .float64, .int64, .string: 8
        }
    }

    /// The type as it is stored: little endian.
    func stored(at place: Place) throws -> Handle {
        switch self {
        case .float16:
            // A copy of float32, with the fields of IEEE 754 binary16.
            let type = try copy(kvatlas_h5_float32(), at: place)
            try check(H5Tset_fields(type.id, 15, 10, 5, 0, 10), "describe float16 for", at: place)
            try check(H5Tset_size(type.id, 2), "describe float16 for", at: place)
            try check(H5Tset_ebias(type.id, 15), "describe float16 for", at: place)
            return type
        case .float32: return try copy(kvatlas_h5_float32(), at: place)
        case .float64: return try copy(kvatlas_h5_float64(), at: place)
        case .int32: return try copy(kvatlas_h5_int32(), at: place)
        case .int64: return try copy(kvatlas_h5_int64(), at: place)
        case .string:
            let type = try copy(kvatlas_h5_c_string(), at: place)
            try check(H5Tset_size(type.id, kvatlas_h5_variable_size()), "describe text for", at: place)
            try check(H5Tset_cset(type.id, H5T_CSET_UTF8), "describe text for", at: place)
            return type
        }
    }

    /// The type as it is in this machine's memory.
    func native(at place: Place) throws -> Handle {
        switch self {
        case .float16, .string: try stored(at: place)
        case .float32: try copy(kvatlas_h5_native_float(), at: place)
        case .float64: try copy(kvatlas_h5_native_double(), at: place)
        case .int32: try copy(kvatlas_h5_native_int32(), at: place)
        case .int64: try copy(kvatlas_h5_native_int64(), at: place)
        }
    }

    private func copy(_ id: hid_t, at place: Place) throws -> Handle {
        try Handle(H5Tcopy(id), closing: H5Tclose, "describe \(rawValue) for", at: place)
    }

    /// The type of a stored object, or `nil` if it is none of these.
    ///
    /// Integers of other widths count as `int64`, which HDF5 converts to.
    init?(storedType type: hid_t) {
        let bytes = H5Tget_size(type)
        switch H5Tget_class(type) {
        case H5T_FLOAT:
            var sign = 0
            var exponent = 0
            var exponentBits = 0
            var mantissa = 0
            var mantissaBits = 0
            H5Tget_fields(type, &sign, &exponent, &exponentBits, &mantissa, &mantissaBits)
            switch (bytes, exponentBits, mantissaBits) {
            case (2, 5, 10): self = .float16
            case (4, 8, 23): self = .float32
            case (8, 11, 52): self = .float64
            default: return nil
            }
        case H5T_INTEGER: self = bytes == 4 && H5Tget_sign(type) == H5T_SGN_2 ? .int32 : .int64
        case H5T_STRING: self = .string
        default: return nil
        }
    }
}
