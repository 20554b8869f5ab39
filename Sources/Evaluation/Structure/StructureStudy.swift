import Capture
import Inference
import Kernels
import Statistics
import TensorCore

/// How the elements of a capture hang together: outliers by each definition in use, what rotations do, where attention
/// goes, how alike neighbours and layers are, and what entropy coders and low rank could save.
///
/// Each tensor is read once in slabs, and for outliers and locality twice; cross-layer predictability and attention read
/// what they need again. Numbers are the same bit for bit for any number of threads.
public enum StructureStudy {
    /// What is held of the tensors that are walked side by side.
    private static let groupBudgetBytes = 128 << 20

    /// The tables of the analyses asked for.
    ///
    /// - Parameter progress: called with the share that is done, from 0 to 1; what it throws stops the study.
    /// - Throws: `StructureStudyError` for settings without a meaning; `CaptureError` for tensors that are not there
    ///   and from reading.
    /// - Complexity: time O(elements · (definitions + head_dim) + layers · queries · tokens · width), and for the
    ///   prediction of layers O(tokens · width²); memory 128 MB of sums, one slab a tensor walked, the keys of
    ///   `maximumAttentionTokens` tokens, and the rows of the tables.
    public static func run(
        _ capture: CaptureFile,
        settings: StructureStudySettings = StructureStudySettings(),
        progress: (Double) throws -> Void = { _ in }
    ) throws -> StructureStudyResult {
        try settings.validate()
        // Tensors of one width share their list of slabs, which is long for a capture of many sequences.
        var byHeads: [Int: TensorPieces] = [:]
        let chosen = try chosenTensors(of: capture, layers: settings.layers, tensors: settings.tensors)
        let tensors = chosen.map { layer, tensor in
            let heads = capture.headCount(tensor)
            let pieces =
                byHeads[heads].map { TensorPieces(capture, layer: layer, tensor: tensor, like: $0) }
                ?? TensorPieces(capture, layer: layer, tensor: tensor)
            byHeads[heads] = pieces
            return pieces
        }
        return try withoutActuallyEscaping(progress) { progress in
            var run = Run(capture, settings, tensors, progress: progress)
            try run.all()
            return run.result
        }
    }

    /// One run of the study.
    private struct Run {
        let capture: CaptureFile
        let settings: StructureStudySettings
        let tensors: [TensorPieces]
        /// Those that have the same tensor in the layer before.
        let followers: [TensorPieces]
        let attention: [(layer: Int, sequences: [CaptureSequence])]
        var result: StructureStudyResult
        var meter: ProgressMeter
        /// Of the tensors, for the second pass.
        var extents: [TensorExtents] = []
        /// [tensor][head]
        var localities: [[TokenLocality]] = []
        var nonfinite: [(layer: Int, tensor: CapturedTensor, count: Int)] = []

        init(
            _ capture: CaptureFile,
            _ settings: StructureStudySettings,
            _ tensors: [TensorPieces],
            progress: @escaping (Double) throws -> Void
        ) {
            (self.capture, self.settings, self.tensors) = (capture, settings, tensors)
            let followers = settings.analyses.contains(.layers) ? Run.followers(of: tensors) : []
            let plan = settings.analyses.contains(.attention) ? AttentionPlan(capture, settings) : nil
            (self.followers, attention) = (followers, plan?.layers ?? [])
            // Without queries the tables of attention are absent, not empty.
            let analyses = settings.analyses.filter { $0 != .attention || plan?.layers.isEmpty == false }
            result = StructureStudyResult(analyses)
            result.warnings = plan?.warnings ?? []
            if settings.analyses.contains(.rotation), !TensorProfile.canRotate(capture.metadata.headDim) {
                result.warnings.append(
                    "transform-effects: heads of \(capture.metadata.headDim) channels, no power of two, have no Hadamard "
                        + "rotation"
                )
            }
            let slabs = tensors.reduce(0) { $0 + $1.slabCount }
            let passes = settings.analyses.contains { ![.attention, .layers].contains($0) } ? 4 : 0
            let second = SecondPass.isNeeded(settings) ? 2 : 0
            meter = ProgressMeter(
                total: slabs * (passes + second) + followers.reduce(0) { $0 + 2 * $1.slabCount }
                    + attention.reduce(0) { $0 + 2 * $1.sequences.count },
                progress: progress
            )
        }

