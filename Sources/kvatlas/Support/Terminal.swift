import Foundation

/// Writing for people: messages go to stderr, results to stdout.
enum Terminal {
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    static func printError(_ message: String) {
        FileHandle.standardError.write(Data((message + "\n").utf8))
    }

    /// Writes a result; a reader that closed the pipe early (`| head`) is no failure.
    static func printResult(_ text: String) { _ = try? write(Array((text + "\n").utf8)) }

    /// Writes bytes to stdout at once.
    ///
    /// - Returns: false once whoever reads has closed the pipe.
    /// - Throws: `POSIXError` for what else the system says, a full disk for example.
    static func write(_ bytes: [UInt8]) throws -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EPIPE { return false }
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
            }
            sent += count
        }
        return true
    }

    /// The visible columns of the terminal behind stderr.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
