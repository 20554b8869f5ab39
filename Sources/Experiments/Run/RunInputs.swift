import Foundation

/// The model and texts of a run with their checksums: what its results are made from.
struct RunInputs {
    let model: Provenance.File
    let texts: [TextFile]
    /// What schemes are calibrated on.
    let calibrationTexts: [TextFile]

    /// - Parameter progress: receives the share of the model that is hashed; what it throws stops.
    /// - Throws: `FileError`, what `progress` throws.
    init(_ manifest: Manifest, checksums: ChecksumCache, progress: (Double) throws -> Void) throws {
        texts = try manifest.texts.map { try TextFile.load($0.path, name: $0.name) }
        calibrationTexts = try (manifest.calibration?.texts ?? []).map { try TextFile.load($0.path, name: $0.name) }
        let sha256 = try checksums.sha256(ofFile: manifest.model.path, progress: progress)
        let size = try FileManager.default.attributesOfItem(atPath: manifest.model.path)[.size] as? Int
        model = Provenance.File(
            name: manifest.model.name,
            path: manifest.model.path,
            byteCount: size ?? 0,
            sha256: sha256
        )
    }
}

/// What each stage's result depends on, as one SHA-256: a change re-runs that stage and those that read it.
struct StageFingerprints {
    let all: [(id: Stage.ID, fingerprint: String)]

    init(_ manifest: Manifest, _ inputs: RunInputs) throws {
        func fingerprint(_ id: Stage.ID, _ inputs: [String], _ settings: some Encodable) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let own = String(decoding: try encoder.encode(settings), as: UTF8.self)
            let parts = ["\(id.rawValue) \(StageStamp.formatVersion) \(ToolVersion.current)", own] + inputs
            return SHA256.hash(parts.joined(separator: "\n"))
        }
        let texts = inputs.texts.flatMap { [$0.name, $0.sha256] }
        let capture = try fingerprint(.capture, [inputs.model.sha256, inputs.model.name] + texts, manifest.capture)
        let statistics = try fingerprint(.statistics, [capture], manifest.statistics)
        let magnitude = try fingerprint(.magnitude, [capture], manifest.magnitude)
        let structure = try fingerprint(.structure, [capture], manifest.structure)
        let calibration = try manifest.calibrationSettings.map { settings in
            let learnt = inputs.calibrationTexts.flatMap { [$0.name, $0.sha256] }
            return try fingerprint(.calibration, [inputs.model.sha256] + learnt, settings)
        }
        let errors = try fingerprint(.errors, [capture] + (calibration.map { [$0] } ?? []), manifest.errors)
        let quality = try fingerprint(.quality, [inputs.model.sha256] + texts, manifest.quality)
        let decode = try fingerprint(.decode, [inputs.model.sha256] + texts, manifest.decode)
        // The report shows the whole manifest, so it depends on every line of it.
        let report = try fingerprint(
            .report,
            [statistics, magnitude, structure, errors, quality, decode, try manifest.resolvedYAML()],
            manifest.figures
        )
        var all: [(id: Stage.ID, fingerprint: String)] = []
        if manifest.hasCapture {
            all = [(.capture, capture)]
            if let calibration { all.append((.calibration, calibration)) }
            all += [(.statistics, statistics), (.magnitude, magnitude)]
            if manifest.structure != nil { all.append((.structure, structure)) }
            all.append((.errors, errors))
        }
        if manifest.quality != nil { all.append((.quality, quality)) }
        if manifest.decode != nil { all.append((.decode, decode)) }
        self.all = all + [(.report, report)]
    }

    subscript(id: Stage.ID) -> String { all.first { $0.id == id }?.fingerprint ?? "" }
}