        mutating func all() throws {
            if settings.analyses.contains(where: { ![.attention, .layers].contains($0) }) { try profile() }
            if SecondPass.isNeeded(settings) { try lookAgain() }
            try predictLayers()
            try attend()
            if !nonfinite.isEmpty { result.warnings.append(nonfiniteWarning) }
            try meter.finish()
        }

        /// The first pass over every tensor.
        private mutating func profile() throws {
            for group in groups(tensors, bytes: TensorProfile.byteCount) {
                var profiles = group.map { TensorProfile($0, settings: settings) }
                try walk(group, into: &profiles) {
                    try meter.advance(4 * $0)
                } _: {
                    $0.add($1)
                }
                for index in profiles.indices { report(&profiles[index]) }
            }
        }

        private mutating func report(_ profile: inout TensorProfile) {
            let summary = profile.finishElements()
            let rotated = profile.finishRotated()
            let place = (profile.layer, profile.tensor)
            let count = profile.nonfiniteCount
            if count > 0 { nonfinite.append((place.0, place.1, count)) }
            result.nonfiniteElements = (result.nonfiniteElements ?? 0) + count
            if let summary {
                if settings.analyses.contains(.outliers) { extents.append(TensorExtents(summary)) }
                result.append(
                    [profile.effectRow("none", summary, profile.coordinates)]
                        + (rotated.map { [profile.effectRow("hadamard", $0, profile.rotatedCoordinates)] } ?? []),
                    to: "transform-effects"
                )
                if settings.analyses.contains(.quantiles) {
                    result.append(profile.quantileRows(summary), to: "distribution-quantiles")
                }
            }
            if let parts = profile.parts {
                let rows = StructureTables.rows(of: parts, layer: place.0, tensor: place.1.rawValue)
                result.append(rows, to: "outlier-stability")
            }
            localities.append(profile.locality)
            let spectra = profile.rows(of: profile.spectra())
            result.append(spectra.components, to: "spectrum")
            result.append(spectra.summaries, to: "spectrum-summary")
            result.append(profile.codeRows, to: "code-entropy")
            result.append(profile.tileRows, to: "tile-imbalance")
        }

        /// The second pass, when all layers' extents and means are known.
        private mutating func lookAgain() throws {
            let hasExtents = settings.analyses.contains(.outliers)
            let kinds = Dictionary(grouping: hasExtents ? Array(tensors.indices) : []) { tensors[$0].tensor }
            let emergent = kinds.mapValues { places in
                OutlierDefinition.int8Channels(of: places.map { extents[$0] })
            }
            var done = 0
            for group in groups(tensors, bytes: SecondPass.byteCount) {
                var passes = group.indices.map { place in
                    SecondPass(
                        outliers: hasExtents
                            ? OutlierCounts(extents[done + place], int8Channels: emergent[group[place].tensor] ?? [])
                            : nil,
                        locality: localities[done + place],
                        headDim: group[place].headDim
                    )
                }
                done += group.count
                try walk(group, into: &passes) {
                    try meter.advance(2 * $0)
                } _: {
                    $0.add($1)
                }
                for (pieces, pass) in zip(group, passes) {
                    let (layer, tensor) = (pieces.layer, pieces.tensor.rawValue)
                    for finding in pass.outliers?.findings() ?? [] {
                        let row = StructureTables.rows(of: finding, layer: layer, tensor: tensor)
                        result.append([row], to: "outlier-definitions")
                        let channels = StructureTables.channelRows(of: finding, layer: layer, tensor: tensor)
                        result.append(channels, to: "outlier-channel-sets")
                    }
                    result.append(pass.localityRows(layer: layer, tensor: tensor), to: "locality")
                }
            }
            if hasExtents { compareAcrossRope() }
        }

