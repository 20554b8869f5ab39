import Plotting
import TensorCore

/// |x| of one layer, tensor and head over token bins × channels, from table `magnitude`.
struct MagnitudeGrid {
    let layer: Int
    let tensor: String
    let head: Int
    /// First token of the first bin, and last token of the last.
    let tokens: ClosedRange<Int>
    /// Channel of each column.
    let channels: ClosedRange<Int>
    /// `[token bin][channel]`; `nan` where the table has no row.
    let rows: [[Double]]
    /// Tokens that the largest bin stands for.
    let tokensPerBin: Int

    /// Greatest magnitude of each channel.
    var channelMaxima: [Double] {
        (0..<(rows.first?.count ?? 0)).map { column in
            rows.reduce(-Double.infinity) { $1[column].isFinite ? max($0, $1[column]) : $0 }
        }
    }

    /// The widest channel, and its ratio to the median channel of the head.
    var widest: (channel: Int, ratio: Double, row: Int)? {
        let maxima = channelMaxima
        guard let column = maxima.indices.max(by: { maxima[$0] < maxima[$1] }), maxima[column].isFinite else {
            return nil
        }
        let middle = median(maxima)
        guard middle > 0 else { return nil }
        let row = rows.indices.max { (rows[$0][column], $1) < (rows[$1][column], $0) } ?? 0
        return (channels.lowerBound + column, maxima[column] / middle, row)
    }

    /// The grid with at most the given numbers of bins and channels, reduced by maximum so that no peak is lost.
    func reduced(bins: Int, channels limit: Int = 128) -> MagnitudeGrid {
        let columns = rows.first?.count ?? 0
        let (binStep, channelStep) = (Self.step(rows.count, bins), Self.step(columns, limit))
        guard binStep > 1 || channelStep > 1 else { return self }
        let reduced = stride(from: 0, to: rows.count, by: binStep).map { first in
            stride(from: 0, to: columns, by: channelStep).map { left in
                var peak = Double.nan
                for row in first..<min(first + binStep, rows.count) {
                    for column in left..<min(left + channelStep, columns) where !(rows[row][column] <= peak) {
                        peak = rows[row][column]
                    }
                }
                return peak
            }
        }
        return MagnitudeGrid(
            layer: layer,
            tensor: tensor,
            head: head,
            tokens: tokens,
            channels: channels,
            rows: reduced,
            tokensPerBin: tokensPerBin * binStep
        )
    }

    private static func step(_ count: Int, _ limit: Int) -> Int { max(1, (count + limit - 1) / limit) }
}

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
        let all = try Self.read(table, figure: input.figureID)
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
        return MagnitudeGrid(
            layer: key.layer,
            tensor: key.tensor,
            head: key.head,
            tokens: (bins.first ?? 0)...max(last, bins.first ?? 0),
            channels: low...high,
            rows: rows,
            tokensPerBin: cells.map { $0.last - $0.first + 1 }.max() ?? 1
        )
    }

    /// What is seen: the most striking channel of the first tensor, then of the second.
    var title: String {
        let peaks = tensors.compactMap { tensor in
            grids.filter { $0.tensor == tensor }.compactMap { grid in grid.widest.map { (grid, $0) } }
                .max { $0.1.ratio < $1.1.ratio }
        }
        guard let (grid, peak) = peaks.first else { return "Magnitudes over tokens and channels" }
        var title =
            peak.ratio >= 5
            ? "Channel \(peak.channel) of the \(Wording.plural(grid.tensor)) in layer \(grid.layer), head \(grid.head), is "
                + "\(Wording.times(peak.ratio)) the head's median channel"
            : "No channel of the \(Wording.plural(grid.tensor)) stands far out: the widest is "
                + "\(Wording.times(peak.ratio)) the median"
        if peaks.count > 1 {
            let (other, second) = peaks[1]
            title += "; the widest of the \(Wording.plural(other.tensor)) is \(Wording.times(second.ratio))"
        }
        return title
    }

    /// Caption's part on how the grids were reduced.
    static func reduction(_ grids: [MagnitudeGrid]) -> String {
        let tokens = grids.map { $0.tokensPerBin }.max() ?? 1
        let binning =
            tokens > 1 ? "Each line of the grid is the maximum over up to \(tokens) tokens, so no peak is lost. " : ""
        return "\(binning)Channels of the head count from 0."
    }
}
