/// A published cache scheme that has a short name for a pair of tensor schemes and a window.
public protocol NamedCacheScheme: Sendable {
    /// Name of the family, lower-case and kebab: `kivi`.
    static var family: String { get }
    /// How names of the family are written.
    static var grammar: String { get }
    /// The members that a catalogue prints.
    static var listed: [Self] { get }
    /// The member that `id` names, or `nil` if `id` is of another family.
    ///
    /// - Throws: `SchemeError` if `id` is of this family and a parameter is wrong.
    static func parse(_ id: String) throws -> Self?
    /// The name of a pair and its window, or `nil` if it is not of this family.
    static func name(key: any TensorScheme, value: any TensorScheme, window: WindowPolicy) -> String?

    var entry: SchemeDescription { get }
    var cacheScheme: CacheScheme { get }
}
