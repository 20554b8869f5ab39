import Foundation
import Inference
import TensorCore

/// What each cache takes for a model, and what fits beside its weights.
struct CacheFitSummary: Encodable {
    struct Entry: Encodable {
        let account: CacheAccount
        let bytesPerToken: Double
        let fit: CacheFit
    }

    /// Of the model, which no sequence exceeds.
    let contextLength: Int
    /// The length of the accounts.
    let tokens: Int
    let weightBytes: Int
    let memoryBytes: Int
    let entries: [Entry]

    /// A length that all models reach.
    private static let usualTokens = 4096

    init(
        _ configuration: ModelConfiguration,
        caches: [CacheSpecification],
        tokens: Int?,
        weightBytes: Int,
        memoryBytes: Int
    ) throws {
        let length = tokens ?? min(configuration.contextLength, Self.usualTokens)
        contextLength = configuration.contextLength
        self.tokens = length
        self.weightBytes = weightBytes
        self.memoryBytes = memoryBytes
        entries = try caches.map { cache in
            let account = cache.account(shape: configuration.cacheShape, tokens: length)
            return Entry(
                account: account,
                bytesPerToken: account.bytesPerToken,
                fit: try cache.fit(configuration, tokens: length, budget: memoryBytes - weightBytes)
            )
        }
    }

    var text: String {
        let batchTokens = entries.first?.fit.batchTokens ?? tokens
        let header = [
            "cache", "bytes/token, long", "at \(tokens)", "in all", "longest sequence",
            "batch of \(batchTokens) tokens",
        ]
        let rows = entries.map { entry in
            [
                entry.account.id, String(format: "%.0f", entry.account.asymptoticBytesPerToken),
                String(format: "%.0f", entry.bytesPerToken), byteText(entry.account.bytes.total),
                entry.fit.longestSequence == contextLength
                    ? "\(contextLength), the context" : "\(entry.fit.longestSequence)",
                "\(entry.fit.largestBatch)",
            ]
        }
        return TextColumns([header] + rows).text
            + "\nkeys and values of all layers with scales; at \(tokens) tokens with what a window keeps in float16, "
            + "in all with the rest of pages;"
            + "\nlongest and batch: in \(byteText(memoryBytes)) with \(byteText(weightBytes)) of weights"
    }
}
