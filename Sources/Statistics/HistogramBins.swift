/// The bins of histograms that are written: the same for every tensor and capture, so that counts add up.
///
/// 8 to an octave of each sign, from −65,536 to 65,536 (the outermost hold what lies beyond, which only float32 has),
/// and 2⁻¹⁷ wide below a magnitude of 2⁻¹⁴. Each joins four bins of `QuantileSketch`, whose edges are its own.
public enum HistogramBins {
    /// Bins of a sketch that make up one.
    static let sketchBins = 4
    private static let perSign = QuantileSketch.finiteBinsPerSign / sketchBins
    /// Bins of both signs.
    public static let count = 2 * perSign

    /// Rising; bin i lies between edge i and edge i + 1. An edge belongs to the bin that is further from 0.
    public static let edges: [Double] = {
        let positive = (0...perSign).map { QuantileSketch.edge($0 * sketchBins) }
        return positive.reversed().map { -$0 }.dropLast() + positive
    }()

    /// What a count is, for those who read an archive.
    public static let definition = """
        Finite elements in each bin, of all tokens up to \(TokenSample.size), of more of a sample of \
        \(TokenSample.size) tokens (see quantile_elements). Bins are 8 to an octave of each sign and 2^-17 wide below \
        a magnitude of 2^-14, the same in every file, so that counts of captures add up.
        """
}

extension QuantileSketch {
    /// Elements in each bin of `HistogramBins`, in rising order.
    func histogram() -> [Int] {
        let width = HistogramBins.sketchBins
        func counts(_ sign: Int) -> [Int] {
            stride(from: 0, to: Self.finiteBinsPerSign, by: width).map { first in
                let places = sign * Self.binsPerSign + first
                return Int(self.counts[places..<places + width].reduce(0, +))
            }
        }
        return counts(1).reversed() + counts(0)
    }
}
