import Kernels
import Quantization
import TensorCore

/// Published schemes ready to encode, with what they must have learnt.
enum PublishedSamples {
    static let heads = 2, tokens = 160, channels = 64

    /// Sides of published schemes, each distinct one once.
    static let sides: [(id: String, side: CacheSide)] = {
        var seen: Set<String> = [], result: [(String, CacheSide)] = []
        for description in SchemeCatalogue.all where description.kind == .cache {
            guard let scheme = try? CacheScheme(parsing: description.id) else { continue }
            for side in CacheSide.allCases {
                let own = scheme.scheme(for: side)
                guard own is PipelineScheme, seen.insert("\(side) \(own.id)").inserted else { continue }
                result.append((own.id, side))
            }
        }
        return result
    }()

    static func gaussian(_ heads: Int, _ tokens: Int, seed: UInt64) -> FloatBlock {
        FloatBlock(TestBlocks.gaussian(heads: heads, tokens: tokens, channels: channels, seed: seed))
    }

    /// The scheme with a calibration on other Gaussian numbers, and saliency for `tokens`.
    static func prepared(_ id: String, _ side: CacheSide, tokens: Int) throws -> PipelineScheme {
        guard let scheme = try SchemeCatalogue.scheme(id) as? PipelineScheme else {
            throw SchemeError.unknownScheme(name: id, term: id, offset: 0, nearest: nil)
        }
        var calibration: CalibrationArrays = [:]
        if scheme.calibration == .required {
            let keys = gaussian(heads, 512, seed: 91), values = gaussian(heads, 512, seed: 92)
            let sample = CalibrationSample(
                side: side,
                keys: keys,
                values: values,
                queries: gaussian(2 * heads, 512, seed: 93),
                previous: gaussian(heads, 512, seed: 94),
                layer: 3
            )
            calibration = try scheme.calibrate(side == .key ? keys : values, sample)
        }
        let saliency = FloatBlock(
            heads: heads,
            tokens: tokens,
            channels: 1,
            elements: (0..<heads * tokens).map { Float($0 * 7 % 11) }
        )
        return try scheme.prepared(
            for: SchemeContext(
                layer: 3,
                side: side,
                calibration: calibration,
                previous: gaussian(heads, tokens, seed: 95),
                saliency: saliency
            )
        )
    }
}
