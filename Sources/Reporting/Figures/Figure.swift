import Plotting
import TensorCore

/// A figure that is drawn from tables alone.
///
/// A new figure is one file in this folder and one line in ``FigureCatalogue/all``.
public protocol Figure: Sendable {
    /// Permanent, kebab-case.
    static var id: String { get }
    /// One line for lists and help.
    static var summary: String { get }
    /// Tables without which the figure cannot be drawn.
    static var tables: [String] { get }
    /// Selections that the figure heeds.
    static var parameters: [FigureParameter] { get }

    /// Of ``tables``, those that a selection needs.
    static func tables(for selection: FigureSelection) -> [String]

    /// - Throws: ``ReportingError`` when a table, column or selected row is not there; never an empty panel.
    static func plot(_ input: FigureInput) throws -> Plot
}

extension Figure {
    public static func tables(for selection: FigureSelection) -> [String] { tables }
}

/// A part of a ``FigureSelection`` that a figure heeds.
public enum FigureParameter: String, Sendable, CaseIterable {
    case layer, head, tensor, scheme, metric, statistic
}

/// What a caption says about the data.
public struct FigureContext: Sendable, Equatable, Codable {
    public var model: String
    public var text: String
    /// Number of tokens that the tables stand for; `nil` when unknown.
    public var tokens: Int?
    /// Elements of the capture that are NaN or infinite; `nil` leaves it to the tables to tell.
    public var nonfinite: Int?
    /// What was taken for granted, as a sentence.
    public var assumption: String?

    public init(model: String, text: String, tokens: Int?, nonfinite: Int? = nil, assumption: String? = nil) {
        self.model = model
        self.text = text
        self.tokens = tokens
        self.nonfinite = nonfinite
        self.assumption = assumption
    }

    /// `Model SmolLM2, text WikiText-2, 2,048 tokens.`
    var sentence: String {
        var parts: [String] = []
        if !model.isEmpty { parts.append("Model \(model)") }
        if !text.isEmpty { parts.append("text \(text)") }
        if let tokens { parts.append("\(NumberText.short(Double(tokens), digits: 7)) tokens") }
        return parts.isEmpty ? "" : parts.joined(separator: ", ") + "."
    }
}

/// Which part of the tables a figure shows; `nil` leaves the choice to the figure.
public struct FigureSelection: Sendable, Equatable, Codable {
    public var layers: [Int]?
    public var head: Int?
    public var tensors: [String]?
    public var schemes: [String]?
    public var metrics: [String]?
    /// A column of a table with layers and heads, or `TABLE.COLUMN`.
    public var statistic: String?

    public init(
        layers: [Int]? = nil,
        head: Int? = nil,
        tensors: [String]? = nil,
        schemes: [String]? = nil,
        metrics: [String]? = nil,
        statistic: String? = nil
    ) {
        self.layers = layers
        self.head = head
        self.tensors = tensors
        self.schemes = schemes
        self.metrics = metrics
        self.statistic = statistic
    }

    /// One layer, head, tensor and scheme, as a command line gives them.
    public init(
        layer: Int?,
        head: Int? = nil,
        tensor: String? = nil,
        scheme: String? = nil,
        metric: String? = nil,
        statistic: String? = nil
    ) {
        self.init(
            layers: layer.map { [$0] },
            head: head,
            tensors: tensor.map { [$0] },
            schemes: scheme.map { [$0] },
            metrics: metric.map { [$0] },
            statistic: statistic
        )
    }
}
