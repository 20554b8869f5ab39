import Foundation
import Inference

/// Where the tensors of a capture come from: the model, the texts and the command.
public struct CaptureMetadata: Sendable, Codable, Equatable {
    public var name: String
    public var architecture: String
    /// Layers of the model, of which the capture may hold some.
    public var layers: Int
    /// Query heads.
    public var heads: Int
    public var kvHeads: Int
    public var headDim: Int
    public var ropeBase: Double
    /// Which channels RoPE rotates together: `halves` pairs i with i + head_dim / 2.
    public var ropeLayout: String
    /// What each layer's attention sees and how it turns; `nil` where it was not kept: full attention, all by `ropeBase`.
    public var attention: AttentionLayout?
    /// Number of token ids.
    public var vocabulary: Int
    public var weightsSHA256: String
    public var weightType: String
    /// The full command line.
    public var command: String
    public var toolVersion: String
    /// Time of the start, ISO 8601 in UTC.
    public var created: String
    /// One a text, in the order of the sequences.
    public var textSHA256s: [String]

    /// - Parameter created: now, if not given.
    public init(
        name: String,
        architecture: String,
        layers: Int,
        heads: Int,
        kvHeads: Int,
        headDim: Int,
        ropeBase: Double,
        ropeLayout: String,
        attention: AttentionLayout? = nil,
        vocabulary: Int,
        weightsSHA256: String,
        weightType: String,
        command: String,
        toolVersion: String,
        created: String? = nil,
        textSHA256s: [String]
    ) {
        self.name = name
        self.architecture = architecture
        self.layers = layers
        self.heads = heads
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.ropeBase = ropeBase
        self.ropeLayout = ropeLayout
        self.attention = attention
        self.vocabulary = vocabulary
        self.weightsSHA256 = weightsSHA256
        self.weightType = weightType
        self.command = command
        self.toolVersion = toolVersion
        self.created = created ?? Date().ISO8601Format()
        self.textSHA256s = textSHA256s
    }
}

extension CaptureMetadata {
    /// Of a capture of random numbers, which no model has seen and which says so: `kind` is its model's name.
    static func ofRandomNumbers(
        _ kind: String,
        layers: Int,
        heads: Int,
        kvHeads: Int,
        headDim: Int,
        weightType: String,
        command: String,
        sequences: Int
    ) -> CaptureMetadata {
        let noSHA256 = String(repeating: "0", count: 64), ropeBase = 10000.0
        return CaptureMetadata(
            name: kind,
            architecture: kind,
            layers: layers,
            heads: heads,
            kvHeads: kvHeads,
            headDim: headDim,
            ropeBase: ropeBase,
            ropeLayout: "halves",
            attention: .usual(layers: layers, headDim: headDim, ropeBase: ropeBase),
            vocabulary: 256,
            weightsSHA256: noSHA256,
            weightType: weightType,
            command: command,
            toolVersion: kind,
            created: "2000-01-01T00:00:00Z",
            textSHA256s: Array(repeating: noSHA256, count: sequences)
        )
    }
}

/// One prompt of a capture: a run of neighbouring tokens.
public struct CaptureSequence: Sendable, Codable, Equatable {
    /// Index of the sequence, from 0.
    public let id: Int
    public let name: String
    /// Index of its first token among all tokens of the capture.
    public let start: Int
    /// Tokens in it.
    public let length: Int

    public init(id: Int, name: String, start: Int, length: Int) {
        self.id = id
        self.name = name
        self.start = start
        self.length = length
    }

    /// Its tokens among all tokens of the capture.
    public var tokens: Range<Int> { start..<start + length }
}
