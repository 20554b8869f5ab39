import TensorCore

/// The steps that a pipeline can have.
public enum PipelineCatalogue {
    /// One line a stage. A test finds conforming types that are missing here.
    package static let stages: [any PipelineStage.Type] = [
        ChannelMeanStage.self,
        ChannelRootStage.self,
        HadamardStage.self,
        JoinHeadsStage.self,
        LayerNormStage.self,
        LowRankStage.self,
        OscarRotationStage.self,
        OutlierStage.self,
        PredictorStage.self,
        ReorderStage.self,
        SignStage.self,
        SketchStage.self,
        SmoothStage.self,
        TokenNormStage.self,
    ]

    /// One line a coder.
    package static let coders: [any BlockCoder.Type] = [
        BoostedCoder.self,
        ClusterCoder.self,
        CoupledCoder.self,
        EntropyCoder.self,
        FP8Coder.self,
        GGMLCoder.self,
        GridCoder.self,
        HQQCoder.self,
        KVQuantCoder.self,
        LatticeCoder.self,
        LloydMaxCoder.self,
        MicroscalingCoder.self,
        NVFP4Coder.self,
        NormalFloatCoder.self,
        PolarCoder.self,
        PrincipalComponentCoder.self,
        RecursivePolarCoder.self,
        RoundToNearestCoder.self,
        SaliencyCoder.self,
        SignSketchCoder.self,
        UniformCoder.self,
        VarianceNormalizedCoder.self,
    ]

    /// How each step is written, for lists and messages.
    public static var grammar: [(term: String, summary: String)] {
        stages.map { ($0.grammar, $0.summary) } + coders.map { ($0.grammar, $0.summary) }
    }

    static func stage(_ text: String) throws -> any PipelineStage {
        var term = StageTerm(text)
        guard let type = stages.first(where: { $0.name == term.name }) else {
            throw unknown(text, stages.map { $0.name }, "a stage")
        }
        term.skipName()
        let stage = try type.init(&term)
        try term.finish(type.grammar)
        return stage
    }

    static func coder(_ text: String) throws -> any BlockCoder {
        var term = StageTerm(text)
        guard let type = coders.first(where: { $0.name == term.name }) else {
            throw unknown(text, coders.map { $0.name }, "a coder, which ends a pipeline")
        }
        term.skipName()
        let coder = try type.init(&term)
        try term.finish(type.grammar)
        return coder
    }

    /// Whether a term without stages names a coder that no other family writes.
    static func knowsCoder(_ text: String) -> Bool {
        let name = StageTerm(text).name
        return name != RoundToNearestCoder.name && coders.contains { $0.name == name }
    }

    private static func unknown(_ text: String, _ names: [String], _ what: String) -> SchemeError {
        let name = StageTerm(text).name, nearest = nearestName(to: name, in: names)
        return .parameter(
            name: "'\(text)'",
            value: "no known step",
            expected: nearest.map { "\(what), perhaps '\($0)'" } ?? "\(what): \(names.joined(separator: ", "))"
        )
    }
}
