import Evaluation
import Kernels
import Quantization
import TensorCore
import Testing

/// What an error study refuses, and what it says then.
@Suite struct ErrorStudyInputTests {
    private func message(_ source: ArraySource, _ settings: ErrorStudySettings) -> String {
        do {
            _ = try ErrorStudy.run(source: source, settings: settings)
            return "nothing was thrown"
        } catch { return "\(error)" }
    }

    @Test func aCaptureWithoutQueriesNamesTheMetricsAndTheRemedy() throws {
        var source = ArraySource.gaussian()
        source.tensors = [.key, .value]
        let text = message(source, try .terms(["rtn-int2-token-g32"]))
        #expect(text.contains("score_relative_error") && text.contains("output_error_pair"))
        #expect(text.contains("--tensors query,key,value") && text.contains("mse"))
    }

    @Test func metricsOfReconstructionNeedNoQueries() throws {
        var source = ArraySource.gaussian()
        source.tensors = [.key, .value]
        source.query = [:]
        let settings = try ErrorStudySettings.terms(["rtn-int2-token-g32"], metrics: ["mse", "sqnr_db"])
        let result = try ErrorStudy.run(source: source, settings: settings)
        #expect(Set(result.errors.rowViews.compactMap { $0.string("metric") }) == ["mse", "sqnr_db"])
    }

    @Test func aMissingTensorIsNamed() throws {
        var source = ArraySource.gaussian()
        source.tensors = [.query, .key]
        #expect(message(source, try .terms(["identity"])).contains("no value tensor"))
    }

    @Test func aMetricTypoNamesTheNearest() throws {
        let settings = try ErrorStudySettings.terms(["identity"], metrics: ["mse", "sqnr"])
        #expect(message(.gaussian(), settings).contains("perhaps 'sqnr_db'"))
    }

    @Test func emptyThingsAreRefused() throws {
        #expect(message(.gaussian(), try .terms(["identity"], metrics: [])).contains("metrics is empty"))
        #expect(message(.gaussian(), try .terms(["identity"], maximumQueries: 0)).contains("maximum_queries is 0"))
        #expect(message(.gaussian(sequences: [0..<0]), try .terms(["identity"])).contains("holds no tokens"))
        #expect(message(.gaussian(sequences: []), try .terms(["identity"])).contains("holds no tokens"))
    }

    @Test func headsThatCannotBeSharedAreRefused() throws {
        let source = ArraySource.gaussian(heads: 3, kvHeads: 2)
        #expect(message(source, try .terms(["identity"])).contains("3 query heads"))
    }

    @Test func aSchemeGivenTwiceRunsOnce() throws {
        let terms = ["rtn-int2-token-g32", "identity", "rtn-int2-token-g32/rtn-int2-token-g32"]
        let result = try ErrorStudy.run(source: ArraySource.gaussian(), settings: .terms(terms, metrics: ["mse"]))
        // Two schemes, two heads, keys and values.
        #expect(result.errors.rows.count == 8)
    }

    /// A group that holds a NaN is lost; the study says so in that head and goes on elsewhere.
    @Test(arguments: [Float.nan, .infinity])
    func aLostKeySpoilsItsHeadOnly(value: Float) throws {
        var source = ArraySource.gaussian()
        source.key[0]?[5] = HalfConversion.toHalf([value])[0]
        let settings = try ErrorStudySettings.terms(["rtn-int2-token-g32"], metrics: ["mse", "output_error_key"])
        let result = try ErrorStudy.run(source: source, settings: settings)
        #expect(result.error("mse", "key", "rtn-int2-token-g32", head: 0)?.isNaN == true)
        #expect(result.error("mse", "key", "identity", head: 0) == 0)
        #expect(result.error("mse", "key", "rtn-int2-token-g32", head: 1)?.isFinite == true)
        #expect(result.error("output_error_key", "key", "rtn-int2-token-g32", head: 1)?.isFinite == true)
    }
}
