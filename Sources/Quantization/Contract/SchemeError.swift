import TensorCore

/// What can be wrong with a scheme's name, its parameters or its bytes.
public enum SchemeError: ActionableError, Equatable {
    /// No scheme of that name; `term` is the whole text, `offset` where the name begins in it.
    case unknownScheme(name: String, term: String, offset: Int, nearest: String?)
    /// A part of a cache scheme's term that cannot be read.
    case term(part: String, term: String, offset: Int, problem: String, expected: String)
    /// A named parameter out of its range.
    case parameter(name: String, value: String, expected: String)
    /// A block whose sizes do not suit a scheme.
    case shape(scheme: String, problem: String, expected: String)
    /// A scheme that must see the model's data first, and has not.
    case notCalibrated(scheme: String)
    /// What was learnt does not suit the block: another model's, or another scheme's.
    case calibration(scheme: String, problem: String)
    /// A scheme that must know which tokens get attention, without queries to tell.
    case needsQueries(scheme: String)
    /// Bytes that the scheme did not write.
    case packedTensor(scheme: String, problem: String)

    public var problem: String {
        switch self {
        case .unknownScheme(let name, _, _, _): "there is no scheme '\(name)'"
        case .term(let part, _, _, let problem, _): "'\(part)' \(problem)"
        case .parameter(let name, let value, _): "\(name) is \(value)"
        case .shape(_, let problem, _): problem
        case .notCalibrated(let scheme): "'\(scheme)' must be calibrated before it can encode"
        case .calibration(_, let problem): problem
        case .needsQueries(let scheme): "'\(scheme)' must know which tokens get attention, and there are no queries"
        case .packedTensor(_, let problem): problem
        }
    }

    public var location: String? {
        switch self {
        case .unknownScheme(let name, let term, let offset, _):
            term == name ? nil : "scheme '\(term)', column \(offset + 1)"
        case .term(_, let term, let offset, _, _): "scheme '\(term)', column \(offset + 1)"
        case .parameter, .notCalibrated, .needsQueries: nil
        case .shape(let scheme, _, _): "scheme '\(scheme)'"
        case .calibration(let scheme, _): "calibration of '\(scheme)'"
        case .packedTensor(let scheme, _): "packed tensor for '\(scheme)'"
        }
    }

    public var expected: String? {
        switch self {
        case .unknownScheme(_, _, _, let nearest): nearest.map { "perhaps '\($0)'" }
        case .term(_, _, _, _, let expected): expected
        case .parameter(_, _, let expected): expected
        case .shape(_, _, let expected): expected
        case .notCalibrated, .calibration, .needsQueries, .packedTensor: nil
        }
    }

    public var remedy: String? {
        switch self {
        case .unknownScheme:
            "'kvatlas list schemes' prints the usual ones; an id is written \(SchemeCatalogue.grammar); "
                + "a pair KEY/VALUE+window=128+sink=4"
        case .term: "a cache scheme is written KEY/VALUE+window=128+sink=4; one id alone means the same for both"
        case .notCalibrated(let scheme):
            "kvatlas calibrate CAPTURE.h5 --scheme \(scheme) --out CALIBRATION.h5, on another text than the one evaluated, "
                + "then --calibration CALIBRATION.h5"
        case .calibration: "calibrate on a capture of the same model: kvatlas calibrate CAPTURE.h5 --scheme ID"
        case .needsQueries: "capture again with --tensors query,key,value"
        case .parameter, .shape, .packedTensor: nil
        }
    }
}
