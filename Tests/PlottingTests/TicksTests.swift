import Plotting
import Testing

struct TicksTests {
    @Test func ticksAreNiceNumbers() {
        #expect(Ticks.linear(0...1, count: 6).map { $0.label } == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(Ticks.linear(-3...42, count: 6).map { $0.value } == [0, 10, 20, 30, 40])
        #expect(Ticks.linear(0...2047, count: 5).map { $0.label } == ["0", "500", "1000", "1500", "2000"])
    }

    @Test func integerAxesHaveNoFractions() {
        #expect(Ticks.linear(0...3, count: 12, integersOnly: true).map { $0.label } == ["0", "1", "2", "3"])
    }

    @Test(arguments: [1e-12, 1e-3, 0.7, 1, 33, 1e9])
    func ticksStayInsideAndWithinTheCount(span: Double) {
        for start in [-span, 0, 0.3 * span, 1000 * span] {
            for count in 2...12 {
                let range = start...(start + span)
                let ticks = Ticks.linear(range, count: count)
                #expect(ticks.count <= count)
                #expect(ticks.allSatisfy { $0.value >= start - span * 1e-6 && $0.value <= start + span * 1.000001 })
                #expect(Set(ticks.map { $0.value }).count == ticks.count)
            }
        }
    }

    @Test func anEmptyRangeHasOneTick() {
        #expect(Ticks.linear(5...5, count: 4).map { $0.label } == ["5"])
    }

    @Test func logarithmicTicksArePowersOfTen() {
        #expect(
            Ticks.logarithmic(0.001...1000, count: 8).map { $0.label } == [
                "0.001", "0.01", "0.1", "1", "10", "100", "1000",
            ]
        )
    }

    @Test func oneDecadeHasTicksBetween() {
        #expect(Ticks.logarithmic(1...10, count: 5).map { $0.value } == [1, 2, 3, 5, 10])
    }

    @Test func manyDecadesAreThinnedOut() {
        let ticks = Ticks.logarithmic(1e-30...1e30, count: 8)
        #expect(ticks.count <= 8 && ticks.count > 2)
    }

    @Test func aSliverOfADecadeStillHasTicks() {
        #expect(Ticks.logarithmic(3.1...3.4, count: 5).count >= 2)
    }
}
