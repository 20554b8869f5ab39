/// Keys as signs of random projections and norms, outlier channels of each group of tokens by themselves.
///
/// `m` projections of the other channels, `m_o` of the outliers: in each group of 32 tokens the `o` channels of largest
/// ℓ2 norm. Source: Zandieh et al., QJL, 2024, as in its released code (schemes.md §1.19).
struct SignSketchCoder: BlockCoder {
    static let name = "qjl"
    static let grammar = "qjl-M[-outliersO-MO]"
    static let summary = "signs of random projections and norms; the largest channels of 32 tokens by themselves"

    private static let groupTokens = 32
    private let count: Int
    private let outliers: Int
    private let outlierCount: Int

    init(_ term: inout StageTerm) throws {
        count = try StageTerm.checked(term.requiredInteger("projections such as 256"), "projections", in: 1...4096)
        if let outliers = term.integer(after: "outliers") {
            self.outliers = try StageTerm.checked(outliers, "outliers", in: 1...64)
            outlierCount = try StageTerm.checked(
                term.requiredInteger("projections of outliers"),
                "projections of outliers",
                in: 1...4096
            )
        } else {
            (outliers, outlierCount) = (0, 0)
        }
    }

    var term: String { "\(Self.name)-\(count)" + (outliers > 0 ? "-outliers\(outliers)-\(outlierCount)" : "") }
    /// Projections for each of 128 channels, the papers' head.
    var bits: Double { Double(count + outlierCount) / 128 }
    var scaleSharing: ScaleSharing? { nil }
    var groupSize: GroupSize? { nil }

    private func outliers(_ shape: BlockShape) -> Int { min(outliers, max(0, shape.channels - 1)) }
    private func groups(_ shape: BlockShape) -> Int {
        (shape.tokens + Self.groupTokens - 1) / Self.groupTokens
    }
    private func group(_ vector: Int, _ shape: BlockShape) -> Int {
        vector / shape.tokens * groups(shape) + vector % shape.tokens / Self.groupTokens
    }

    /// Channels of each group of tokens, `[kv_head · group][outlier]`.
    private func outlierChannels(_ x: FloatBlock) -> [[Int]] {
        let count = outliers(x.shape)
        var sums = [Double](repeating: 0, count: x.heads * groups(x.shape) * x.channels), copy = x
        copy.forEachVector { place, vector in
            let first = group(place, x.shape) * x.channels
            for i in vector.indices where vector[i].isFinite {
                sums[first + i] += Double(vector[i]) * Double(vector[i])
            }
        }
        return (0..<x.heads * groups(x.shape)).map { group in
            let own = sums[group * x.channels..<(group + 1) * x.channels]
            return own.indices.sorted { (-sums[$0], $0) < (-sums[$1], $1) }.prefix(count)
                .map { $0 - own.startIndex }.sorted()
        }
    }

    func encode(_ x: FloatBlock) -> [PackedTensor.Section] {
        let shape = x.shape, chosen = outlierChannels(x), own = outliers(shape)
        let sketch = SignSketch(channels: x.channels, count: count, seed: 3)
        let second = SignSketch(channels: x.channels, count: own > 0 ? outlierCount : 0, seed: 4)
        var inside = x, outside = FloatBlock(zeros: shape), signs: [UInt16] = [], outlierSigns: [UInt16] = []
        inside.forEachVector { place, vector in
            for channel in chosen[group(place, shape)] {
                outside.elements[place * shape.channels + channel] = vector[channel]
                vector[channel] = 0
            }
            signs += sketch.signs(vector)
        }
        var sections = [
            PackedTensor.Section("norms", TokenNormStage.norms(inside)),
            PackedTensor.Section(name: "signs", bytes: BitPacking.pack(signs, bits: 1)),
        ]
        guard own > 0 else { return sections }
        outside.forEachVector { _, vector in outlierSigns += second.signs(vector) }
        sections.append(.init("outlier-norms", TokenNormStage.norms(outside)))
        sections.append(.init(name: "outlier-signs", bytes: BitPacking.pack(outlierSigns, bits: 1)))
        sections.append(
            .init(name: "outlier-channels", bytes: LittleEndian.bytes(of: chosen.joined().map { UInt16($0) }))
        )
        return sections
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let vectors = shape.heads * shape.tokens, own = outliers(shape)
        var x = FloatBlock(zeros: shape)
        func read(_ prefix: String, _ count: Int) throws -> (norms: [Float], signs: [UInt16]) {
            let norms = try reader.floats(prefix + "norms", count: vectors)
            let bytes = try reader.next(prefix + "signs", byteCount: BitPacking.byteCount(vectors * count, bits: 1))
            return (norms, BitPacking.unpack(bytes, count: vectors * count, bits: 1))
        }
        let inside = try read("", count)
        let sketch = SignSketch(channels: shape.channels, count: count, seed: 3)
        guard own > 0 else {
            x.forEachVector { place, vector in
                sketch.add(inside.signs[place * count..<(place + 1) * count], norm: inside.norms[place], to: vector)
            }
            return x
        }
        let outside = try read("outlier-", outlierCount)
        let all = shape.heads * groups(shape) * own
        let channels = LittleEndian.words(of: try reader.next("outlier-channels", byteCount: 2 * all)[...])
        guard channels.allSatisfy({ Int($0) < shape.channels }) else {
            throw reader.malformed("an outlier channel is beyond \(shape.channels)")
        }
        let second = SignSketch(channels: shape.channels, count: outlierCount, seed: 4)
        var estimate = [Float](repeating: 0, count: shape.channels)
        x.forEachVector { place, vector in
            sketch.add(inside.signs[place * count..<(place + 1) * count], norm: inside.norms[place], to: vector)
            for i in estimate.indices { estimate[i] = 0 }
            estimate.withUnsafeMutableBufferPointer {
                let signs = outside.signs[place * outlierCount..<(place + 1) * outlierCount]
                second.add(signs, norm: outside.norms[place], to: $0)
            }
            // Each estimate counts where its own channels are.
            let first = group(place, shape) * own
            for channel in channels[first..<first + own] { vector[Int(channel)] = estimate[Int(channel)] }
        }
        return x
    }
}
