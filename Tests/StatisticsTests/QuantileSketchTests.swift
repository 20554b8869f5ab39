import Kernels
import Statistics
import Testing

@Suite struct QuantileSketchTests {
    private static let probabilities = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1]

    private func expectQuantiles(_ values: [Float], name: String) {
        let distribution = TensorSummary.single(values).layer()
        let reference = ReferenceStatistics(values)
        for probability in Self.probabilities {
            let estimate = distribution.quantile(probability)
            let exact = reference.nearestRank(probability)
            guard let estimate, let exact else {
                #expect(estimate == nil && exact == nil, "\(name) at \(probability)")
                continue
            }
            let bound = max(abs(exact) * QuantileSketch.relativeError, QuantileSketch.absoluteErrorNearZero)
            #expect(abs(estimate - exact) <= bound, "\(name) at \(probability): \(estimate) for \(exact)")
        }
    }

    @Test func quantilesStayWithinTheStatedError() {
        for values in SampleInputs.lengths { expectQuantiles(values, name: "length \(values.count)") }
        for (name, values) in SampleInputs.special { expectQuantiles(values, name: name) }
        let spread = SampleInputs.gaussian(5000, seed: 11)
        expectQuantiles(spread.map { $0 * $0 * $0 * 1000 }, name: "six decades")
        expectQuantiles(spread.map { $0 * 1e-6 }, name: "float16's subnormals")
        expectQuantiles(spread.map { $0 < 0 ? -1 : 3 }, name: "two values")
    }

    @Test func extremesAreExactBeyondFloat16() {
        let values: [Float] = [-1e30, 2, 3, 7e8]
        let distribution = TensorSummary.single(values).layer()
        #expect(distribution.quantile(0) == Double(Float(-1e30)))
        #expect(distribution.quantile(1) == Double(Float(7e8)))
        #expect(isClose(distribution.quantile(0.5), 2, relative: QuantileSketch.relativeError))
    }

    @Test func float16AndFloat32FallIntoTheSameBins() {
        for bits in UInt16.min...UInt16.max {
            var half = QuantileSketch()
            var float = QuantileSketch()
            // Every pattern would cost 2 × 16 KB; a prime step still visits all exponents and both signs.
            guard bits % 7 == 0 || bits & 0x1F == 0 || bits & 0x7FFF > 0x7BF0 else { continue }
            half.record(half: bits)
            float.record(Float(Float16(bitPattern: bits)))
            guard Float16(bitPattern: bits).isFinite else { continue }
            #expect(half == float, "pattern \(bits)")
        }
    }

    @Test func mergingIsExactInAnyOrder() {
        var parts = (0..<5).map { part in
            var sketch = QuantileSketch()
            for value in SampleInputs.gaussian(100 + part, seed: UInt64(part)) { sketch.record(value) }
            return sketch
        }
        let forward = parts.reduce(into: QuantileSketch()) { $0.merge($1) }
        parts.reverse()
        let backward = parts.reduce(into: QuantileSketch()) { $0.merge($1) }
        #expect(forward == backward)
        #expect(forward.counts.reduce(0, +) == 510)
    }

    @Test func thresholdsOnBinEdgesAreCountedExactly() {
        let values: [Float] = [5.996, 6, 6.004, -5.996, -6, -6.004, 99.9, 100, -100, -101, 0, .nan]
        let sketched = TensorSummary.single(values).layer()
        let sorted = Distribution(moments: sketched.moments, values: values)
        for distribution in [sketched, sorted] {
            #expect(distribution.count(magnitudeAtLeast: 6) == 8)
            #expect(distribution.count(magnitudeAtLeast: 100) == 3)
            #expect(distribution.count(magnitudeAtLeast: 0) == 11)
        }
        let onTheEdge = TensorSummary.single([-6, -6, -6]).layer()
        #expect(onTheEdge.count(magnitudeAtLeast: 6) == 3)
        #expect(onTheEdge.count(above: -6) == 0 && onTheEdge.count(below: -6) == 0)
    }

    @Test func tailCountsMissAtMostTheBinOfTheThreshold() {
        let values = SampleInputs.gaussian(4000, seed: 21)
        let distribution = TensorSummary.single(values).layer()
        for threshold in [-2.3, -0.7, -0.01, 0, 0.01, 0.4, 1.77, 3.1] {
            let width = abs(threshold) * QuantileSketch.relativeError + QuantileSketch.absoluteErrorNearZero
            let slack = Double(values.count { abs(Double($0) - threshold) <= width })
            let above = Double(values.count { Double($0) > threshold })
            #expect(abs(distribution.count(above: threshold) - above) <= slack, "above \(threshold)")
            let below = Double(values.count { Double($0) < threshold })
            #expect(abs(distribution.count(below: threshold) - below) <= slack, "below \(threshold)")
        }
        #expect(distribution.count(above: 100) == 0 && distribution.count(below: 100) == 4000)
        #expect(distribution.count(above: -100) == 4000 && distribution.count(below: -100) == 0)
    }

    @Test func smallSetsAreExact() {
        for (name, values) in SampleInputs.special + SampleInputs.lengths.map({ ("\($0.count)", $0) }) {
            let moments = TensorSummary.single(values).context.moments
            let distribution = Distribution(moments: moments, values: values)
            let reference = ReferenceStatistics(values)
            for probability in Self.probabilities {
                #expect(distribution.quantile(probability) == reference.nearestRank(probability), "\(name)")
            }
            #expect(distribution.count(above: 0.25) == Double(reference.finite.count { $0 > 0.25 }), "\(name)")
            #expect(distribution.count(below: 0.3) == Double(reference.finite.count { $0 < 0.3 }), "\(name)")
        }
    }
}
