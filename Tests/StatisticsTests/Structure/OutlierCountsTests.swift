import Statistics
import TensorCore
import Testing

@Suite struct OutlierCountsTests {
    private static let (tokens, heads, headDim) = (500, 2, 16)

    /// Gaussian elements, of which channel 5 of head 1 is a thousand times as large, and the first element of all huge.
    private static func planted(factor: Float = 1000) -> [Float] {
        var generator = SeededGenerator(seed: 11)
        return (0..<tokens * heads * headDim).map { index in
            let value = Float(generator.nextGaussian())
            return index % (heads * headDim) == headDim + 5 ? value * factor : value
        }
    }

    private func extents(_ values: [Float]) -> TensorExtents {
        var accumulator = TensorAccumulator(heads: Self.heads, headDim: Self.headDim)
        values.withUnsafeBufferPointer { accumulator.append(float: $0) }
        return TensorExtents(accumulator.finish())
    }

    private func findings(_ values: [Float]) -> [OutlierDefinition: OutlierCounts.Finding] {
        let extents = extents(values)
        var counts = OutlierCounts(extents, int8Channels: OutlierDefinition.int8Channels(of: [extents]))
        let width = Self.heads * Self.headDim
        values.withUnsafeBufferPointer {
            guard let base = $0.baseAddress else { return }
            // In two parts, as slabs come.
            counts.add(base, tokens: 123)
            counts.add(base + 123 * width, tokens: $0.count / width - 123)
        }
        return Dictionary(uniqueKeysWithValues: counts.findings().map { ($0.definition, $0) })
    }

    @Test func aPlantedChannelIsFoundByEachDefinitionThatCanFindIt() throws {
        let found = findings(Self.planted())
        for definition in OutlierDefinition.all where definition != .percentileOfChannel {
            let finding = try #require(found[definition])
            let first = try #require(finding.channels.first, "\(definition.id)")
            #expect(first.head == 1 && first.channel == 5, "\(definition.id)")
            #expect(first.multiple >= 1)
            if ![.topNorm, .topMean].contains(definition) { #expect(finding.channels.count == 1, "\(definition.id)") }
        }
        // Of its own quantiles every channel is 1 % outside, and none stands out.
        let own = try #require(found[.percentileOfChannel])
        #expect(own.channels.isEmpty)
        #expect(abs(try #require(own.elementShare) - 0.01) < 0.006)
        #expect(try #require(found[.topNorm]).channels.count == 16)
        #expect(try #require(found[.topMean]).channels.count == 4)
    }

    /// Each element and token counted again by the rule as it is written.
    @Test func sharesAreThoseOfTheRule() throws {
        let values = Self.planted(factor: 40)
        let found = findings(values)
        let width = Self.heads * Self.headDim
        let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        let squares = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        let deviation = (squares / Double(values.count)).squareRoot()
        let maxima = (0..<width).map { channel in
            (0..<Self.tokens).map { Double(abs(values[$0 * width + channel])) }.max() ?? 0
        }
        let sorted = maxima.sorted()
        let median = (sorted[width / 2 - 1] + sorted[width / 2]) / 2
        let rules: [(OutlierDefinition, (Double) -> Bool)] =
            [3, 6].map { k in (.sigma(k), { abs($0 - mean) > Double(k) * deviation }) }
            + [3, 5, 10, 20].map { k in (.median(k), { abs($0) > Double(k) * median }) }
        for (definition, isOutlier) in rules {
            let finding = try #require(found[definition])
            let outliers = values.indices.filter { isOutlier(Double(values[$0])) }
            let channels = Set(outliers.map { $0 % width })
            #expect(finding.elementShare == Double(outliers.count) / Double(values.count), "\(definition.id)")
            #expect(finding.tokenShare == Double(Set(outliers.map { $0 / width }).count) / Double(Self.tokens))
            #expect(finding.channelShare == Double(channels.count) / Double(width))
            #expect(Set(finding.channels.map { $0.head * Self.headDim + $0.channel }) == channels)
        }
        // Of 32 elements, interpolated quantiles at 0.5 % and 99.5 % leave out the smallest and the largest.
        #expect(try #require(found[.percentileOfToken]).elementShare == 2.0 / 32)
    }

    @Test func int8LooksAtAllLayers() {
        let plain = extents(Self.planted(factor: 1)), outlying = extents(Self.planted(factor: 40))
        let place = Self.headDim + 5
        #expect(OutlierDefinition.int8Channels(of: [outlying, plain, plain, plain]) == [place])
        #expect(OutlierDefinition.int8Channels(of: [outlying, plain, plain, plain, plain]) == [])
        #expect(OutlierDefinition.int8Channels(of: []) == [])
    }

    @Test func constantEmptyAndNaNGiveNoOutliers() throws {
        let constant = findings([Float](repeating: 2, count: 200 * Self.heads * Self.headDim))
        #expect(try #require(constant[.sigma(3)]).threshold == nil)
        #expect(try #require(constant[.sigma(3)]).elementShare == nil)
        #expect(try #require(constant[.median(3)]).elementShare == 0)
        let nothing = findings([Float](repeating: .nan, count: 200 * Self.heads * Self.headDim))
        for finding in nothing.values {
            #expect(finding.elementShare == nil && finding.tokenShare == nil && finding.channels.isEmpty)
        }
        var values = Self.planted(factor: 40)
        let before = try #require(findings(values)[.median(10)])
        values[7 * Self.heads * Self.headDim] = .infinity
        values[9 * Self.heads * Self.headDim + 1] = -.infinity
        let after = try #require(findings(values)[.median(10)])
        #expect(after.channels.map { $0.channel } == before.channels.map { $0.channel })
        #expect(after.tokenShare == before.tokenShare)
    }

    @Test func rulesAndIdsAreDistinct() {
        #expect(Set(OutlierDefinition.all.map { $0.id }).count == OutlierDefinition.all.count)
        #expect(Set(OutlierDefinition.all.map { $0.rule }).count == OutlierDefinition.all.count)
    }
}
