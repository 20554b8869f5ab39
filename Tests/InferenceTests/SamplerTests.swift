import Foundation
import Inference
import Testing

struct SamplerTests {
    private func shares(_ logits: [Float], temperature: Double, topP: Double = 1, draws: Int = 20_000) throws
        -> [Double]
    {
        var sampler = Sampler(try Sampling(temperature: temperature, topP: topP, seed: 7))
        var counts = [Double](repeating: 0, count: logits.count)
        for _ in 0..<draws { counts[Int(sampler.next(logits[...]))] += 1 / Double(draws) }
        return counts
    }

    @Test func greedyTakesTheFirstOfTheLargest() {
        var sampler = Sampler(.greedy)
        #expect(sampler.next([1, 3, 2, 3]) == 1)
        #expect(sampler.next([-.infinity]) == 0)
        #expect(sampler.next([.nan, -1, .nan, -2]) == 1)
        let slice = [9, 9, 1, 5, 2].dropFirst(2).map { Float($0) }
        #expect(sampler.next(slice[...]) == 1)
    }

    /// Shares lie within five standard deviations of the softmax.
    @Test(arguments: [0.5, 1, 2])
    func sharesFollowTheSoftmax(_ temperature: Double) throws {
        let logits: [Float] = [1, 0, -1, 2]
        let weights = logits.map { exp(Double($0) / temperature) }
        let found = try shares(logits, temperature: temperature)
        for (share, weight) in zip(found, weights) {
            let expected = weight / weights.reduce(0, +)
            #expect(abs(share - expected) < 5 * (expected * (1 - expected) / 20_000).squareRoot())
        }
    }

    @Test func topPKeepsTheFewestThatReachTheSum() throws {
        let logits = [0.5, 0.3, 0.15, 0.05].map { Float(log($0)) }
        let found = try shares(logits, temperature: 1, topP: 0.75)
        #expect(found[2] == 0 && found[3] == 0)
        #expect(abs(found[0] - 0.625) < 0.02)
        #expect(try shares(logits, temperature: 1, topP: 0.01)[1...].allSatisfy { $0 == 0 })
    }

    @Test func impossibleLogitsAreNeverChosen() throws {
        let found = try shares([0, -.infinity, .nan, 0], temperature: 1, draws: 1000)
        #expect(found[1] == 0 && found[2] == 0)
        #expect(found[0] > 0 && found[3] > 0)
    }

    @Test func impossibleSettingsAreRefused() {
        #expect(throws: ModelError.self) { try Sampling(temperature: -1, seed: 0) }
        #expect(throws: ModelError.self) { try Sampling(temperature: .nan, seed: 0) }
        for topP in [0, 1.5, -.infinity, .nan] {
            #expect(throws: ModelError.self) { try Sampling(temperature: 1, topP: topP, seed: 0) }
        }
    }
}
