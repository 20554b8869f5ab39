import CHDF5

/// Owner of one HDF5 identifier, closed once: by `close()` or, at the latest, with its owner.
///
/// Unchecked, because the library's lock guards the identifier.
final class Handle: @unchecked Sendable {
    typealias Closer = @convention(c) (hid_t) -> herr_t

    private(set) var id: hid_t
    private let closer: Closer
    /// Kept open as long as this: closing a file would close what is in it.
    private let parent: Handle?

    /// Takes over an identifier just returned by HDF5; a negative one is thrown as its error.
    init(
        _ id: hid_t,
        closing closer: @escaping Closer,
        within parent: Handle? = nil,
        _ action: String,
        at place: Place
    ) throws {
        self.id = try check(id, action, at: place)
        self.closer = closer
        self.parent = parent
    }

    /// Closes now, so that an error can be seen. Closing twice does nothing.
    func close(_ action: String, at place: Place) throws {
        try locked {
            guard id >= 0, H5Iis_valid(id) > 0 else { return }
            let closing = id
            id = -1
            try check(closer(closing), action, at: place)
        }
    }

    deinit {
        locked {
            guard id >= 0, H5Iis_valid(id) > 0 else { return }
            _ = closer(id)
        }
    }
}