        private mutating func compareAcrossRope() {
            for (place, pieces) in tensors.enumerated() where pieces.tensor == .key {
                let before = tensors.firstIndex { $0.layer == pieces.layer && $0.tensor == .keyPreRope }
                guard let before else { continue }
                let row = StructureTables.ropeRow(
                    before: extents[before],
                    after: extents[place],
                    layer: pieces.layer
                )
                result.append([row], to: "outlier-stability")
            }
        }

        private mutating func predictLayers() throws {
            for group in groups(followers, bytes: LayerPair.byteCount) {
                var pairs = group.map { LayerPair($0, after: $0.layer - 1) }
                for slab in 0..<(group.map { $0.slabCount }.max() ?? 0) {
                    let active = group.indices.filter { slab < group[$0].slabCount }
                    try pairs.withUnsafeMutableBufferPointer { pairs in
                        // Each index touches its own pair only.
                        nonisolated(unsafe) let pairs = pairs
                        try Parallel.forEach(active.count) { try pairs[active[$0]].add(slab: slab) }
                    }
                    try meter.advance(2 * active.count)
                }
                let errors = parallelMap(pairs.count) { pairs[$0].prediction.unexplainedVariance() }
                for (pair, error) in zip(pairs, errors) {
                    let row: [Table.Value] = [
                        .integer(pair.pieces.layer), .string(pair.pieces.tensor.rawValue),
                        .integer(pair.previous.layer), Table.Value(error), Table.Value(pair.deltaVarianceRatio),
                    ]
                    result.append([row], to: "cross-layer")
                }
            }
            // Fewer equations than unknowns.
            let short = followers.first.map { pieces in
                capture.sequences.reduce(0) { $0 + $1.length / 2 } < pieces.heads * pieces.headDim
            }
            if short == true {
                result.warnings.append(
                    "cross-layer: unexplained_variance is learnt from fewer tokens than a layer has channels, and "
                        + "so says little; capture more tokens"
                )
            }
        }

        private mutating func attend() throws {
            for (layer, sequences) in attention {
                var study = LayerSinks(capture, layer: layer)
                for sequence in sequences {
                    try study.add(sequence, settings: settings)
                    try meter.advance(2)
                }
                result.append(try study.sinkRows(), to: "attention-sinks")
                result.append(study.profileRows, to: "attention-profile")
                if let warning = study.warning { result.warnings.append(warning) }
            }
        }

        private var nonfiniteWarning: String {
            let total = nonfinite.reduce(0) { $0 + $1.count }
            let tensors = nonfinite.prefix(3).map { "layer \($0.layer) \($0.tensor.rawValue)" }
            let more = nonfinite.count > 3 ? " and \(nonfinite.count - 3) more" : ""
            return "\(total) elements are NaN or infinite (\(tensors.joined(separator: ", "))\(more)); they are left "
                + "out, and vectors that hold them where whole vectors are looked at"
        }

        private static func followers(of tensors: [TensorPieces]) -> [TensorPieces] {
            tensors.filter { pieces in
                pieces.tensor != .query
                    && tensors.contains { $0.layer == pieces.layer - 1 && $0.tensor == pieces.tensor }
            }
        }

        /// Neighbouring tensors that fit the budget together; at least one each.
        private func groups(_ tensors: [TensorPieces], bytes: (TensorPieces) -> Int) -> [[TensorPieces]] {
            var groups: [[TensorPieces]] = []
            var room = 0
            for tensor in tensors {
                let needed = bytes(tensor)
                if groups.isEmpty || needed > room {
                    groups.append([])
                    room = groupBudgetBytes
                }
                groups[groups.count - 1].append(tensor)
                room -= needed
            }
            return groups
        }
    }
}

/// The share of the work that is done, told as it grows.
struct ProgressMeter {
    let total: Int
    let progress: (Double) throws -> Void
    private var done = 0

    init(total: Int, progress: @escaping (Double) throws -> Void) {
        (self.total, self.progress) = (total, progress)
    }

    mutating func advance(_ steps: Int) throws {
        done += steps
        try progress(min(1, Double(done) / Double(max(1, total))))
    }

    func finish() throws { if done < total || total == 0 { try progress(1) } }
}
