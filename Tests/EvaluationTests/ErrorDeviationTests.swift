import Evaluation
import Testing

@Suite struct ErrorDeviationTests {
    private func deviation(_ reference: [Float], _ approximation: [Float]) -> Deviation {
        var deviation = Deviation()
        reference.withUnsafeBufferPointer { reference in
            approximation.withUnsafeBufferPointer { approximation in
                guard let x = reference.baseAddress, let y = approximation.baseAddress else { return }
                deviation.compare(reference: x, approximation: y, count: reference.count)
            }
        }
        return deviation
    }

    @Test func everyLengthIsSummedWhole() {
        for length in Array(1...33) + [511, 512, 513, 1100] {
            let reference = (0..<length).map { Float($0 % 7) - 3 }
            let approximation = reference.enumerated().map { $1 + ($0.isMultiple(of: 2) ? 0.5 : -0.25) }
            let sums = deviation(reference, approximation)
            // Sevenths and thirds aside, every term and sum is exact in float32.
            let errors = zip(reference, approximation).map { Double($1) - Double($0) }
            #expect(sums.elements == length)
            #expect(sums.zeroReferences == reference.filter { $0 == 0 }.count)
            #expect(sums.squaredError == errors.reduce(0) { $0 + $1 * $1 })
            #expect(sums.squaredReference == reference.reduce(0) { $0 + Double($1) * Double($1) })
            let relative = zip(errors, reference).filter { $1 != 0 }.reduce(0) { $0 + abs($1.0) / Double(abs($1.1)) }
            // Each of up to 512 terms is rounded once, and so is each of its up to 64 sums in a lane.
            #expect(abs(sums.relativeSum - relative) <= 66 * 0x1p-24 * relative)
        }
    }

    @Test func equalValuesAreExact() {
        for length in 1...33 {
            let values = (0..<length).map { Float($0) * 0.37 - 4 }
            #expect(deviation(values, values).isExact)
        }
    }

    @Test func nothingIsNothing() {
        let sums = deviation([], [])
        #expect(sums == Deviation())
        for metric in MetricCatalogue.metrics { #expect(metric.value(sums) == nil) }
    }

    @Test func aReferenceThatIsNotFiniteIsLeftOutAndCounted() {
        for lost in [Float.nan, .infinity, -.infinity] {
            for place in [0, 3, 8, 10] {
                var reference = [Float](repeating: 2, count: 11)
                reference[place] = lost
                let sums = deviation(reference, [Float](repeating: 3, count: 11))
                #expect(sums.elements == 10 && sums.nonfiniteReferences == 1)
                #expect(sums.squaredError == 10 && sums.relativeSum == 5)
            }
        }
    }

    @Test func anApproximationThatIsNotFiniteIsNotHidden() {
        let sums = deviation([1, 2, 3], [1, .nan, 3])
        #expect(sums.squaredError.isNaN && sums.relativeSum.isNaN && !sums.isExact)
    }

    @Test func metricsAreTheirDefinitions() {
        let sums = deviation([1, -2, 0, 4], [1.5, -2, 1, 3])
        #expect(MeanAbsoluteRelativeError.value(sums) == 0.25)
        #expect(MeanSquaredError.value(sums) == 0.5625)
        let norm: Double = 2.25 / 21
        #expect(RelativeFrobenius.value(sums) == norm.squareRoot())
        let decibel = SignalToNoise.value(deviation([10, 0], [10, 1]))
        #expect(decibel == 20)
        #expect(SignalToNoise.value(deviation([1], [1])) == .infinity)
    }

    @Test func aZeroReferenceHasNoRelativeErrorButANorm() {
        let sums = deviation([0, 0], [1, 1])
        #expect(MeanAbsoluteRelativeError.value(sums) == nil)
        #expect(RelativeFrobenius.value(sums) == .infinity)
        #expect(RelativeFrobenius.value(deviation([0, 0], [0, 0])) == 0)
    }

    @Test func referencesUpToTheFloorHaveNoRelativeError() {
        var sums = Deviation()
        let reference: [Float] = [0x1p-25, 0x1.000002p-25, 0.5, 0]
        let approximation: [Float] = [1, 0x1.000002p-24, 0.75, 0]
        sums.compare(reference: reference, approximation: approximation, count: 4, floor: 0x1p-25)
        #expect(sums.elements == 4 && sums.zeroReferences == 2)
        #expect(sums.relativeSum == 1.5)
    }
}
