import ModelFormats
import TensorCore
import Testing

/// Damaged files are refused with a message or read; they never crash.
@Suite struct GGUFDamageTests {
    /// Reads all that a header gives access to.
    private func useAll(_ file: GGUFFile) {
        var sum = 0
        for value in file.metadata.values {
            sum &+= value.array?.strings?.count ?? value.array?.numbers?.count ?? value.array?.booleans?.count ?? 0
        }
        for tensor in file.orderedTensors { sum &+= file.bytes(of: tensor).reduce(0) { $0 &+ Int($1) } }
        #expect(sum >= 0)
    }

    @Test func truncationAtEveryByteIsExplained() throws {
        let bytes = try soundFile()
        let end = try #require(try open(bytes).orderedTensors.map { $0.byteOffset + $0.byteCount }.max())
        for count in 0..<end {
            let error = failure(Array(bytes.prefix(count)))
            #expect(error?.remedy?.contains("download") == true, "\(count) bytes: \(String(describing: error))")
        }
        for count in end...bytes.count { useAll(try open(Array(bytes.prefix(count)))) }
    }

    /// Lengths that a download is cut at: each kilobyte of the header, which ends before 2 MB, then each megabyte.
    @Test(.enabled(if: TestModels.hasSmolLM2)) func realFileCutAtEveryKilobyteIsExplained() throws {
        let file = try MappedFile(path: TestModels.smollm2)
        let first = stride(from: 0, through: 2 << 20, by: 1 << 10)
        let rest = stride(from: 3 << 20, to: file.byteCount, by: 1 << 20)
        for count in Array(first) + Array(rest) {
            let error = failure(Array(file.bytes.prefix(count)))
            #expect(error?.byteOffset != nil)
            #expect(error?.remedy?.contains("download") == true, "\(count) bytes: \(String(describing: error))")
        }
    }

    @Test func changedBytesNeverCrash() throws {
        let sound = try soundFile()
        var generator = SeededGenerator(seed: 2024)
        let extremes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]
        for round in 0..<5000 {
            var bytes = sound
            for _ in 0...round % 4 {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] =
                    Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator)
                    : extremes[Int.random(in: 0..<extremes.count, using: &generator)]
            }
            do { useAll(try open(bytes)) } catch { #expect(!"\(error)".isEmpty) }
        }
    }

    /// Each 8-byte field in turn gets values at which sums and products overflow.
    @Test func extremeNumbersAtEveryPlaceNeverCrash() throws {
        let sound = try soundFile()
        let header = try open(sound).dataOffset
        let extremes: [UInt64] = [0, 1 << 31, 1 << 32, 1 << 62, UInt64(Int.max), 1 << 63, .max - 31, .max]
        for place in 4..<header - 8 {
            for extreme in extremes {
                var bytes = sound
                withUnsafeBytes(of: extreme.littleEndian) { bytes.replaceSubrange(place..<place + 8, with: $0) }
                do { useAll(try open(bytes)) } catch { #expect(error is GGUFError) }
            }
        }
    }

    @Test func noiseAfterTheMagicNeverCrashes() {
        var generator = SeededGenerator(seed: 5)
        for length in 0...33 {
            for _ in 0..<50 {
                let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
                #expect(throws: GGUFError.self) { try open(Array("GGUF\u{3}\0\0\0".utf8) + noise + [0xFF]) }
            }
        }
    }
}
