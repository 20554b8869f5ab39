import Kernels
import Statistics
import Testing

@Suite struct CentralMomentsTests {
    /// Float64 over at most a few hundred values loses at most n ulp in each sum; 1e-12 leaves two digits for n ≤ 700.
    private let tolerance = 1e-12

    @Test func everyLengthAgreesWithTheDefinition() {
        for values in SampleInputs.lengths { expectDefinition(values, name: "length \(values.count)") }
    }

    @Test func specialInputsAgreeWithTheDefinition() {
        for (name, values) in SampleInputs.special { expectDefinition(values, name: "\(name)") }
    }

    private func expectDefinition(_ values: [Float], name: Comment) {
        let reference = ReferenceStatistics(values)
        for (moments, tolerance) in [
            (CentralMoments.plain(values), tolerance),
            (TensorSummary.single(values).context.moments, promisedError),
        ] {
            #expect(moments.count == reference.finite.count, name)
            #expect(moments.nanCount == reference.nanCount, name)
            #expect(moments.infinityCount == reference.infinityCount, name)
            guard !reference.finite.isEmpty else {
                #expect(moments.absoluteMaximum == nil && moments.meanAbsolute == nil && moments.variance == nil, name)
                #expect(moments.standardDeviation == nil && moments.excessKurtosis == nil, name)
                continue
            }
            #expect(moments.minimum == reference.finite.min(), name)
            #expect(moments.maximum == reference.finite.max(), name)
            #expect(moments.absoluteMaximum == reference.finite.map { abs($0) }.max(), name)
            #expect(isClose(moments.meanAbsolute, reference.meanAbsolute, relative: tolerance), name)
            // The mean may cancel to near 0, so its error is measured against the magnitudes that made it.
            #expect(isClose(moments.mean, reference.mean, relative: tolerance, floor: reference.meanAbsolute), name)
            let second = reference.centralSum(2)
            #expect(isClose(moments.centralSums.second, second, relative: tolerance), name)
            #expect(isClose(moments.centralSums.fourth, reference.centralSum(4), relative: tolerance), name)
            // Odd sums cancel; the scale of their terms is Σ|x − mean|³ ≤ M2^1.5.
            #expect(
                isClose(
                    moments.centralSums.third,
                    reference.centralSum(3),
                    relative: tolerance,
                    floor: second * second.squareRoot()
                ),
                name
            )
        }
    }

    @Test func constantInputHasVarianceZeroAndNoKurtosis() {
        // 0.3 is no short binary fraction, and 700 values are three blocks.
        let moments = TensorSummary.single([Float](repeating: 0.3, count: 700)).context.moments
        #expect(moments.variance == 0)
        #expect(moments.mean == Double(Float(0.3)))
        #expect(moments.excessKurtosis == nil)
    }

    @Test func mergingEmptySetsChangesNothingButCounts() {
        let set = TensorSummary.single([1, 2, 4]).context.moments
        let nothing = TensorSummary.single([.nan, .infinity]).context.moments
        var left = set
        left.merge(nothing)
        var right = nothing
        right.merge(set)
        #expect(left == right)
        #expect(left.mean == set.mean && left.centralSums == set.centralSums)
        #expect(left.nanCount == 1 && left.infinityCount == 1 && left.nonfiniteCount == 2)
    }

    @Test func everyCutMergesToTheWhole() {
        let values = SampleInputs.gaussian(33, seed: 9).map { $0 * $0 + 7 }
        let whole = CentralMoments.plain(values)
        for cut in 0...values.count {
            var merged = CentralMoments.plain(Array(values[..<cut]))
            merged.merge(CentralMoments.plain(Array(values[cut...])))
            #expect(merged.count == whole.count && merged.minimum == whole.minimum)
            #expect(isClose(merged.mean, whole.mean, relative: tolerance))
            #expect(isClose(merged.variance, whole.variance, relative: tolerance))
            #expect(isClose(merged.centralSums.third, whole.centralSums.third, relative: tolerance))
            #expect(isClose(merged.excessKurtosis, whole.excessKurtosis, relative: tolerance, floor: 1))
        }
    }

    @Test func aDistantMeanDoesNotEatTheVariance() {
        // A naive Σx² − n·mean² would leave nothing of a spread of 1e-7 of the mean.
        let values: [Float] = (0..<1000).map { $0.isMultiple(of: 2) ? 10_000_000 : 10_000_001 }
        let moments = TensorSummary.single(values).context.moments
        #expect(moments.variance == 0.25)
        #expect(isClose(moments.excessKurtosis, -2, relative: tolerance))
    }
}
