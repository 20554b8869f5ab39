/// Uninitialized float32 memory, aligned for vector instructions.
final class FloatBuffer {
    let pointer: UnsafeMutablePointer<Float>
    private let storage: UnsafeMutableRawPointer

    init(count: Int) {
        let bytes = max(1, count) * MemoryLayout<Float>.stride
        storage = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        pointer = storage.bindMemory(to: Float.self, capacity: count)
    }

    deinit { storage.deallocate() }
}
