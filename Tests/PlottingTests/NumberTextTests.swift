import Plotting
import Testing

struct NumberTextTests {
    @Test(arguments: [
        (0.0, "0"), (1.0, "1"), (-1.0, "−1"), (0.032, "0.032"), (13.67, "13.7"), (2048.0, "2048"), (20480.0, "20,480"),
        (1_234_567.0, "1,234,567"), (-98765.0, "−98,765"), (3.1e-7, "3.1×10⁻⁷"), (1e-9, "10⁻⁹"), (9.99999e12, "10¹³"),
        (0.1 + 0.2, "0.3"), (.infinity, "∞"), (-.infinity, "−∞"),
    ])
    func shortNumbersReadAsPeopleWriteThem(value: Double, text: String) {
        #expect(NumberText.short(value) == text)
    }

    @Test func notANumberSaysSo() {
        #expect(NumberText.short(.nan) == "NaN")
    }

    @Test func roundingToZeroDropsTheSign() {
        #expect(NumberText.fixed(-0.0001, decimals: 2) == "0.00")
        #expect(NumberText.coordinate(-0.04) == "0")
    }

    @Test(arguments: [(1.0, "1"), (0.5, ".5"), (-0.5, "-.5"), (12.34, "12.3"), (-7.96, "-8"), (1234.56, "1234.6")])
    func coordinatesHaveOneDecimal(value: Double, text: String) {
        #expect(NumberText.coordinate(value) == text)
    }
}
