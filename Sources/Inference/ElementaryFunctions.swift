#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// eˣ of the C library, which the compiler's own overlays leave to each platform.
func exponential(_ x: Double) -> Double { exp(x) }

/// eˣ in float32.
func exponential(_ x: Float) -> Float { expf(x) }

/// erf(x) = 2/√π · ∫₀ˣ exp(−t²) dt in float32.
func errorFunction(_ x: Float) -> Float { erff(x) }

/// xʸ.
func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
