import Dispatch
import Foundation
import Synchronization

/// Thrown by `Interruption.check` after Ctrl-C.
struct Interrupted: Error {}

/// Ctrl-C as an error, so that open files are closed on the way out. A second Ctrl-C ends at once.
enum Interruption {
    private static let requested = Atomic<Bool>(false)
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

    /// Call once, before long work starts.
    static func install() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if requested.exchange(true, ordering: .relaxed) { _exit(130) }
                Terminal.printError("\nstopping after this step; press Ctrl-C again to stop at once")
            }
            source.resume()
            sources.append(source)
        }
    }

    static var isRequested: Bool { requested.load(ordering: .relaxed) }

    static func check() throws {
        if isRequested { throw Interrupted() }
    }
}
