import COpenSSL
import HDF5
import Kernels

/// Versions of the libraries that results depend on, by name.
public enum LibraryVersions {
    public static var current: [String: String] {
        [
            "HDF5": HDF5.Library.version,
            "OpenBLAS": "\(CPUFeatures.blasConfiguration), kernels for \(CPUFeatures.blasCore)",
            "OpenSSL": String(cString: OpenSSL_version(OPENSSL_VERSION)),
            "Swift": swiftVersion,
        ]
    }

    /// The compiler's language mode is fixed by the package; its release is known to a minor version.
    private static var swiftVersion: String {
        #if compiler(>=6.4)
            "6.4 or later"
        #elseif compiler(>=6.3)
            "6.3"
        #elseif compiler(>=6.2)
            "6.2"
        #else
            "before 6.2"
        #endif
    }
}
