import Capture
import Foundation
import Inference
import Kernels
import TensorCore
import Testing

@Suite struct RoundTripTests {
    @Test func elementsComeBackAsRoundedOnce() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/capture.h5"
            let synthetic = SyntheticCapture(
                sequenceLengths: [700, 33],
                tensors: Set(CapturedTensor.allCases),
                outliers: [.init(.key, head: 1, channel: 7, factor: 80)]
            )
            try synthetic.write(to: path)
            let capture = try CaptureFile(path: path)
            #expect(capture.isComplete)
            #expect(capture.tokenCount == 733)
            #expect(capture.tensorsPresent == CapturedTensor.allCases)
            for layer in 0..<2 {
                for tensor in CapturedTensor.allCases {
                    let expected = HalfConversion.toHalf(synthetic.values(tensor, layer: layer))
                    #expect(try capture.readHalf(tensor, layer: layer, tokens: 0..<733) == expected)
                    let row = capture.headCount(tensor) * 32
                    let part = HalfConversion.toFloat(Array(expected[511 * row..<701 * row]))
                    #expect(try capture.readFloat(tensor, layer: layer, tokens: 511..<701) == part)
                }
            }
        }
    }
}
