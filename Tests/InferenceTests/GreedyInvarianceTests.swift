import Foundation
import Inference
import Testing

/// A real model's greedy text of a full cache, token for token the same for any batch, any cutting of the prompt, and
/// with drafts or without.
@Suite(.enabled(if: TestModels.exists(TestModels.smolLM2))) struct GreedyInvarianceTests {
    private static let count = 100

    /// A prompt whose text repeats itself, so that some drafts are right.
    private static let prompt = Array(
        """
        List the colours: red, green, blue, red, green, blue. Now the story of the lighthouse keeper. Every evening he \
        climbed the stairs and lit the lamp. Every morning he climbed the stairs and put it out. Every evening he
        """.utf8
    )

    /// Made once, of the prompt whole and alone.
    private static let expected = Result { () throws -> (model: LanguageModel, ids: [Int32], tokens: [Int32]) in
        let model = try LanguageModel(path: TestModels.path(TestModels.smolLM2))
        let ids = model.encode(prompt)
        return (model, ids, try generate(model, ids, model.makeCache(capacity: ids.count + count)).tokens)
    }

    private static func generate(
        _ model: LanguageModel,
        _ prompt: [Int32],
        _ cache: any KVCache,
        draft: Int = 0
    ) throws -> Generation {
        try Generator(model: model, draftTokens: draft).generate(prompt: prompt, maximumTokens: count, cache: cache)
            .generation
    }

    @Test(arguments: [1, 16, 512]) func howThePromptIsCut(_ step: Int) throws {
        let (model, ids, expected) = try Self.expected.get()
        let cache = model.makeCache(capacity: ids.count + Self.count)
        for first in stride(from: 0, to: ids.count - 1, by: step) {
            try model.forward(Array(ids[first..<min(first + step, ids.count - 1)]), cache: cache, logits: .none)
        }
        #expect(expected.count == Self.count)
        #expect(try Self.generate(model, Array(ids.suffix(1)), cache).tokens == expected)
    }

    @Test(arguments: [4, 15]) func howManyAreGuessed(_ draft: Int) throws {
        let (model, ids, expected) = try Self.expected.get()
        let cache = model.makeCache(capacity: ids.count + Self.count)
        let drafted = try Self.generate(model, ids, cache, draft: draft)
        #expect(drafted.tokens == expected)
        #expect(drafted.accepted > 0)
    }

    /// The prompt beside 19 others of other lengths; more than 16 are multiplied as matrices. They leave before it ends.
    @Test func howManyGoTogether() throws {
        let (model, ids, expected) = try Self.expected.get()
        let prompts = (0..<20).map { $0 == 1 ? ids : Array(ids.dropLast($0 * 2 % ids.count)) }
        var lengths = prompts.map { _ in 0 }
        let (generations, _) = try Generator(model: model).generate(
            prompts: prompts,
            maximumTokens: Self.count,
            caches: prompts.map { model.makeCache(capacity: $0.count + Self.count) },
            onToken: { index, _ in
                lengths[index] += 1
                return index == 1 || lengths[index] < 40 - index
            }
        )
        #expect(generations[1].tokens == expected)
    }

    /// What the documentation of `step` and `Generator` promises to the last bit.
    @Test func aFewTogetherAreTheSameToTheLastBit() throws {
        let few = 11
        let (model, ids, _) = try Self.expected.get()
        let start = model.makeCache(capacity: ids.count + few)
        try model.forward(ids, cache: start, logits: .none)
        let alone = try model.step([7], caches: [start.fork()]).elements
        let vocabulary = model.configuration.vocabularySize
        let together = try model.step((0..<few).map { Int32($0) }, caches: (0..<few).map { _ in try start.fork() })
        #expect(Array(together.elements[7 * vocabulary..<8 * vocabulary]) == alone)
        // A draft of 10 is checked with the token before it.
        let draft = (0..<few).map { Int32($0 * 7) }
        let checked = try #require(try model.forward(draft, cache: start.fork(), logits: .all)).elements
        let single = try start.fork()
        for (row, token) in draft.enumerated() {
            let logits = try model.step([token], caches: [single]).elements
            #expect(Array(checked[row * vocabulary..<(row + 1) * vocabulary]) == logits, "row \(row)")
        }
    }
}
