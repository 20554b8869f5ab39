import Inference
import Kernels
import TensorCore
import Testing

/// Small random models against the definition in double precision.
struct ForwardTests {
    /// Largest difference over the root mean square of what is expected.
    private func deviation(_ found: some Collection<Float>, _ expected: some Collection<Double>) -> Double {
        let square = expected.reduce(0) { $0 + $1 * $1 } / Double(expected.count)
        let worst = zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
        return found.count == expected.count ? worst / square.squareRoot() : .infinity
    }

    /// Rounding of sums of 128 terms through two layers is about 2e-6 relative; outlier channels are five times the
    /// root mean square, and the largest of 33,000 errors 4.5 standard deviations: 4.5e-5. A wrong index gives 0.1.
    private static let tolerance = 1e-4

    @Test(arguments: ["llama", "qwen2"], [1, 2, 5, 6, 7, 31, 32, 33])
    func logitsAndTapsEqualTheDefinition(_ architecture: String, _ length: Int) throws {
        var shape = RandomModel.Shape()
        shape.isOutputTied = length.isMultiple(of: 2)
        try TestModels.withRandomModel(architecture, seed: UInt64(length), shape: shape) { path in
            let tokens = (0..<length).map { Int32($0 * 37 % 250) }
            let expected = try PlainForward(path: path).run(tokens)
            let model = try LanguageModel(path: path)
            let tap = KeepingTap()
            let cache = model.makeCache(capacity: length)
            let logits = try #require(try model.forward(tokens, cache: cache, logits: .all, tap: tap))
            #expect(deviation(logits.elements, expected.logits.flatMap { $0 }) < Self.tolerance)
            #expect(tap.values.count == expected.tensors.count)
            for (key, values) in expected.tensors {
                let found = try #require(tap.values[key])
                #expect(deviation(found, values) < Self.tolerance, "\(key.tensor) of layer \(key.layer)")
            }
        }
    }

    @Test(arguments: ["llama", "qwen2"])
    func anyChunkingGivesTheSameLogits(_ architecture: String) throws {
        try TestModels.withRandomModel(architecture) { path in
            let model = try LanguageModel(path: path)
            let tokens = (0..<40).map { Int32($0 * 29 % 250) }
            let whole = try #require(
                try model.forward(tokens, cache: model.makeCache(capacity: 40), logits: .all)
            ).elements.map { Double($0) }
            for chunks in [[1, 39], [39, 1], [20, 20], Array(repeating: 1, count: 40), [7, 1, 1, 31]] {
                let cache = model.makeCache(capacity: 40)
                var elements: [Float] = [], first = 0
                for count in chunks {
                    let part = Array(tokens[first..<first + count])
                    elements += try #require(try model.forward(part, cache: cache, logits: .all)).elements
                    first += count
                }
                #expect(deviation(elements, whole) < Self.tolerance)
            }
        }
    }

    @Test func blocksContinueEachOther() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let count = LanguageModel.tokensPerBlock + 9
            let tokens = (0..<count).map { Int32($0 * 31 % 250) }
            let tap = KeepingTap { tensor, layer in tensor == .key && layer == 1 }
            let cache = model.makeCache(capacity: count)
            let last = try #require(try model.forward(tokens, cache: cache, logits: .suffix(12), tap: tap))
            let key = KeepingTap.Key(tensor: .key, layer: 1)
            #expect(tap.firstTokens == [key: [0, LanguageModel.tokensPerBlock]])
            #expect(cache.length == count)

            let expected = try PlainForward(path: path).run(tokens)
            #expect(deviation(last.elements, expected.logits.suffix(12).flatMap { $0 }) < Self.tolerance)
            let found = deviation(try #require(tap.values[key]), try #require(expected.tensors[key]))
            #expect(found < Self.tolerance)

            let states = try model.states(of: tokens, from: count - 12, cache: model.makeCache(capacity: count))
            let vocabulary = model.configuration.vocabularySize
            var later = [Float](repeating: .nan, count: 12 * vocabulary)
            #expect(states.count == 12)
            model.logits(of: states, rows: 0..<12, into: &later)
            // The last token's of 9 and those of 3 before it are made a block at a time there.
            #expect(deviation(later, last.elements.map { Double($0) }) < Self.tolerance)
            model.logits(of: states, rows: 3..<12, into: &later)
            #expect(Array(later.prefix(9 * vocabulary)) == Array(last.elements.suffix(9 * vocabulary)))
        }
    }

    @Test func logitsAreOfTheTokensAskedFor() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let vocabulary = model.configuration.vocabularySize
            let tokens: [Int32] = [3, 1, 4, 1, 5]
            func logits(_ request: LogitRequest) throws -> Tensor? {
                try model.forward(tokens, cache: model.makeCache(capacity: 5), logits: request)
            }
            let all = try #require(try logits(.all))
            #expect(all.layout == Layout([.init(.token, 5), .init(.vocabulary, vocabulary)]))
            #expect(try logits(.none) == nil)
            #expect(try logits(.suffix(0)) == nil)
            for (request, count) in [(LogitRequest.last, 1), (.suffix(2), 2), (.suffix(9), 5)] {
                let part = try #require(try logits(request))
                #expect(part.layout.size(of: .token) == count)
                let expected = all.elements.suffix(count * vocabulary).map { Double($0) }
                #expect(deviation(part.elements, expected) < Self.tolerance)
            }
        }
    }

    /// A pass without logits skips work in the last layer, but the cache must not notice.
    @Test func cacheFilledWithoutLogitsIsTheSame() throws {
        try TestModels.withRandomModel { path in
            let model = try LanguageModel(path: path)
            let tokens = (0..<20).map { Int32($0) }
            let silent = model.makeCache(capacity: 21), spoken = model.makeCache(capacity: 21)
            try model.forward(tokens, cache: silent, logits: .none)
            try model.forward(tokens, cache: spoken, logits: .all)
            #expect(silent.length == 20)
            #expect(try model.forward([7], cache: silent) == model.forward([7], cache: spoken))
        }
    }

    @Test(arguments: ["llama", "qwen2"])
    func resultsDoNotDependOnTheNumberOfThreads(_ architecture: String) throws {
        let threads = Parallel.threadCount
        defer { Parallel.threadCount = threads }
        try TestModels.withRandomModel(architecture) { path in
            let model = try LanguageModel(path: path)
            let tokens = (0..<100).map { Int32($0 * 17 % 250) }
            let results = try [1, 2, 3, 8].map { count in
                Parallel.threadCount = count
                let cache = model.makeCache(capacity: 101)
                let prefill = try #require(try model.forward(tokens, cache: cache, logits: .all)).elements
                return prefill + (try #require(try model.forward([5], cache: cache)).elements)
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }
}
