import TensorCore
import Testing

@Suite struct NearestNameTests {
    @Test(arguments: [("kiv-2", "kivi-2"), ("chanel", "channel"), ("vlaue", "value"), ("Value", "value")])
    func findsTheTypo(typed: String, meant: String) {
        #expect(nearestName(to: typed, in: ["key", "value", "channel", "kivi-2", "token"]) == meant)
    }

    @Test func saysNothingWhenNothingIsNear() {
        #expect(nearestName(to: "banana", in: ["key", "value"]) == nil)
        #expect(nearestName(to: "", in: ["key"]) == nil)
        #expect(nearestName(to: "key", in: []) == nil)
    }
}
