import CKernels
import Kernels
import TensorCore
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct VectorMathTests {
    @Test(arguments: Implementation.all)
    func dotStaysWithinItsRoundingBound(_ implementation: Implementation) {
        for count in lengths {
            let x = SampleKind.gaussian.values(count, seed: 1), y = SampleKind.outlier.values(count, seed: 2)
            let terms = zip(x, y).map { Double($0) * Double($1) }
            let bound = (Double(count) / 32 + 8) * unit * terms.reduce(0) { $0 + abs($1) }
            let got = implementation.kernels.pointee.dot(x, y, count)
            #expect(abs(Double(got) - terms.reduce(0, +)) <= bound, "\(count)")
        }
    }

    @Test(arguments: Implementation.all)
    func elementwiseOperationsEqualTheReference(_ implementation: Implementation) {
        for count in lengths {
            for kind in SampleKind.allCases {
                let x = kind.values(count, seed: 4), start = SampleKind.gaussian.values(count + 8, seed: 5)
                var pairs: [(fast: [Float], reference: [Float])] = (0..<5).map { _ in (start, start) }
                let fast = implementation.kernels.pointee, reference = Implementation.reference.pointee
                fast.add(x, &pairs[0].fast, count)
                reference.add(x, &pairs[0].reference, count)
                fast.scaled_accumulate(0.3, x, &pairs[1].fast, count)
                reference.scaled_accumulate(0.3, x, &pairs[1].reference, count)
                fast.scale(-1.7, &pairs[2].fast, count)
                reference.scale(-1.7, &pairs[2].reference, count)
                let cosines = start.map { cos($0) }, sines = start.map { sin($0) }
                fast.rotate_halves(&pairs[3].fast, cosines, sines, count / 2)
                reference.rotate_halves(&pairs[3].reference, cosines, sines, count / 2)
                fast.rotate_adjacent(&pairs[4].fast, cosines, sines, count / 2)
                reference.rotate_adjacent(&pairs[4].reference, cosines, sines, count / 2)
                for (place, pair) in pairs.enumerated() {
                    #expect(identical(pair.fast, pair.reference), "operation \(place), \(kind), \(count)")
                    #expect(pair.fast[count...].elementsEqual(start[count...]))
                }
            }
        }
    }

    @Test(arguments: Implementation.all)
    func maximumPassesOverNaNAndIsMinusInfinityForNone(_ implementation: Implementation) {
        for count in lengths {
            for kind in SampleKind.allCases {
                let x = kind.values(count, seed: 6)
                let expected = x.filter { !$0.isNaN }.max() ?? -.infinity
                #expect(implementation.kernels.pointee.maximum(x, count) == expected, "\(kind), \(count)")
            }
        }
    }

    @Test(arguments: Implementation.all)
    func absoluteMaximumPassesOverNaNAndIsZeroForNone(_ implementation: Implementation) {
        for count in lengths {
            for kind in SampleKind.allCases {
                let x = kind.values(count, seed: 14)
                let expected = x.filter { !$0.isNaN }.map { abs($0) }.max() ?? 0
                #expect(implementation.kernels.pointee.absolute_maximum(x, count) == expected, "\(kind), \(count)")
            }
        }
        #expect(VectorMath.absoluteMaximum([1, -3, 2], count: 3) == 3)
    }

    @Test(arguments: Implementation.all)
    func exponentialIsWithinTwoUnitsInTheLastPlace(_ implementation: Implementation) {
        let x = stride(from: Float(-86.875), through: 88.71875, by: 0x1p-8).map { $0 }
        var y = x
        _ = implementation.kernels.pointee.exponential_sum(&y, y.count, 0)
        var worst = 0.0
        for (x, y) in zip(x, y) { worst = max(worst, abs(Double(y) / exp(Double(x)) - 1)) }
        #expect(worst <= 0x1p-22)
    }

    @Test(arguments: Implementation.all)
    func sumOfExponentialsStaysWithinItsRoundingBound(_ implementation: Implementation) {
        for count in lengths {
            let x = SampleKind.gaussian.values(count, seed: 7), expected = x.reduce(0) { $0 + exp(Double($1) - 3) }
            var y = x
            let sum = implementation.kernels.pointee.exponential_sum(&y, count, 3)
            // One rounding of x − shift, of size up to 8; 2⁻²² of each term; additions in 16 lanes.
            let bound = 8 * unit + 0x1p-22 + (Double(count) / 16 + 8) * unit
            #expect(abs(Double(sum) - expected) <= expected * bound, "\(count)")
        }
    }

    @Test(arguments: Implementation.all)
    func exponentialOfExtremesIsZeroInfinityOrNaN(_ implementation: Implementation) {
        var x: [Float] = [-.infinity, -1e30, -87, 89, 1e30, .infinity, .nan, 0, -0.0]
        _ = implementation.kernels.pointee.exponential_sum(&x, x.count, 0)
        #expect(x[0...2].allSatisfy { $0 == 0 } && x[3...5].allSatisfy { $0 == .infinity } && x[6].isNaN)
        #expect(x[7] == 1 && x[8] == 1)
    }

    @Test(arguments: Implementation.all)
    func sumOfExponentialsCountsEachElementOnce(_ implementation: Implementation) {
        for count in lengths {
            var x = [Float](repeating: 3, count: count + 8)
            #expect(implementation.kernels.pointee.exponential_sum(&x, count, 3) == Float(count))
            #expect(x[..<count].allSatisfy { $0 == 1 } && x[count...].allSatisfy { $0 == 3 })
        }
    }

    @Test func softmaxSumsToOneAndIgnoresMaskedElements() {
        for count in 1...33 {
            var x = SampleKind.outlier.values(count, seed: 8).map { $0 / 100 }
            if count > 2 { x[1] = -.infinity }
            let largest = x.max() ?? 0
            let weights = x.map { exp(Double($0 - largest)) }, total = weights.reduce(0, +)
            VectorMath.softmax(&x, count: count)
            for (got, weight) in zip(x, weights) {
                #expect(abs(Double(got) - weight / total) <= weight / total * 0x1p-21 + 1e-37, "\(count)")
            }
        }
    }

    @Test func softmaxOfNothingVisibleIsZeroAndNaNIsNotHidden() {
        var masked: [Float] = [-.infinity, -.infinity, -.infinity]
        VectorMath.softmax(&masked, count: 3)
        #expect(masked == [0, 0, 0])
        var poisoned: [Float] = [1, .nan, 2]
        VectorMath.softmax(&poisoned, count: 3)
        #expect(poisoned[1].isNaN)
        var empty: [Float] = []
        VectorMath.softmax(&empty, count: 0)
    }

    @Test(arguments: Implementation.all)
    func rmsNormEqualsItsDefinition(_ implementation: Implementation) {
        for count in 1...70 {
            for kind in [SampleKind.gaussian, .outlier, .constant, .subnormal] {
                let x = kind.values(count, seed: 9), weight = SampleKind.gaussian.values(count, seed: 10)
                var y = [Float](repeating: 0, count: count)
                implementation.kernels.pointee.rms_norm(x, weight, 1e-5, &y, count)
                let squares = x.reduce(0) { $0 + Double($1) * Double($1) }
                let factor = 1 / (squares / Double(count) + Double(Float(1e-5))).squareRoot()
                for i in 0..<count {
                    let expected = Double(x[i]) * factor * Double(weight[i])
                    #expect(abs(Double(y[i]) - expected) <= abs(expected) * (Double(count) / 32 + 12) * unit)
                }
            }
        }
    }

    @Test(arguments: Implementation.all)
    func siluEqualsItsDefinition(_ implementation: Implementation) {
        let gate = stride(from: Float(-90), through: 90, by: 0.37).map { $0 }
        let up = SampleKind.gaussian.values(gate.count, seed: 11)
        var y = [Float](repeating: 0, count: gate.count)
        implementation.kernels.pointee.silu_multiply(gate, up, &y, gate.count)
        for i in gate.indices {
            let expected = Double(gate[i]) / (1 + exp(-Double(gate[i]))) * Double(up[i])
            // Beyond −86.9 the exponential itself leaves float32's normal range.
            #expect(abs(Double(y[i]) - expected) <= abs(expected) * 0x1p-21 + 1e-35, "\(gate[i])")
        }
        var poisoned: [Float] = [.nan]
        implementation.kernels.pointee.silu_multiply(poisoned, [1], &poisoned, 1)
        #expect(poisoned[0].isNaN)
    }

    @Test func rotationIsAccurateAtLargePositions() {
        let channels = 64, position = 8191
        let table = RotaryTable(positions: position..<position + 2, channels: channels, base: 100_000)
        var x = SampleKind.gaussian.values(2 * 3 * channels, seed: 12)
        let original = x
        table.rotate(&x, tokens: 2, heads: 3, headStride: channels, tokenStride: 3 * channels)
        for token in 0..<2 {
            for head in 0..<3 {
                for pair in 0..<channels / 2 {
                    let angle = Double(position + token) * pow(100_000, -2 * Double(pair) / Double(channels))
                    let place = (token * 3 + head) * channels + pair
                    let a = Double(original[place]), b = Double(original[place + channels / 2])
                    let bound = 3 * unit * (abs(a) + abs(b))
                    #expect(abs(Double(x[place]) - (a * cos(angle) - b * sin(angle))) <= bound)
                    #expect(abs(Double(x[place + channels / 2]) - (b * cos(angle) + a * sin(angle))) <= bound)
                }
            }
        }
    }

    @Test func adjacentPairsTurnAsHalvesDoAfterReordering() {
        let channels = 22, pairs = channels / 2
        let table = RotaryTable(positions: 5..<8, channels: channels, base: 10_000)
        let halves = SampleKind.gaussian.values(3 * channels, seed: 15)
        var adjacent = (0..<3 * channels).map { place in
            halves[place / channels * channels + place % channels / 2 + place % 2 * pairs]
        }
        var turned = halves
        table.rotate(&turned, tokens: 3, heads: 1, headStride: channels, tokenStride: channels)
        table.rotate(
            &adjacent,
            tokens: 3,
            heads: 1,
            headStride: channels,
            tokenStride: channels,
            pairing: .adjacent
        )
        for place in 0..<3 * channels {
            #expect(
                adjacent[place] == turned[place / channels * channels + place % channels / 2 + place % 2 * pairs]
            )
        }
    }

    @Test func rotationAtPositionZeroChangesNothingAndDivisorsSlowIt() {
        var x = SampleKind.gaussian.values(8, seed: 13)
        let original = x
        RotaryTable(positions: 0..<1, channels: 8, base: 10_000)
            .rotate(&x, tokens: 1, heads: 1, headStride: 8, tokenStride: 8)
        #expect(x == original)
        var slow = original, fast = original
        RotaryTable(positions: 8..<9, channels: 8, base: 10_000, frequencyDivisors: [8, 8, 8, 8])
            .rotate(&slow, tokens: 1, heads: 1, headStride: 8, tokenStride: 8)
        RotaryTable(positions: 0..<2, channels: 8, base: 10_000)
            .rotate(&fast, tokens: 1, firstToken: 1, heads: 1, headStride: 8, tokenStride: 8)
        #expect(slow == fast)
    }
}
