/// Levels learnt for a layer, ranges by percentiles, and what lies outside kept exactly.
///
/// `y = (x − z)/r` with the middle z and half r of the range between the percentiles `(1 − share)/2` and its opposite;
/// |y| > 1 is an outlier, stored as float16 with its place. Keys: ranges per channel, learnt; values: per token, found
/// as they come. One codebook of 2^b levels a layer and side by weighted k-means of the other elements. `qnorm` brings
/// mean and deviation of the levels to those of what they stand for. The paper weighs elements by gradients; here all
/// alike, or (`query`, keys) by what queries see. Source: Hooper et al., KVQuant, NeurIPS 2024 (schemes.md §1.5).
struct KVQuantCoder: BlockCoder {
    static let name = "nuq"
    static let grammar = "nuq-{1…6}-SHARE-{token|channel}[-qnorm][-query]"
    static let summary = "learnt levels between percentiles, outliers kept in float16"

    private let codeBits: Int
    /// Elements beyond the percentiles.
    private let share: Double
    private let sharing: ScaleSharing
    private let isNormalized: Bool
    private let weighsQueries: Bool
    /// Sorted levels; with `qnorm` as they are read.
    private var levels: [Float] = []
    private var readLevels: [Float] = []
    /// `[kv_head, channel]`, of keys.
    private var low: [Float] = []
    private var high: [Float] = []

    init(_ term: inout StageTerm) throws {
        codeBits = try StageTerm.checked(term.requiredInteger("bits: 1 to 6"), "bits", in: 1...6)
        let share = try term.requiredDecimal("a share of outliers such as 0.01, or 0")
        self.share = share == 0 ? 0 : try StageTerm.checked(share, "share", above: 0, to: 0.2)
        sharing = try term.axis()
        isNormalized = term.flag("qnorm")
        weighsQueries = term.flag("query")
    }

    var term: String {
        "\(Self.name)-\(codeBits)-\(StageTerm.written(share))-\(sharing.idPart)" + (isNormalized ? "-qnorm" : "")
            + (weighsQueries ? "-query" : "")
    }
    var bits: Double { Double(codeBits) }
    var scaleSharing: ScaleSharing? { sharing }
    var groupSize: GroupSize? { .whole }
    var calibration: CalibrationNeed { .required }

    /// The percentiles of some numbers.
    private func range(_ x: [Float]) -> (low: Float, high: Float) {
        let sorted = x.filter { $0.isFinite }.sorted()
        guard let first = sorted.first, let last = sorted.last else { return (0, 0) }
        let outside = Int(share * Double(sorted.count) / 2)
        guard outside > 0, 2 * outside < sorted.count else { return (first, last) }
        return (sorted[outside], sorted[sorted.count - 1 - outside])
    }

    func calibrate(_ x: FloatBlock, _ sample: CalibrationSample) throws -> CalibrationArrays {
        let rows = GroupedRows(shape: x.shape, sharing: sharing, groupSize: .whole), values = rows.rows(x)
        let roots = try weighsQueries ? QueryWeights.roots(x, sample, scheme: term) : []
        var lows: [Float] = [], highs: [Float] = [], normalized: [Float] = [], weights: [Float] = []
        rows.forEachGroup { row, elements in
            let (low, high) = range(Array(values[elements]))
            lows.append(low)
            highs.append(high)
            let middle = (low + high) / 2, half = (high - low) / 2
            guard half > 0 else { return }
            let root = roots.isEmpty ? 1 : roots[row], weight = roots.isEmpty ? 1 : half * half * root * root
            for index in elements {
                let y = (values[index] - middle) / half
                guard abs(y) <= 1 else { continue }
                normalized.append(y)
                weights.append(weight)
            }
        }
        // Enough for 2^b levels; evenly spaced over the layer.
        let step = max(1, normalized.count / 16384)
        let chosen = stride(from: 0, to: normalized.count, by: step)
        let points = chosen.map { normalized[$0] }, masses = chosen.map { weights[$0] }
        let result = KMeans.run(
            points.isEmpty ? [0] : points,
            dimensions: 1,
            count: 1 << codeBits,
            weights: points.isEmpty ? nil : masses,
            iterations: 50
        )
        var levels = result.centroids.sorted()
        while levels.count < 1 << codeBits { levels.append(levels[levels.count - 1]) }
        let coding = TableCoding(table: levels, bits: codeBits, scaling: .none)
        let decoded = points.map { levels[Int(coding.nearest($0))] }
        let (mean, deviation) = Self.moments(points), (ownMean, ownDeviation) = Self.moments(decoded)
        let ratio = isNormalized && ownDeviation > 0 ? deviation / ownDeviation : 1
        let shift = isNormalized ? mean - ownMean * ratio : 0
        var arrays: CalibrationArrays = [
            "levels": CalibrationArray(shape: [levels.count], values: levels),
            "read-levels": CalibrationArray(shape: [levels.count], values: levels.map { $0 * ratio + shift }),
        ]
        if sharing == .perChannel {
            arrays["low"] = CalibrationArray(shape: [lows.count], values: lows)
            arrays["high"] = CalibrationArray(shape: [highs.count], values: highs)
        }
        return arrays
    }

