import CHDF5

/// A group of a file: named groups and datasets.
public final class Group: Sendable {
    /// Groups and datasets by name.
    public enum MemberKind: Sendable {
        case group, dataset, other
    }

    let handle: Handle
    let place: Place

    init(_ handle: Handle, at place: Place) {
        self.handle = handle
        self.place = place
    }

    /// Absolute path inside the file.
    public var path: String { place.object ?? "/" }

    public var attributes: Attributes { Attributes(owner: handle, place: place) }

    /// Makes a group in this one.
    public func createGroup(_ name: String) throws -> Group {
        try locked {
            let child = place.child(name)
            let none = kvatlas_h5_none()
            let id = H5Gcreate2(handle.id, name, none, none, none)
            return Group(try Handle(id, closing: H5Gclose, within: handle, "create the group", at: child), at: child)
        }
    }

    /// Opens a group of this one; `name` may be a path such as `layers/000`.
    public func group(_ name: String) throws -> Group {
        try locked {
            let child = place.child(name)
            let id = H5Gopen2(handle.id, name, kvatlas_h5_none())
            return Group(try Handle(id, closing: H5Gclose, within: handle, "open the group", at: child), at: child)
        }
    }

    /// Opens a dataset of this group; `name` may be a path such as `layers/000/key`.
    public func dataset(_ name: String) throws -> Dataset {
        try locked {
            let child = place.child(name)
            let id = H5Dopen2(handle.id, name, kvatlas_h5_none())
            return Dataset(try Handle(id, closing: H5Dclose, within: handle, "open the dataset", at: child), at: child)
        }
    }

    /// Whether this group holds a member `name` (a plain name, not a path).
    public func contains(_ name: String) throws -> Bool {
        try locked {
            try check(H5Lexists(handle.id, name, kvatlas_h5_none()), "look for", at: place.child(name)) > 0
        }
    }

    /// Names of the members, in order of their bytes.
    public func names() throws -> [String] {
        try locked {
            var info = H5G_info_t()
            try check(H5Gget_info(handle.id, &info), "list", at: place)
            return try namesByIndex(info.nlinks) { index, text, size in
                let result = H5Lget_name_by_idx(
                    handle.id,
                    ".",
                    H5_INDEX_NAME,
                    H5_ITER_INC,
                    index,
                    text,
                    size,
                    kvatlas_h5_none()
                )
                return try check(result, "list", at: place)
            }
        }
    }

    /// What the member `name` is.
    public func kind(of name: String) throws -> MemberKind {
        try locked {
            let child = place.child(name)
            let object = try Handle(
                H5Oopen(handle.id, name, kvatlas_h5_none()),
                closing: H5Oclose,
                "open",
                at: child
            )
            switch H5Iget_type(object.id) {
            case H5I_GROUP: return .group
            case H5I_DATASET: return .dataset
            default: return .other
            }
        }
    }
}
