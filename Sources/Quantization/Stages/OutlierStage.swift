/// Keeps the largest and smallest elements of each vector in float16 and lets the rest be coded without them.
///
/// Per token a vector is a token's channels, per channel a channel's tokens; of N elements ⌊share·N/2⌋ go on either
/// side, each with a 16-bit place. What is coded in their stead is the mean of the vector, or its median (KVQuant).
/// Source: Kang et al., GEAR, 2024, §3: S of X ≈ Q + L + S.
struct OutlierStage: PipelineStage {
    static let name = "outliers"
    static let grammar = "outliers-SHARE-{token|channel}[-median]"
    static let summary = "the largest and smallest elements kept in float16"

    private let share: Double
    private let sharing: ScaleSharing
    private let usesMedian: Bool

    init(_ term: inout StageTerm) throws {
        let share = try term.requiredDecimal("a share such as 0.02")
        self.share = try StageTerm.checked(share, "share", above: 0, to: 0.5)
        sharing = try term.axis()
        usesMedian = term.flag("median")
    }

    var term: String {
        "\(Self.name)-\(StageTerm.written(share))-\(sharing.idPart)" + (usesMedian ? "-median" : "")
    }

    private func rows(_ shape: BlockShape) -> GroupedRows {
        GroupedRows(shape: shape, sharing: sharing, groupSize: .whole)
    }

    /// Elements that are kept on either side of a vector.
    private func kept(_ length: Int) -> Int { Int(share * Double(length) / 2) }

    func encode(_ x: FloatBlock, _ rest: PipelineRest) throws -> [PackedTensor.Section] {
        let rows = rows(x.shape), count = kept(rows.rowLength)
        guard rows.rowLength <= 1 << 16 else {
            throw SchemeError.shape(
                scheme: term,
                problem: "a vector has \(rows.rowLength) elements",
                expected: "at most 65536, whose places take 16 bits"
            )
        }
        guard count > 0 else { return try rest.encode(x) }
        var values = rows.rows(x), stored: [Float] = [], places: [UInt16] = []
        rows.forEachGroup { _, range in
            // What is not finite belongs to the largest; ties go to the first.
            func key(_ index: Int) -> Float { values[index].isNaN ? .infinity : values[index] }
            let sorted = range.sorted { (key($0), $0) < (key($1), $1) }
            let outside = (sorted.prefix(count) + sorted.suffix(count)).sorted()
            let middle = sorted.dropFirst(count).dropLast(count)
            let filler: Float
            if usesMedian {
                filler = middle.isEmpty ? 0 : values[middle[middle.startIndex + middle.count / 2]]
            } else {
                let sum = middle.reduce(0.0) { $0 + Double(values[$1]) }
                filler = middle.isEmpty ? 0 : Float(sum / Double(middle.count))
            }
            for index in outside {
                stored.append(values[index])
                places.append(UInt16(index - range.lowerBound))
                values[index] = filler
            }
        }
        return [
            PackedTensor.Section("outliers", stored),
            PackedTensor.Section(name: "places", bytes: LittleEndian.bytes(of: places)),
        ] + (try rest.encode(rows.block(values)))
    }

    func decode(_ reader: inout SectionReader, _ shape: BlockShape, _ rest: PipelineRest) throws -> FloatBlock {
        let rows = rows(shape), count = kept(rows.rowLength)
        guard count > 0 else { return try rest.decode(&reader, shape) }
        let all = 2 * count * rows.rowCount
        let stored = try reader.floats("outliers", count: all)
        let places = LittleEndian.words(of: try reader.next("places", byteCount: 2 * all)[...])
        guard places.allSatisfy({ Int($0) < rows.rowLength }) else {
            throw reader.malformed("an outlier's place is beyond its vector of \(rows.rowLength)")
        }
        var values = rows.rows(try rest.decode(&reader, shape))
        for row in 0..<rows.rowCount {
            for index in row * 2 * count..<(row + 1) * 2 * count {
                values[row * rows.rowLength + Int(places[index])] = stored[index]
            }
        }
        return rows.block(values)
    }
}
