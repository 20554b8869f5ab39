import Foundation

/// Functions of Foundation by the names that coders use, in float32.
func exponential(_ x: Float) -> Float { Foundation.exp(x) }
func logarithm(_ x: Float) -> Float { Foundation.log(x) }
