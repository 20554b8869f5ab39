import Quantization
import TensorCore
import Testing

@Suite struct PipelineParsingTests {
    @Test(arguments: [
        "hadamard:uniform-4-token-whole-clip0.95", "pre-rope:outliers-0.02-channel:lowrank-4:rtn-int2-channel-g64",
        "uniform-1.5-token-g128-clip0.96-e4m3", "uniform-3-channel-whole-zero-origin-away-bf16",
        "norm-corrected:lloyd-3",
        "joined:nuq-2-0.01-token-qnorm", "uniform-4-token-g32-sym-f32", "mx-e2m1-ceil", "ggml-iq4-nl",
        "qjl-256-outliers8-256", "signs:hadamard:norm:sketch:lloyd-2", "components-0.5", "entropy-cachegen",
        "varnorm-4-channel-g128", "boosted-2-4-0.1-g128", "saliency-2-4-0.4-token", "grid-e8p", "lattice-d4-4",
        "clusters-2-g128-clip0.96-e4m3", "coupled-4c8b-query", "hqq-2-token-g64", "fp8-e4m3-tensor",
        "hadamard-16:nvfp4",
        "predict:layernorm:hadamard:grid-2-16", "oscar:uniform-2-token-g128-up", "reorder:polar-4-4-g128",
    ])
    func aTermIsWrittenAsItIsRead(_ term: String) throws {
        let scheme = try SchemeCatalogue.scheme(term)
        #expect(scheme.id == term)
        #expect(!scheme.summary.isEmpty)
        let again = try PipelineScheme(parameters: try #require(scheme as? PipelineScheme).parameters)
        #expect(again.id == term)
    }

    @Test(arguments: [
        ("hadamrd:rtn-int2-token-g32", "hadamard"), ("hadamard:unifrm-4-token-g32", "uniform"),
        ("uniform-9-token-g32", "1 to 8"), ("uniform-4-token-g0", "1 element or more"),
        ("uniform-4-token-g32-clip1.5", "at most 1"), ("uniform-4-token-g32-clip0.95-clip0.9", "clip0.9"),
        ("hadamard-12:rtn-int2-token-g32", "power of two"), ("hadamard:hadamard", "coder"), ("hadamard:", "coder"),
        ("outliers-0.9-token:rtn-int2-token-g32", "0.5"), ("ggml-q4-2", "q4-0"), ("mx-e9", "e4m3"),
        ("grid-3-7", "2-16"), ("coupled-x", "4c8b"), ("uniform-4-token", "group"), ("uniform-4-g32", "token"),
        ("uniform-1-token-g32-sym", "2 or more"), ("lattice-z-4", "d4 or e8"), ("nf-5-token-g64", "2 to 4"),
    ])
    func whatIsWrongIsSaid(_ term: String, _ expected: String) {
        #expect {
            try CacheScheme(parsing: term)
        } throws: { error in
            "\(error)".contains(expected)
        }
    }

    @Test func everyPublishedNameStandsForItsTerm() throws {
        for description in SchemeCatalogue.all where description.kind == .cache {
            let scheme = try CacheScheme(parsing: description.id)
            #expect(scheme.id == description.id)
            let window = scheme.window.term.isEmpty ? "" : "+\(scheme.window.term)"
            let written = try CacheScheme(parsing: "\(scheme.key.id)/\(scheme.value.id)\(window)")
            #expect(written == scheme, "\(description.id)")
        }
    }

    @Test func aNamesWindowCanBeReplaced() throws {
        let scheme = try CacheScheme(parsing: "kvarn-k4v2@window=128+sink=4")
        #expect(scheme.id == "kvarn-k4v2@window=128+sink=4")
        #expect(try scheme.window == WindowPolicy(sink: 4, recent: .last(128)))
        #expect(try CacheScheme(parsing: "kvarn-k4v2@window=0").window == .none)
        #expect(try CacheScheme(parsing: "quarot-2+window=64").id == "quarot-2+window=64")
        #expect(throws: SchemeError.self) { try CacheScheme(parsing: "kvarn-k4v2@window=1@sink=2") }
        #expect(throws: SchemeError.self) { try CacheScheme(parsing: "kvarn-k4v2+window=4@sink=2") }
    }

    @Test func anEqualWindowIsReadAndWritten() throws {
        let window = try WindowPolicy(equal: "equal(sink: 4, recent: 128)")
        #expect(try window == WindowPolicy(sink: 4, recent: .last(128)))
        #expect(window.equalTerm == "equal(sink: 4, recent: 128)")
        for text in ["equal", "equal(sink: -1)", "equal(first: 2)", "equal(sink: 1, sink: 2)", "128"] {
            #expect(throws: SchemeError.self) { try WindowPolicy(equal: text) }
        }
    }

    @Test func everyStepIsInTheCatalogue() {
        #expect(Set(PipelineCatalogue.grammar.map { $0.term }).count == PipelineCatalogue.grammar.count)
        #expect(PipelineCatalogue.grammar.allSatisfy { !$0.summary.isEmpty })
    }
}