    private static func moments(_ x: [Float]) -> (mean: Float, deviation: Float) {
        let count = Double(max(1, x.count)), mean = x.reduce(0.0) { $0 + Double($1) } / count
        let variance = x.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        return (Float(mean), Float(variance.squareRoot()))
    }

    func calibrated(by arrays: CalibrationArrays) throws -> KVQuantCoder {
        var copy = self
        func values(_ name: String) throws -> [Float] { try arrays[name]?.finite(scheme: term, name) ?? [] }
        copy.levels = try values("levels")
        copy.readLevels = try values("read-levels")
        copy.low = try values("low")
        copy.high = try values("high")
        guard zip(copy.levels, copy.levels.dropFirst()).allSatisfy({ $0 <= $1 }) else {
            throw SchemeError.calibration(scheme: term, problem: "its levels are in no order")
        }
        return copy
    }

    private func check(_ rows: GroupedRows) throws {
        try checkCalibration(term, levels.count, 1 << codeBits)
        try checkCalibration(term, readLevels.count, 1 << codeBits)
        if sharing == .perChannel {
            try checkCalibration(term, low.count, rows.rowCount)
            try checkCalibration(term, high.count, rows.rowCount)
        }
    }

    func encode(_ x: FloatBlock) throws -> [PackedTensor.Section] {
        let rows = GroupedRows(shape: x.shape, sharing: sharing, groupSize: .whole), values = rows.rows(x)
        try check(rows)
        let coding = TableCoding(table: levels, bits: codeBits, scaling: .none), format = MetadataFormat.float16
        var codes = [UInt16](repeating: 0, count: values.count), lows: [Float] = [], highs: [Float] = []
        var outliers: [Float] = [], places: [UInt16] = [], counts: [UInt16] = []
        guard rows.rowLength < 1 << 16 else {
            throw SchemeError.shape(
                scheme: term,
                problem: "a vector has \(rows.rowLength) elements",
                expected: "fewer than 65536, whose places take 16 bits"
            )
        }
        rows.forEachGroup { row, elements in
            let before = outliers.count
            var (low, high) = sharing == .perChannel ? (low[row], high[row]) : range(Array(values[elements]))
            if sharing == .perToken { (low, high) = (format.rounded(low), format.rounded(high)) }
            lows.append(low)
            highs.append(high)
            let middle = (low + high) / 2, half = (high - low) / 2
            for index in elements {
                let y = half > 0 ? (values[index] - middle) / half : (values[index] == middle ? 0 : .infinity)
                // What float16 rounded off the range's ends is no outlier.
                if abs(y) <= 1 || (share == 0 && y.isFinite && half > 0) {
                    codes[index] = coding.nearest(y)
                } else {
                    outliers.append(values[index])
                    places.append(UInt16(index - elements.lowerBound))
                }
            }
            counts.append(UInt16(outliers.count - before))
        }
        var sections = [PackedTensor.Section(name: "codes", bytes: BitPacking.pack(codes, bits: codeBits))]
        if sharing == .perToken { sections += [.init("low", lows), .init("high", highs)] }
        return sections + [
            .init("outliers", outliers), .init(name: "places", bytes: LittleEndian.bytes(of: places)),
            .init(name: "counts", bytes: LittleEndian.bytes(of: counts)),
        ]
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape) throws -> FloatBlock {
        let rows = GroupedRows(shape: shape, sharing: sharing, groupSize: .whole), count = shape.elementCount
        try check(rows)
        let bytes = try reader.next("codes", byteCount: BitPacking.byteCount(count, bits: codeBits))
        let codes = BitPacking.unpack(bytes, count: count, bits: codeBits)
        let lows = sharing == .perToken ? try reader.floats("low", count: rows.rowCount) : low
        let highs = sharing == .perToken ? try reader.floats("high", count: rows.rowCount) : high
        let outlierBytes = try reader.next("outliers")
        guard outlierBytes.count.isMultiple(of: 2) else { throw reader.malformed("half an outlier") }
        let outliers = MetadataFormat.float16.floats(of: outlierBytes[...])
        let places = LittleEndian.words(of: try reader.next("places", byteCount: 2 * outliers.count)[...])
        let counts = LittleEndian.words(of: try reader.next("counts", byteCount: 2 * rows.rowCount)[...])
        guard counts.reduce(0, { $0 + Int($1) }) == outliers.count,
            places.allSatisfy({ Int($0) < rows.rowLength })
        else { throw reader.malformed("outliers and their places do not agree") }
        var values = [Float](repeating: 0, count: count)
        rows.forEachGroup { row, elements in
            let middle = (lows[row] + highs[row]) / 2, half = (highs[row] - lows[row]) / 2
            for index in elements { values[index] = readLevels[Int(codes[index])] * half + middle }
        }
        var next = 0
        for row in 0..<rows.rowCount {
            for index in next..<next + Int(counts[row]) {
                values[row * rows.rowLength + Int(places[index])] = outliers[index]
            }
            next += Int(counts[row])
        }
        return rows.block(values)
    }
}
