import Evaluation
import Experiments
import Foundation
import Quantization
import Testing

@Suite struct ManifestLoadingTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func threeLinesAreEnough() throws {
        try TestRun.with { run in
            let manifest = try run.load()
            #expect(manifest.name == "small")
            #expect(manifest.model.path == run.path("model.gguf"))
            #expect(manifest.model.name == "model")
            #expect(manifest.texts.map(\.path) == [run.path("text.txt")])
            #expect(manifest.capture == CaptureJob.Settings())
            #expect(manifest.errors == ErrorStudySettings())
            #expect(!manifest.figures.isEmpty)
            #expect(manifest.output.keepsCapture)
        }
    }

    @Test func nameDefaultsToTheFile() throws {
        try TestRun.with { run in
            let manifest = try run.load(head: "model: model.gguf\ntexts: text.txt\n")
            #expect(manifest.name == "experiment")
        }
    }

    @Test func everyValueIsRead() throws {
        try TestRun.with { run in
            let manifest = try run.load(Self.everything)
            #expect(manifest.description == "two words")
            #expect(manifest.texts.map(\.name) == ["text"])
            #expect(manifest.capture.tensors == [.query, .key, .value])
            #expect(manifest.capture.layers == .only([0, 1]))
            #expect(manifest.capture.maximumTokensPerText == 32)
            #expect(manifest.capture.tokensPerSequence == 16)
            #expect(manifest.capture.elementType == .float32)
            #expect(manifest.statistics.grains == [.layer, .token])
            #expect(manifest.statistics.tensors == [.key])
            #expect(manifest.statistics.layers == [1])
            #expect(manifest.statistics.histogram)
            #expect(manifest.magnitude.layers == [0, 1])
            #expect(manifest.magnitude.head == 1)
            #expect(manifest.magnitude.maximumBins == 8)
            #expect(manifest.errors.schemes.map(\.id) == ["identity", "rtn-int2-channel-g32/rtn-int2-token-g32"])
            #expect(manifest.errors.metrics == ["mse"])
            #expect(manifest.errors.maximumQueries == 7)
            #expect(manifest.errors.queryStride == 3)
            #expect(manifest.figures.map(\.id) == ["channel-profile", "error-by-layer"])
            #expect(manifest.figures[0].selection.layers == [1])
            #expect(!manifest.output.keepsCapture)
        }
    }

    static let everything = """
        description: two words
        capture:
          tensors: [value, key, query, key]
          layers: 0-1
          max_tokens: 32
          sequence_tokens: 16
          element_type: f32
        analyses:
          statistics: {grains: [layer, token], tensors: [key], layers: late, histogram: true}
          magnitude: {layers: [early, middle, late], head: 1, tensors: [key], token_bins: 8}
          errors:
            schemes: [identity, rtn-int2-channel-g32/rtn-int2-token-g32]
            metrics: [mse]
            layers: [0, 1]
            max_queries: 7
            query_stride: 3
        figures:
          - id: channel-profile
            layers: [late]
            tensors: key
          - error-by-layer
        output: {directory: out, keep_capture: false}

        """

    @Test(arguments: ["", everything]) func resolvedManifestReadsBackTheSame(rest: String) throws {
        try TestRun.with { run in
            try run.write("second", to: "second.txt")
            let head = "name: small\nmodel: model.gguf\ntexts: [text.txt, {path: text.txt, name: second}]\n"
            let manifest = try run.load(rest, head: head)
            let text = try manifest.resolvedYAML()
            try run.write(text, to: "resolved.yaml")
            let again = try Manifest.load(run.path("resolved.yaml"))
            #expect(try again.resolvedYAML() == text)
            #expect(again.capture == manifest.capture)
            #expect(again.statistics == manifest.statistics)
            #expect(again.magnitude == manifest.magnitude)
            #expect(again.errors == manifest.errors)
            #expect(again.figures == manifest.figures)
            #expect(again.output == manifest.output)
            #expect(again.texts == manifest.texts)
        }
    }

    @Test(arguments: ["null", "07", "true", "a: b", "'", "#", "~", "- x", "ünïcode", "line\nbreak", "[]", "1e3"])
    func awkwardTextsSurviveResolving(text: String) throws {
        try TestRun.with { run in
            var manifest = try run.load()
            manifest.description = text
            manifest.model.name = text
            try run.write(try manifest.resolvedYAML(), to: "resolved.yaml")
            let again = try Manifest.load(run.path("resolved.yaml"))
            #expect(again.description == text)
            #expect(again.model.name == text)
        }
    }

    @Test func metricsDefaultToWhatTheCaptureAllows() throws {
        try TestRun.with { run in
            let metrics = try run.load("capture: {tensors: [key, value]}\n").errors.metrics
            #expect(metrics == MetricCatalogue.all.filter { !$0.needsQueries }.map { $0.id })
        }
    }

    @Test func includesGoUnderTheManifestsOwnKeys() throws {
        try TestRun.with { run in
            try FileManager.default.createDirectory(atPath: run.path("shared"), withIntermediateDirectories: true)
            try run.write("capture: {max_tokens: 9, layers: 1}\ntexts: [../text.txt]\n", to: "shared/a.yaml")
            try run.write("capture: {max_tokens: 8, element_type: f32}\n", to: "shared/b.yaml")
            let head = "include: [shared/a.yaml, shared/b.yaml]\nmodel: model.gguf\ncapture: {layers: 0}\n"
            let manifest = try run.load(head: head)
            #expect(manifest.capture.layers == .only([0]), "the manifest wins over what it includes")
            #expect(manifest.capture.maximumTokensPerText == 8, "a later include wins over an earlier one")
            #expect(manifest.capture.elementType == .float32)
            #expect(manifest.texts.map(\.path) == [run.path("text.txt")], "paths start at the file that names them")
        }
    }

    @Test func complaintsAboutAnIncludeNameItsFile() throws {
        try TestRun.with { run in
            try run.write("# a comment\ncapture: {max_tokens: 0}\n", to: "part.yaml")
            let complaint = try #require(try run.complaints("include: part.yaml\n").first)
            #expect(complaint.file == run.path("part.yaml"))
            #expect(complaint.line == 2)
        }
    }

    @Test func includesInACircleAreRefused() throws {
        try TestRun.with { run in
            try run.write("include: b.yaml\n", to: "a.yaml")
            try run.write("include: a.yaml\n", to: "b.yaml")
            #expect(try run.complaints("include: a.yaml\n").first?.problem.contains("includes itself") == true)
            #expect(try run.complaints("include: experiment.yaml\n").first?.problem.contains("includes itself") == true)
            #expect(try run.complaints("include: absent.yaml\n").first?.problem.contains("no such file") == true)
        }
    }

    @Test func commandLineWins() throws {
        try TestRun.with { run in
            try run.write("other", to: "other.txt")
            let overrides = [
                "capture.max_tokens=5", "texts.0=\(run.path("other.txt"))", "analyses.errors.schemes=[identity]",
                "model.name=named", "description=",
            ]
            let manifest = try run.load("capture: {max_tokens: 9, layers: 1}\n", overrides: overrides)
            #expect(manifest.capture.maximumTokensPerText == 5)
            #expect(manifest.capture.layers == .only([1]))
            #expect(manifest.texts.map(\.path) == [run.path("other.txt")])
            #expect(manifest.errors.schemes.map(\.id) == ["identity"])
            #expect(manifest.model.path == run.path("model.gguf"), "the short form keeps its path")
            #expect(manifest.model.name == "named")
        }
    }

    @Test func tildeIsTheHomeFolder() throws {
        try TestRun.with { run in
            let manifest = try run.load("output: {directory: ~/kvatlas-runs/x}\n")
            #expect(manifest.output.directory == NSHomeDirectory() + "/kvatlas-runs/x")
        }
    }

    @Test func missingManifestNamesTheNearest() throws {
        try TestRun.with { run in
            _ = try run.load()
            let thrown = try error(of: FileError.self) { try Manifest.load(run.path("experimnt.yaml")) }
            #expect(thrown?.description.contains("experiment.yaml'") == true)
        }
    }

    /// Complaints about a key that is nowhere name those that are.
    @Test func documentationNamesEveryKey() throws {
        let article = Self.root.appending(path: "Sources/KVAtlas/KVAtlas.docc/TheManifest.md")
        let text = try String(contentsOf: article, encoding: .utf8)
        let analyses = ["statistics", "magnitude", "structure", "errors", "quality", "decode"]
        let unknown = analyses.map { "\($0): {zzz: 1}" }.joined(separator: ", ")
        try TestRun.with { run in
            let complaints = try run.complaints(
                "zzz: 1\ncapture: {zzz: 1}\ncalibration: {zzz: 1}\nanalyses: {\(unknown)}\noutput: {zzz: 1}\n"
            ).filter { $0.key.hasSuffix("zzz") }
            #expect(complaints.count == 4 + analyses.count)
            for complaint in complaints {
                let keys = complaint.expected?.dropFirst("one of ".count).components(separatedBy: ", ") ?? []
                #expect(!keys.isEmpty)
                // Analyses share names such as `layers`, and stand there with theirs before them.
                let section = complaint.key.split(separator: ".").dropLast()
                let prefix = section.first == "analyses" ? "\(section.last ?? "")." : ""
                for key in keys.map({ prefix + $0 }) {
                    #expect(text.contains("`\(key)`"), "\(key) is not in \(article.lastPathComponent)")
                }
            }
        }
    }

    /// Models and texts that are downloaded may be absent; everything else must be right without them.
    @Test func committedExperimentsAreValid() throws {
        let experiments = Self.root.appending(path: "experiments")
        let files = try FileManager.default.subpathsOfDirectory(atPath: experiments.path).sorted()
            .filter { $0.hasSuffix(".yaml") && !$0.hasPrefix("_shared/") }
        #expect(files.contains { $0.hasSuffix("/experiment.yaml") })
        try TestRun.with { run in
            for file in files {
                let path = experiments.appending(path: file).path
                var overrides = ["model.path=\(run.path("model.gguf"))"]
                if try String(contentsOfFile: path, encoding: .utf8).contains("/data/texts/") {
                    overrides.append("texts=[\(Self.root.appending(path: "data/sample-prose.txt").path)]")
                }
                let manifest = try Manifest.load(path, overrides: overrides)
                let folder = file.prefix { $0 != "/" }
                if file.hasSuffix("/experiment.yaml") {
                    #expect(manifest.name == folder, "a run is named like its experiment")
                } else {
                    let number = folder.prefix { $0 != "-" }
                    #expect(manifest.name.hasPrefix("\(number)-"), "a variant has its experiment's number")
                }
            }
        }
    }
}
