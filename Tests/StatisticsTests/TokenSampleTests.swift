import Statistics
import TensorCore
import Testing

@Suite struct TokenSampleTests {
    private static let size = TokenSample.size

    @Test(arguments: [0, 1, 33, size - 1, size]) func aShortCaptureIsTakenWhole(tokens: Int) {
        let sample = TokenSample(tokens: tokens)
        #expect(sample.isComplete && sample.count == tokens)
        #expect(sample.places(in: 0..<tokens) == 0..<tokens)
        #expect((0..<tokens).allSatisfy { sample.token(at: $0) == $0 })
    }

    @Test(arguments: [size + 1, 3 * size / 2, 100_003, 10_000_000, 1 << 40])
    func aLongOneIsDrawnFromOnceAPart(tokens: Int) {
        let sample = TokenSample(tokens: tokens)
        #expect(!sample.isComplete && sample.count == Self.size)
        var before = 0
        for place in 0..<Self.size {
            let token = sample.token(at: place)
            #expect(token >= before && token < tokens)
            // Its part of the axis, of which the ends may be shared with the neighbours.
            #expect(
                token >= place * (tokens / Self.size)
                    && Double(token) < Double(place + 1) * Double(tokens) / Double(Self.size)
            )
            before = token
        }
    }

    @Test func rangesShareOutAllPlaces() {
        let sample = TokenSample(tokens: 50_000)
        var next = 0
        for first in stride(from: 0, to: 50_000, by: 256) {
            let places = sample.places(in: first..<min(50_000, first + 256))
            #expect(places.lowerBound == next)
            #expect(places.allSatisfy { (first..<first + 256).contains(sample.token(at: $0)) })
            next = places.upperBound
        }
        #expect(next == Self.size)
    }

    /// The stated bound, on numbers whose order has to do with the order of tokens: rising, and with two periods.
    @Test func ranksStayWithinTheStatedBound() {
        let tokens = 200_000
        let sample = TokenSample(tokens: tokens)
        for period in [tokens, 24, 977] {
            let values = (0..<tokens).map { Float($0 % period) }
            let drawn = (0..<sample.count).map { values[sample.token(at: $0)] }.sorted()
            let sorted = values.sorted()
            for probability in [0.001, 0.01, 0.25, 0.5, 0.9, 0.999] {
                let value = drawn[Int(probability * Double(sample.count))]
                let below = Double(sorted.partitioningIndex { $0 >= value }) / Double(tokens)
                let through = Double(sorted.partitioningIndex { $0 > value }) / Double(tokens)
                let error = max(0, below - probability, probability - through)
                // Five standard deviations.
                let deviation = (probability * (1 - probability) / Double(sample.count)).squareRoot()
                #expect(error <= 5 * deviation + 1 / Double(sample.count), "\(probability)")
            }
        }
    }
}

extension [Float] {
    /// The first place from which a condition holds on.
    fileprivate func partitioningIndex(where holds: (Float) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
