import Plotting
import TensorCore

/// All grids that a figure was asked for.
struct MagnitudeGrids {
    static let columns = ["layer", "tensor", "head", "token_first", "token_last", "channel", "absolute_maximum"]

    let grids: [MagnitudeGrid]
    let layers: [Int]
    let tensors: [String]

    /// Layers default to all of a few, else to an early, a middle and a late one; tensors to keys and
    /// values; the head, in each layer, to the one with the widest channel of the first tensor.
    init(_ input: FigureInput) throws {
        let table = try input.table("magnitude", columns: Self.columns)
        let medians = TensorMedians(input)
        let all = try Self.read(table, figure: input.figureID).map { grid in
            var grid = grid
            grid.tensorMedian = medians[layer: grid.layer, tensor: grid.tensor]
            return grid
        }
        let presentLayers = Set(all.map { $0.layer }).sorted()
        layers = try input.chosen(
            "layer",
            input.selection.layers,
            present: presentLayers,
            default: Self.earlyMiddleLate(presentLayers)
        ).sorted()
        let presentTensors = Set(all.map { $0.tensor }).sorted()
        let usual = ["key", "value"].filter { presentTensors.contains($0) }
        let tensors = try input.chosen(
            "tensor",
            input.selection.tensors,
            present: presentTensors,
            default: usual.isEmpty ? presentTensors : usual
        )
        self.tensors = tensors
        let wanted = all.filter { [layers] in layers.contains($0.layer) && tensors.contains($0.tensor) }
        let head = try input.chosen(
            "head",
            input.selection.head.map { [$0] },
            present: Set(wanted.map { $0.head }).sorted(),
            default: []
        ).first
        grids = layers.flatMap { layer in
            let ofLayer = wanted.filter { $0.layer == layer && (head == nil || $0.head == head) }
            let striking = ofLayer.filter { $0.tensor == tensors[0] }
                .max { ($0.widest?.ratio ?? 0, $1.head) < ($1.widest?.ratio ?? 0, $0.head) }
            return tensors.compactMap { tensor in
                ofLayer.first { $0.tensor == tensor && $0.head == striking?.head ?? $0.head }
            }
        }
        guard !grids.isEmpty else {
            throw ReportingError.emptyTable(
                figure: input.figureID,
                table: "magnitude",
                reason: "no grid of the chosen head in the chosen layers"
            )
        }
    }

    /// Panels side by side: keys beside values, or one tensor in all its states.
    var columns: Int { tensors.count < 2 ? 1 : tensors.count == 3 ? 3 : 2 }

    /// Panels that are to be compared: the states of one vector of one layer.
    struct Group: Hashable {
        let letter: String
        let layer: Int

        init(_ grid: MagnitudeGrid) {
            letter = Wording.magnitude(grid.tensor)
            layer = grid.layer
        }
    }

    /// The greatest magnitude of each vector that is shown in more than one state: before RoPE, after it and rotated are
    /// read off one scale. Layers have scales of their own, since one that is wide would flatten all others.
    func sharedScales() -> [Group: ClosedRange<Double>] {
        Dictionary(grouping: grids) { Group($0) }.filter { $0.value.count > 1 }.mapValues { members in
            let peaks = members.flatMap { $0.columnMaxima }.filter(\.isFinite)
            return 0...max(peaks.max() ?? 0, .leastNormalMagnitude)
        }.filter { $0.value.upperBound > .leastNormalMagnitude }
    }

    /// What a subtitle says of the scales.
    func scaleNote(_ what: String) -> String {
        let shared = Set(sharedScales().keys.map { $0.letter }).sorted()
        if shared.isEmpty { return grids.count > 1 ? "; every panel has its own \(what) scale" : "" }
        let ofLayer = layers.count > 1 ? " of one layer" : ""
        return "; panels of \(shared.joined(separator: " and of "))\(ofLayer) share one \(what) scale"
    }

    static func earlyMiddleLate(_ layers: [Int]) -> [Int] {
        layers.count <= 4 ? layers : [layers[0], layers[layers.count / 2], layers[layers.count - 1]]
    }

    private struct Key: Hashable {
        let layer: Int
        let tensor: String
        let head: Int
    }

    private struct Cell {
        let first: Int
        let last: Int
        let channel: Int
        let value: Double
    }

    private static func read(_ table: Table, figure: String) throws -> [MagnitudeGrid] {
        var cells: [Key: [Cell]] = [:]
        let places = columns.compactMap { table.index(of: $0) }
        for row in table.rows {
            guard let layer = row[places[0]].integer, let tensor = row[places[1]].string,
                let head = row[places[2]].integer,
                let first = row[places[3]].integer, let last = row[places[4]].integer,
                let channel = row[places[5]].integer
            else { continue }
            let cell = Cell(first: first, last: last, channel: channel, value: row[places[6]].number ?? .nan)
            cells[Key(layer: layer, tensor: tensor, head: head), default: []].append(cell)
        }
        guard !cells.isEmpty else {
            throw ReportingError.emptyTable(figure: figure, table: "magnitude", reason: "it has no complete row")
        }
        return cells.map { key, cells in grid(key, cells) }
            .sorted { ($0.layer, $0.tensor, $0.head) < ($1.layer, $1.tensor, $1.head) }
    }

