import HDF5
import Inference
import Kernels
import TensorCore

extension CaptureFile {
    /// Elements of some tokens as float16 bits, `[token, head, channel]`.
    ///
    /// Those of a float32 capture are rounded to nearest, ties to even.
    ///
    /// - Throws: `CaptureError`: `layerAbsent`, `tensorAbsent`,
    ///   `tokensOutOfRange`, `storage` if a checksum does not match.
    public func readHalf(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) throws -> [UInt16] {
        let count = tokens.count * headCount(tensor) * metadata.headDim
        return try [UInt16](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let target = buffer.baseAddress {
                try readHalf(tensor, layer: layer, tokens: tokens, into: target)
            }
            initialized = count
        }
    }

    /// Elements of some tokens as float32, `[token, head, channel]`; exact for both element types.
    ///
    /// - Throws: as `readHalf`.
    public func readFloat(_ tensor: CapturedTensor, layer: Int, tokens: Range<Int>) throws -> [Float] {
        let count = tokens.count * headCount(tensor) * metadata.headDim
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let target = buffer.baseAddress {
                try readFloat(tensor, layer: layer, tokens: tokens, into: target)
            }
            initialized = count
        }
    }

    /// As `readHalf`, into memory of the caller.
    ///
    /// - Precondition: `target` has place for `tokens × heads × head_dim` values.
    public func readHalf(
        _ tensor: CapturedTensor,
        layer: Int,
        tokens: Range<Int>,
        into target: UnsafeMutablePointer<UInt16>
    ) throws {
        guard elementType == .float32 else {
            return try read(tensor, layer, tokens, .float16, into: target)
        }
        let floats = try readFloat(tensor, layer: layer, tokens: tokens)
        floats.withUnsafeBufferPointer {
            guard let source = $0.baseAddress else { return }
            HalfConversion.toHalf(source, target, count: $0.count)
        }
    }

    /// As `readFloat`, into memory of the caller.
    ///
    /// - Precondition: `target` has place for `tokens × heads × head_dim` values.
    public func readFloat(
        _ tensor: CapturedTensor,
        layer: Int,
        tokens: Range<Int>,
        into target: UnsafeMutablePointer<Float>
    ) throws {
        guard elementType == .float16 else {
            return try read(tensor, layer, tokens, .float32, into: target)
        }
        let halves = try readHalf(tensor, layer: layer, tokens: tokens)
        halves.withUnsafeBufferPointer {
            guard let source = $0.baseAddress else { return }
            HalfConversion.toFloat(source, target, count: $0.count)
        }
    }

    /// Token ids.
    ///
    /// - Throws: `CaptureError`: `tokensOutOfRange`, `storage`.
    public func readTokens(_ tokens: Range<Int>) throws -> [Int32] {
        try readColumn("id", tokens).map { Int32(truncatingIfNeeded: $0) }
    }

    /// Index of each token within its sequence.
    public func readPositions(_ tokens: Range<Int>) throws -> [Int] { try readColumn("position", tokens) }

    /// The piece of each token as text, with U+FFFD for what is not UTF-8.
    ///
    /// - Throws: `CaptureError`: `tokensOutOfRange`, `storage`.
    public func readTexts(_ tokens: Range<Int>) throws -> [String] {
        try checkTokens(tokens)
        return try reading { try root.dataset("tokens/text").readStrings(rows: tokens) }
    }

    /// All bytes of each token's piece, also where they are not text.
    ///
    /// - Throws: `CaptureError`: `tokensOutOfRange`, `inconsistent`, `storage`.
    public func readBytes(_ tokens: Range<Int>) throws -> [[UInt8]] {
        let texts = try readTexts(tokens)
        let escaped = try reading { try root.dataset("tokens/bytes_hex").readStrings(rows: tokens) }
        return try zip(texts, escaped).map { text, hexadecimal in
            if hexadecimal.isEmpty { return Array(text.utf8) }
            guard let bytes = bytes(hexadecimal: hexadecimal) else {
                throw CaptureError.inconsistent(
                    path: path,
                    object: "/tokens/bytes_hex",
                    reason: "\"\(hexadecimal)\" is not hexadecimal"
                )
            }
            return bytes
        }
    }

    private func readColumn(_ name: String, _ tokens: Range<Int>) throws -> [Int] {
        try checkTokens(tokens)
        return try reading { try root.dataset("tokens/" + name).readIntegers(rows: tokens) }
    }

    private func read(
        _ tensor: CapturedTensor,
        _ layer: Int,
        _ tokens: Range<Int>,
        _ type: Datatype,
        into target: UnsafeMutableRawPointer
    ) throws {
        try reading { try dataset(tensor, layer, tokens).read(rows: tokens, as: type, into: target) }
    }

    private func reading<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw CaptureError.reading(error, path: path) }
    }
}
