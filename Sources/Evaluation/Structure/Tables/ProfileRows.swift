import Statistics
import TensorCore

/// Rows that a tensor's first pass gives, by table.
extension TensorProfile {
    private var place: [Table.Value] { [.integer(layer), .string(tensor.rawValue)] }

    func spectra() -> [Spectrum?] { parallelMap(grams.count) { Spectrum(gram: grams[$0], size: headDim) } }

    func rows(of spectra: [Spectrum?]) -> (components: [[Table.Value]], summaries: [[Table.Value]]) {
        var (components, summaries): ([[Table.Value]], [[Table.Value]]) = ([], [])
        for (head, spectrum) in spectra.enumerated() {
            guard let spectrum else { continue }
            let shares = spectrum.cumulativeEnergyShares
            for (index, value) in spectrum.singularValues.enumerated() {
                components.append(
                    place + [
                        .integer(head), .integer(index + 1), .number(value),
                        shares.isEmpty ? .missing : .number(shares[index]),
                    ]
                )
            }
            summaries.append(
                place + [.integer(head), Table.Value(spectrum.effectiveRank), Table.Value(spectrum.stableRank)]
                    + [0.9, 0.99].map { share in
                        spectrum.components(holding: share).map { .integer($0) } ?? .missing
                    }
            )
        }
        return (components, summaries)
    }

    var codeRows: [[Table.Value]] {
        guard let codes else { return [] }
        return CodeCounts.schemes.enumerated().map { index, scheme in
            let entropy = codes.entropy(index)
            return place + [
                .string(scheme.id), .integer(scheme.bits), Table.Value(entropy),
                Table.Value(entropy.map { $0 / Double(scheme.bits) }),
            ]
        }
    }

    var tileRows: [[Table.Value]] {
        tiles.enumerated().flatMap { head, tiles in
            tiles.sums.sorted { ($0.key[0], $0.key[1]) > ($1.key[0], $1.key[1]) }.map { size, sum in
                let (rows, columns) = (sum.rows / Double(sum.tiles), sum.columns / Double(sum.tiles))
                return place + [
                    .integer(head), .string("\(size[0])×\(size[1])"), .number(rows), .number(columns),
                    .number(rows + columns),
                ]
            }
        }
    }

    /// A row of `transform-effects`.
    func effectRow(
        _ transform: String,
        _ summary: TensorSummary,
        _ coordinates: NormalizedCoordinates?
    ) -> [Table.Value] {
        let layer = summary.context
        let maximum = layer.moments.absoluteMaximum
        let median = layer.medianChannelAbsoluteMaximum.flatMap { $0 > 0 ? $0 : nil }
        let outliers = median.map { median in layer.channelAbsoluteMaxima.count { ($0 ?? 0) > 5 * median } }
        return place + [
            .string(transform), Table.Value(layer.moments.excessKurtosis), Table.Value(maximum),
            Table.Value(median.flatMap { median in maximum.map { $0 / median } }),
            outliers.map { .integer($0) } ?? .missing, Table.Value(coordinates?.coordinates.distance),
            Table.Value(coordinates?.coordinates.tailMass),
        ]
    }

    /// Rows of `distribution-quantiles`.
    func quantileRows(_ summary: TensorSummary) -> [[Table.Value]] {
        let distribution = summary.layer()
        let isEmpty = distribution.moments.count == 0
        return Self.probabilities.map { probability in
            place + [
                .number(probability), Table.Value(distribution.quantile(probability)),
                .number(StandardNormal.quantile(probability)),
                isEmpty ? .missing : .number(distribution.moments.mean),
                Table.Value(distribution.moments.standardDeviation),
            ]
        }
    }

    /// Multiples of 1/40, 2^−k and 1 − 2^−k.
    static let probabilities: [Double] = {
        let even = (1..<40).map { Double($0) / 40 }
        let powers = (1...14).map { 1 / Double(1 << $0) }
        return Set(even + powers + powers.map { 1 - $0 }).sorted()
    }()
}
