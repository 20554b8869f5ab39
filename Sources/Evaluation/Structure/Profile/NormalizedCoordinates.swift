import Statistics

/// Coordinates of head vectors, each vector scaled to the length √D: what is set against a standard normal.
///
/// Vectors of length 0 and with NaN or infinity are left out.
struct NormalizedCoordinates {
    private(set) var coordinates = KolmogorovSmirnov()

    mutating func add(_ vectors: UnsafePointer<Float>, count: Int, length: Int) {
        for index in 0..<count {
            let vector = vectors + index * length
            var square = 0.0
            for channel in 0..<length { square += Double(vector[channel]) * Double(vector[channel]) }
            guard square > 0, square.isFinite else { continue }
            coordinates.add(vector, count: length, scale: Float((Double(length) / square).squareRoot()))
        }
    }
}
