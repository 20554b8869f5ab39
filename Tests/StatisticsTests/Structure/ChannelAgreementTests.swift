import Statistics
import TensorCore
import Testing

@Suite struct ChannelAgreementTests {
    @Test func ranksOfTiesAreShared() {
        #expect(ChannelAgreement.averageRanks([]) == [])
        #expect(ChannelAgreement.averageRanks([5]) == [1])
        #expect(ChannelAgreement.averageRanks([3, 1, 3, 2, 3]) == [4, 1, 4, 2, 4])
        #expect(ChannelAgreement.averageRanks([7, 7]) == [1.5, 1.5])
        #expect(ChannelAgreement.averageRanks([.infinity, -.infinity, 0]) == [3, 1, 2])
    }

    /// Values by hand: ranks (1, 2.5, 2.5, 4) and (1, 3, 2, 4) have covariance 4.5 and variances 4.5 and 5.
    @Test func spearmanIsThePearsonCorrelationOfRanks() throws {
        let mixed = try #require(ChannelAgreement.spearman([1, 2, 2, 9], [10, 30, 20, 40]))
        #expect(abs(mixed - 4.5 / (4.5 * 5).squareRoot()) < 1e-15)
        #expect(ChannelAgreement.spearman([1, 2, 3], [10, 200, 3000]) == 1)
        #expect(ChannelAgreement.spearman([1, 2, 3], [3, 2, 1]) == -1)
    }

    /// Without ties, ρ = 1 − 6 Σd² / (n(n² − 1)).
    @Test(arguments: [2, 3, 8, 33, 128]) func withoutTiesItIsTheFormulaOfDifferences(count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        let a = (0..<count).map { _ in generator.nextGaussian() }
        let b = a.map { $0 + generator.nextGaussian() }
        let (left, right) = (ChannelAgreement.averageRanks(a), ChannelAgreement.averageRanks(b))
        let squares = zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let expected = 1 - 6 * squares / Double(count * (count * count - 1))
        #expect(abs(try #require(ChannelAgreement.spearman(a, b)) - expected) < 1e-12)
    }

    @Test func whatSaysNothingIsMissing() {
        #expect(ChannelAgreement.spearman([], []) == nil)
        #expect(ChannelAgreement.spearman([1], [2]) == nil)
        #expect(ChannelAgreement.spearman([1, 1, 1], [1, 2, 3]) == nil)
        #expect(ChannelAgreement.spearman([1, .nan, 2], [.nan, 2, 3]) == nil)
        #expect(ChannelAgreement.jaccardOfTop([], [], count: 3) == nil)
        #expect(ChannelAgreement.jaccardOfTop([1, 2], [1, 2], count: 0) == nil)
    }

    @Test func channelsWithoutAMagnitudeAreLeftOut() {
        #expect(ChannelAgreement.spearman([1, .nan, 2, 3], [10, 0, 30, 20]) == 0.5)
        #expect(ChannelAgreement.largest(2, of: [.nan, 1, 3, 2]) == [2, 3])
    }

    @Test func jaccardComparesSetsOfTheLargest() {
        #expect(ChannelAgreement.jaccardOfTop([9, 8, 1, 1], [8, 9, 1, 1], count: 2) == 1)
        #expect(ChannelAgreement.jaccardOfTop([9, 8, 1, 1], [9, 1, 8, 1], count: 2) == 1.0 / 3)
        #expect(ChannelAgreement.jaccardOfTop([9, 8, 1, 1], [1, 1, 9, 8], count: 2) == 0)
        #expect(ChannelAgreement.jaccardOfTop([1, 2], [2, 1], count: 5) == 1)
        // Equal values: the first places.
        #expect(ChannelAgreement.largest(2, of: [4, 4, 4]) == [0, 1])
    }
}
