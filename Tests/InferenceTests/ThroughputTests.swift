import Foundation
import Inference
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Timings, printed; the bounds hold on two idle cores, so they are asked for by `KVATLAS_BENCHMARKS=1` only.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["KVATLAS_BENCHMARKS"] != nil))
struct ThroughputTests {
    private struct Timing {
        let wallSeconds: Double
        let processorSeconds: Double

        init(_ body: () throws -> Void) rethrows {
            let processor = Self.processorTime()
            let start = ContinuousClock.now
            try body()
            let wall = ContinuousClock.now - start
            wallSeconds = Double(wall.components.seconds) + Double(wall.components.attoseconds) * 1e-18
            processorSeconds = Self.processorTime() - processor
        }

        func show(_ what: String, tokens: Int) {
            let perSecond = Double(tokens) / wallSeconds, perProcessor = 2 * Double(tokens) / processorSeconds
            print(
                "\(what): \(perSecond.formatted()) tokens/s by the clock, "
                    + "\(perProcessor.formatted()) by processor time on 2 cores"
            )
        }

        private static func processorTime() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
        }
    }

    @Test(.enabled(if: TestModels.exists(TestModels.smolLM2)))
    func prefillAndDecodeAreFast() throws {
        let model = try LanguageModel(path: TestModels.path(TestModels.smolLM2))
        let text = Array(try TestModels.fixture("alice.txt"))
        let once = model.encode(text)
        let tokens = Array([once, once].joined().prefix(2048))
        let warm = model.makeCache(capacity: 64)
        try model.forward(Array(tokens.prefix(64)), cache: warm)

        let cache = model.makeCache(capacity: 4096)
        let prefill = try Timing { try model.forward(tokens, cache: cache, logits: .last) }
        prefill.show("prefill of \(tokens.count)", tokens: tokens.count)
        #expect(Double(tokens.count) / prefill.wallSeconds >= 400)

        try cache.truncate(to: 512)
        let decode = try Timing {
            for token in tokens.prefix(64) { try model.forward([token], cache: cache) }
        }
        decode.show("decode at 512", tokens: 64)
        #expect(64 / decode.wallSeconds >= 45)
    }

    /// What taps cost by themselves: a tap that takes all four tensors of all layers and does nothing.
    @Test(.enabled(if: TestModels.exists(TestModels.smolLM2)))
    func tapsCostLittle() throws {
        final class IdleTap: Tap {
            func wants(_ tensor: CapturedTensor, layer: Int) -> Bool { true }
            func record(
                _ tensor: CapturedTensor,
                layer: Int,
                firstToken: Int,
                tokens: Int,
                heads: Int,
                headDim: Int,
                values: UnsafePointer<Float>
            ) {}
        }
        let model = try LanguageModel(path: TestModels.path(TestModels.smolLM2))
        let tokens = Array(model.encode(Array(try TestModels.fixture("alice.txt"))).prefix(1024))
        func time(_ tap: (any Tap)?) throws -> Timing {
            let cache = model.makeCache(capacity: tokens.count)
            return try Timing { try model.forward(tokens, cache: cache, logits: .none, tap: tap) }
        }
        _ = try time(nil)
        let without = try time(nil), with = try time(IdleTap())
        without.show("prefill without taps", tokens: tokens.count)
        with.show("prefill with idle taps", tokens: tokens.count)
        #expect(with.processorSeconds < 1.1 * without.processorSeconds)
    }

    @Test(arguments: [TestModels.qwen, TestModels.largeQwen].filter { TestModels.exists($0) })
    func loadingTakesLessThanASecond(_ name: String) throws {
        let path = TestModels.path(name)
        // The first brings the header into memory.
        _ = try LanguageModel(path: path)
        let timing = try Timing { _ = try LanguageModel(path: path) }
        print("loading \(name): \(timing.wallSeconds) s by the clock, \(timing.processorSeconds) s of processor time")
        #expect(timing.wallSeconds < 1)
    }
}