    private static func grid(_ key: Key, _ cells: [Cell]) -> MagnitudeGrid {
        let bins = Set(cells.map { $0.first }).sorted()
        let binIndex = Dictionary(uniqueKeysWithValues: bins.enumerated().map { ($1, $0) })
        let (low, high) = (cells.map { $0.channel }.min() ?? 0, cells.map { $0.channel }.max() ?? 0)
        var rows = [[Double]](repeating: [Double](repeating: .nan, count: high - low + 1), count: bins.count)
        for cell in cells { rows[binIndex[cell.first] ?? 0][cell.channel - low] = cell.value }
        let last = cells.map { $0.last }.max() ?? 0
        let tokensPerBin = cells.map { $0.last - $0.first + 1 }.max() ?? 1
        return MagnitudeGrid(
            layer: key.layer,
            tensor: key.tensor,
            head: key.head,
            tokens: (bins.first ?? 0)...max(last, bins.first ?? 0),
            channels: low...high,
            rows: rows,
            tokensPerBin: tokensPerBin,
            tokensPerBinOfTable: tokensPerBin
        )
    }

    /// What is seen: the most striking channel of the first tensor, then of the last.
    var title: String {
        let peaks = tensors.compactMap { tensor in
            grids.filter { $0.tensor == tensor }.compactMap { grid in grid.widest.map { (grid, $0) } }
                .max { $0.1.ratio < $1.1.ratio }
        }
        guard let (grid, peak) = peaks.first else { return "Magnitudes over tokens and channels" }
        var title =
            peak.ratio >= 5
            ? "Channel \(peak.channel) of the \(Wording.plural(grid.tensor)) in layer \(grid.layer), head \(grid.head), is "
                + "\(Wording.times(peak.ratio)) \(grid.medianName)"
            : "No channel of the \(Wording.plural(grid.tensor)) stands far out: the widest shown is "
                + "\(Wording.times(peak.ratio)) \(grid.medianName)"
        if peaks.count > 1 {
            let (other, second) = peaks[peaks.count - 1]
            let name = other.medianName == grid.medianName ? "" : " \(other.medianName)"
            title +=
                "; the widest of the \(Wording.plural(other.tensor)) shown is \(Wording.times(second.ratio))\(name)"
        }
        return title
    }

    /// Files of figures stay under 500 KB; this leaves room for longer ids than the figure's own.
    private static let byteLimit = 480_000

    /// The figure with as many token bins of the table as its file has room for.
    ///
    /// - Complexity: draws the figure once for each number of bins that is too large.
    func fitting(_ draw: ([MagnitudeGrid]) throws -> Plot) throws -> Plot {
        var (limit, divisor) = (128, 1)
        while true {
            let reduced = grids.map { [limit] in $0.reduced(bins: limit) }
            let plot = try draw(reduced)
            if limit <= 8 || plot.svg(id: "figure").utf8.count <= Self.byteLimit { return plot }
            let bins = reduced.map { $0.rows.count }.max() ?? 0
            repeat {
                divisor += 1
                limit = max(8, 128 / divisor)
            } while limit >= bins && limit > 8
        }
    }

    /// Caption's part on how the grids were reduced, and on the median.
    ///
    /// - Parameters:
    ///   - tokens: what stands for some tokens in the figure, as is `channels` for some channels.
    static func notes(_ grids: [MagnitudeGrid], tokens: String, channels: String) -> String {
        var notes: [String] = []
        if let coarsest = grids.max(by: { $0.tokensPerBin < $1.tokensPerBin }), coarsest.tokensPerBin > 1 {
            let isReduced = coarsest.tokensPerBin > coarsest.tokensPerBinOfTable
            notes.append(
                "Each \(tokens) is the maximum over up to \(coarsest.tokensPerBin) tokens"
                    + (isReduced ? " (\(coarsest.tokensPerBinOfTable) in the table)" : "") + ", so no peak is lost."
            )
        }
        if let merged = grids.map({ $0.channelsPerColumn }).max(), merged > 1 {
            notes.append("Each \(channels) is the maximum over \(merged) channels.")
        }
        notes.append("Channels of the head count from 0.")
        if grids.contains(where: { $0.tensorMedian != nil }) {
            let others = unique(grids.filter { $0.tensorMedian == nil }.map { Wording.plural($0.tensor) })
            notes.append(
                "Median channel: by largest |x|, among all channels of the layer's tensor"
                    + (others.isEmpty ? "." : "; of the \(others.joined(separator: " and ")), of the head alone.")
            )
        }
        return notes.joined(separator: " ")
    }
}
