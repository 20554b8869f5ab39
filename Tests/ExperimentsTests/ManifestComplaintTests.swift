import Experiments
import Testing

@Suite struct ManifestComplaintTests {
    @Test func unknownKeyNamesItsPlaceAndTheNearestKey() throws {
        try TestRun.with { run in
            let complaint = try #require(try run.complaints("capture:\n  max_token: 5\n").first)
            #expect(complaint.file == run.path("experiment.yaml"))
            #expect(complaint.line == 5)
            #expect(complaint.column == 3)
            #expect(complaint.key == "capture.max_token")
            #expect(complaint.problem == "unknown key")
            #expect(complaint.remedy == "Did you mean 'max_tokens'?")
            #expect(
                complaint.description.hasPrefix(
                    "\(complaint.file):5:3: capture.max_token: unknown key; expected one of"
                )
            )
        }
    }

    @Test func tabIsNamedAsSuch() throws {
        try TestRun.with { run in
            let complaints = try run.complaints("capture:\n\tmax_tokens: 5\n")
            #expect(complaints.count == 1)
            #expect(complaints.first?.line == 5)
            #expect(complaints.first?.problem == "the line is indented with a tab")
            #expect(complaints.first?.remedy == "Replace each tab by spaces.")
        }
    }

    @Test func duplicateKeyIsFound() throws {
        try TestRun.with { run in
            for (rest, line) in [("model: other.gguf\n", 1), ("capture:\n  layers: 0\n  layers: 1\n", 5)] {
                let complaint = try #require(try run.complaints(rest).first)
                #expect(complaint.problem.contains("more than once"))
                #expect(complaint.line >= line)
            }
        }
    }

    @Test func brokenYAMLHasLineAndColumn() throws {
        try TestRun.with { run in
            let complaint = try #require(try run.complaints("capture: [key, value\n").first)
            #expect(complaint.line >= 4)
            #expect(complaint.column >= 1)
        }
    }

    @Test func emptyManifestAndOneOfAnotherKindAreRefused() throws {
        try TestRun.with { run in
            #expect(try run.complaints(head: "").first?.problem == "the manifest is empty")
            #expect(try run.complaints(head: "- a\n- b\n").first?.problem == "a list stands here")
            #expect(try run.complaints(head: "just words\n").first?.problem == "'just words' stands here")
        }
    }

    @Test func missingModelAndTextsAreNamed() throws {
        try TestRun.with { run in
            let complaints = try run.complaints(head: "name: small\n")
            #expect(complaints.map(\.key) == ["model", "texts"])
            #expect(complaints.allSatisfy { $0.problem == "the key is missing" })
        }
    }

    @Test func missingFilesNameTheNearestOfTheirFolder() throws {
        try TestRun.with { run in
            let complaints = try run.complaints(head: "model: modle.gguf\ntexts: [txt.txt, absent.md]\n")
            #expect(complaints.map(\.key) == ["model.path", "texts[0]", "texts[1]"])
            #expect(complaints.allSatisfy { $0.problem.contains("there is no such file") })
            #expect(complaints[0].remedy?.contains("/model.gguf'") == true)
            #expect(complaints[1].remedy?.contains("/text.txt'") == true)
            #expect(complaints[2].remedy == nil)
        }
    }

    @Test func emptyTextAndOneThatIsNotUTF8AreRefused() throws {
        try TestRun.with { run in
            try run.write("", to: "empty.txt")
            try AtomicFile.write(.init([0x61, 0x62, 0xFF, 0x63]), to: run.path("latin.txt"))
            let complaints = try run.complaints(head: "model: model.gguf\ntexts: [empty.txt, latin.txt]\n")
            #expect(complaints.count == 2)
            #expect(complaints[0].problem.contains("the file is empty"))
            #expect(complaints[1].problem.contains("byte 2 does not begin a character"))
        }
    }

    @Test func modelThatIsNoGGUFIsRefused() throws {
        try TestRun.with { run in
            try run.write("not a model, but long enough to be looked at", to: "model.gguf")
            let complaints = try run.complaints()
            #expect(complaints.map(\.key) == ["model.path"])
        }
    }

    @Test func schemeTypoNamesTheNearestScheme() throws {
        try TestRun.with { run in
            let rest = "analyses:\n  errors:\n    schemes:\n      - identity\n      - rtn-int2-tokn-g32\n"
            let complaint = try #require(try run.complaints(rest).first)
            #expect(complaint.line == 8)
            #expect(complaint.key == "analyses.errors.schemes[1]")
            #expect(complaint.description.contains("rtn-int2-token-g32"))
        }
    }

    @Test func metricStatisticGrainAndFigureTyposNameTheNearest() throws {
        try TestRun.with { run in
            let rest = """
                analyses:
                  statistics: {grains: [chanel], tensors: [kay]}
                  errors: {metrics: [sqnr]}
                figures: [magnitude-surfaces]
                capture: {element_type: f61}
                """
            let complaints = try run.complaints(rest)
            #expect(complaints.count == 5)
            for (complaint, nearest) in zip(complaints, ["channel", "key", "sqnr_db", "magnitude-surface", "f16"]) {
                #expect(complaint.description.contains("'\(nearest)'"), "\(complaint)")
            }
        }
    }

    @Test func wrongKindsAndRangesSayWhatIsExpected() throws {
        try TestRun.with { run in
            let rest = """
                description: [a]
                capture:
                  max_tokens: many
                  sequence_tokens: 0
                  layers: {a: 1}
                analyses:
                  magnitude: {token_bins: 1, head: -1}
                  errors: {max_queries: "5", schemes: [], query_stride: 1.5}
                output: {keep_capture: maybe, directory: ""}
                """
            let complaints = try run.complaints(rest)
            #expect(
                complaints.map(\.key) == [
                    "description", "capture.max_tokens", "capture.sequence_tokens", "capture.layers",
                    "analyses.magnitude.token_bins", "analyses.magnitude.head", "analyses.errors.max_queries",
                    "analyses.errors.schemes", "analyses.errors.query_stride", "output.keep_capture",
                    "output.directory",
                ]
            )
            #expect(complaints.allSatisfy { $0.expected != nil })
        }
    }

    @Test func layersAndHeadsThatDoNotExistAreFoundBeforeAnythingRuns() throws {
        try TestRun.with { run in
            let rest = """
                capture: {layers: [0, 7]}
                analyses:
                  magnitude: {head: 2}
                """
            let complaints = try run.complaints(rest)
            #expect(complaints.map(\.problem) == ["there is no layer 7", "'2' stands here"])
            #expect(complaints.map(\.expected) == ["0 to 1", "a whole number, 0 to 1"])
        }
    }

    @Test func whatIsNotCapturedCannotBeAnalysed() throws {
        try TestRun.with { run in
            let rest = """
                capture: {layers: 1, tensors: [key, value]}
                analyses:
                  statistics: {tensors: [query]}
                  errors: {layers: [0], metrics: [score_relative_error]}
                figures:
                  - {id: channel-profile, layers: 0}
                """
            let complaints = try run.complaints(rest)
            #expect(
                complaints.map(\.key) == [
                    "analyses.statistics.tensors[0]", "analyses.errors.layers[0]", "analyses.errors.metrics[0]",
                    "figures[0].layers",
                ]
            )
        }
    }

    @Test func keysAndValuesMustBeCaptured() throws {
        try TestRun.with { run in
            let complaints = try run.complaints("capture: {tensors: [key]}\n")
            #expect(complaints.first?.problem == "'value' is missing, which the analyses need")
        }
    }

    @Test func selectionThatAFigureDoesNotHeedIsRefused() throws {
        try TestRun.with { run in
            let complaints = try run.complaints("figures:\n  - {id: magnitude-surface, metrics: [mse]}\n")
            #expect(complaints.first?.problem == "the figure 'magnitude-surface' takes no metrics")
        }
    }

    @Test func nameMustBeAFolderName() throws {
        try TestRun.with { run in
            for name in ["../up", "a/b", ".hidden", "''", "a b"] {
                let complaints = try run.complaints(head: "name: \(name)\nmodel: model.gguf\ntexts: text.txt\n")
                #expect(complaints.first?.key == "name", "\(name)")
            }
        }
    }

    @Test func allComplaintsComeAtOnceFromTopToBottom() throws {
        try TestRun.with { run in
            let rest = "capture: {max_tokens: 0}\nanalyses: {erors: {}}\nfigures: [nothing]\nouput: {}\n"
            let complaints = try run.complaints(rest)
            #expect(complaints.map(\.line) == [4, 5, 6, 7])
        }
    }

    @Test func commandLineIsNamedInItsComplaints() throws {
        try TestRun.with { run in
            let cases = [
                ("capture.max_token=5", "capture.max_token"), ("capture.max_tokens=many", "capture.max_tokens"),
                ("novalue", ""), ("capture.layers=[0", ""), ("texts.3=a.txt", "texts"),
            ]
            for (override, key) in cases {
                let complaint = try #require(try run.complaints(overrides: [override]).first, "\(override)")
                #expect(complaint.file.hasPrefix("--set \(override)"))
                #expect(complaint.key == key)
            }
        }
    }
}
