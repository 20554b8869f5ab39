import TensorCore

/// Why a model cannot be loaded or run.
public enum ModelError: ActionableError, Equatable {
    case unknownArchitecture(path: String, name: String, supported: [String])
    case missingTensors(path: String, names: [String])
    /// Dimensions in ggml's order, the contiguous one first.
    case wrongShape(path: String, tensor: String, found: [Int], expected: [Int])
    case invalidConfiguration(path: String, key: String, value: String, expected: String)
    /// A feature that changes the function the model computes and is not implemented.
    case unsupportedFeature(path: String, key: String, value: String, expected: String)
    case unsupportedTokenizer(path: String, key: String, name: String, supported: [String])

    case noTokens
    case unknownToken(token: Int32, vocabularySize: Int)
    case contextOverflow(held: Int, added: Int, contextLength: Int)
    case cacheFull(held: Int, added: Int, capacity: Int)
    case cacheOfAnotherModel(cache: CacheShape, model: CacheShape)
    /// What caches would take at full length is beyond the budget; bytes.
    case memoryBudget(
        cache: String,
        sequences: Int,
        tokens: Int,
        wanted: Int,
        budget: Int,
        sequencesThatFit: Int,
        tokensThatFit: Int
    )
    case textTooShort(tokens: Int, window: Int)
    case invalidSetting(name: String, value: String, expected: String)

    public var problem: String {
        switch self {
        case .unknownArchitecture(_, let name, _): "architecture '\(name)' is not supported"
        case .missingTensors(_, let names):
            "the model lacks \(names.count) tensor\(names.count == 1 ? "" : "s"): \(names.joined(separator: ", "))"
        case .wrongShape(_, let tensor, let found, _): "tensor '\(tensor)' has the shape \(found)"
        case .invalidConfiguration(_, let key, let value, _): "'\(key)' is \(value)"
        case .unsupportedFeature(_, let key, let value, _): "'\(key)' = \(value) is not supported"
        case .unsupportedTokenizer(_, let key, let name, _): "tokenizer '\(name)' (\(key)) is not supported"
        case .noTokens: "there are no tokens to run"
        case .unknownToken(let token, _): "token id \(token) is not in the model's vocabulary"
        case .contextOverflow(let held, let added, _): "\(added) tokens after \(held) exceed the model's context"
        case .cacheFull(let held, let added, _): "\(added) tokens after \(held) do not fit the cache"
        case .cacheOfAnotherModel(let cache, let model):
            "the cache is of \(cache.summary), the model of \(model.summary)"
        case .memoryBudget(let cache, let sequences, let tokens, let wanted, _, _, _):
            "\(sequences) sequence\(sequences == 1 ? "" : "s") of up to \(tokens) tokens take\(sequences == 1 ? "s" : "") \(byteText(wanted)) "
                + "(\(wanted) bytes) of cache '\(cache)'"
        case .textTooShort(let tokens, _): "the text has only \(tokens) tokens"
        case .invalidSetting(let name, let value, _): "\(name) is \(value)"
        }
    }

    public var location: String? {
        switch self {
        case .unknownArchitecture(let path, _, _), .missingTensors(let path, _), .wrongShape(let path, _, _, _),
            .invalidConfiguration(let path, _, _, _), .unsupportedFeature(let path, _, _, _),
            .unsupportedTokenizer(let path, _, _, _):
            path
        default: nil
        }
    }

    public var expected: String? {
        switch self {
        case .unknownArchitecture(_, let name, let supported), .unsupportedTokenizer(_, _, let name, let supported):
            (name == "gemma3"
                ? "a model of texts: this one has images, which llama.cpp's converter to GGUF leaves out; "
                : nearestName(to: name, in: supported).map { "perhaps '\($0)'; " } ?? "")
                + "one of \(supported.joined(separator: ", "))"
        case .missingTensors, .noTokens: nil
        case .wrongShape(_, _, _, let expected): "\(expected), which the metadata asks for"
        case .invalidConfiguration(_, _, _, let expected), .unsupportedFeature(_, _, _, let expected),
            .invalidSetting(_, _, let expected):
            expected
        case .unknownToken(_, let vocabularySize): "an id from 0 to \(vocabularySize - 1)"
        case .contextOverflow(_, _, let contextLength): "at most \(contextLength) tokens in all"
        case .cacheFull(_, _, let capacity): "at most \(capacity) tokens in all"
        case .cacheOfAnotherModel: "a cache that this model made"
        case .memoryBudget(_, _, _, _, let budget, _, _): "at most the budget of \(byteText(budget)) (\(budget) bytes)"
        case .textTooShort(_, let window): "at least one window of \(window) tokens"
        }
    }

    public var remedy: String? {
        switch self {
        case .unknownArchitecture: "take a model of a supported family"
        case .missingTensors, .wrongShape, .invalidConfiguration:
            "the file is damaged or was written by an unusual converter: fetch it again, or convert it anew"
        case .unsupportedFeature(_, let key, _, _) where key.contains("chat_template"): nil
        case .unsupportedFeature: "take a model without it: running it anyway would give wrong numbers"
        case .unsupportedTokenizer: "take a model file with a supported tokenizer"
        case .noTokens: "give a text that is not empty"
        case .unknownToken: "use the ids of this model's own tokenizer"
        case .contextOverflow: "shorten the text, or ask for fewer tokens"
        case .cacheFull: "make a cache with a larger capacity"
        case .cacheOfAnotherModel: "call makeCache(capacity:) of this model"
        case .memoryBudget(_, let asked, let tokens, _, _, let sequences, let length):
            sequences == 0 && length == 0
                ? "give a larger budget: not even an empty sequence fits"
                : "what would fit: "
                    + [(sequences, tokens), (asked, length)].filter { $0 > 0 && $1 > 0 }
                    .map { "\($0) sequence\($0 == 1 ? "" : "s") of \($1) tokens" }.joined(separator: ", or ")
        case .textTooShort: "give a longer text, or a smaller window"
        case .invalidSetting: nil
        }
    }
}

extension CacheShape {
    /// `30 layers × 3 heads (3 queries each) × 64 channels`.
    var summary: String {
        "\(layers) layers × \(kvHeads) heads (\(queriesPerHead) queries each) × \(headDim) channels"
    }
}
