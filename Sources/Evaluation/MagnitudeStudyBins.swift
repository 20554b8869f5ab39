import Capture
import Kernels

/// The largest magnitude of each channel of a tensor within bins of neighbouring tokens.
struct BinMaxima: Sendable {
    /// Tokens of each bin; together all tokens of the capture.
    let bins: [Range<Int>]
    let headDim: Int
    private let width: Int
    /// [bin][head · channel]; −1 where there is no finite element.
    private var maxima: [Float]

    /// - Throws: `CaptureError` from reading.
    init(_ capture: CaptureFile, layer: Int, tensor: MagnitudeTensor, maximumBins: Int) throws {
        let tokens = capture.tokenCount
        let count = min(tokens, maximumBins)
        bins = (0..<count).map { $0 * tokens / count..<($0 + 1) * tokens / count }
        headDim = capture.metadata.headDim
        width = capture.headCount(tensor.source) * headDim
        maxima = [Float](repeating: -1, count: count * width)
        guard width > 0 else { return }
        let slab = max(1, (1 << 18) / width)
        var bin = 0
        for first in stride(from: 0, to: tokens, by: slab) {
            let range = first..<min(tokens, first + slab)
            var values = try capture.readFloat(tensor.source, layer: layer, tokens: range)
            if tensor.isRotated {
                values.withUnsafeMutableBufferPointer {
                    guard let base = $0.baseAddress else { return }
                    Hadamard.transform(base, rows: $0.count / headDim, length: headDim)
                }
            }
            for token in range {
                while token >= bins[bin].upperBound { bin += 1 }
                raise(bin, by: values[(token - first) * width..<(token - first + 1) * width])
            }
        }
    }

    private mutating func raise(_ bin: Int, by values: ArraySlice<Float>) {
        for (place, value) in zip(bin * width..<(bin + 1) * width, values) {
            let magnitude = value.magnitude
            if magnitude > maxima[place], magnitude.isFinite { maxima[place] = magnitude }
        }
    }

    subscript(bin: Int, head: Int, channel: Int) -> Float { maxima[bin * width + head * headDim + channel] }

    /// The largest channel maximum over that of the median channel of all heads; 0 where there is no median.
    var ratioOfLargest: Double {
        let channels = (0..<width).map { channel in
            stride(from: channel, to: maxima.count, by: max(1, width)).reduce(-1) { max($0, maxima[$1]) }
        }.sorted()
        guard let largest = channels.last, channels[channels.count / 2] > 0 else { return 0 }
        return Double(largest) / Double(channels[channels.count / 2])
    }

    /// The head of the channel with the largest magnitude, the first of several; `nil` without finite elements.
    ///
    /// The median channel of the layer divides all channels alike, so this is the head of largest ratio to it too.
    var headOfLargest: Int? {
        guard let largest = maxima.max(), largest >= 0, headDim > 0 else { return nil }
        return maxima.enumerated().filter { $0.element == largest }.map { $0.offset % width / headDim }.min()
    }
}
