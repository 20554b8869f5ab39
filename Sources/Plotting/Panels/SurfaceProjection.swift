#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A parallel projection of a box: columns along the front left edge, rows
/// away along the front right edge, values upwards.
struct SurfaceProjection {
    private static let turn = 33 * Double.pi / 180
    private static let elevation = 25 * Double.pi / 180
    /// Length of the row direction against the column direction.
    private static let depth = 0.9

    /// Pixels along the whole column and row direction.
    let columnStep: (x: Double, y: Double)
    let rowStep: (x: Double, y: Double)
    /// Pixels of the full value range, upwards.
    let heightPixels: Double
    /// Pixel of the corner where column, row and value are least: the left corner.
    let origin: (x: Double, y: Double)

    /// The largest box that fits an area.
    init(in area: Rect) {
        let across = cos(Self.turn) + Self.depth * sin(Self.turn)
        let fall = sin(Self.elevation)
        let down = (sin(Self.turn) + Self.depth * cos(Self.turn)) * fall
        let scale = min(area.width / across, area.height * 0.62 / down)
        columnStep = (scale * cos(Self.turn), scale * sin(Self.turn) * fall)
        rowStep = (scale * Self.depth * sin(Self.turn), -scale * Self.depth * cos(Self.turn) * fall)
        heightPixels = area.height - scale * down
        origin = (area.x + (area.width - scale * across) / 2, area.bottom - columnStep.y)
    }

    /// Pixel of a point with each coordinate from 0 to 1.
    func point(column: Double, row: Double, value: Double) -> (x: Double, y: Double) {
        (
            origin.x + column * columnStep.x + row * rowStep.x,
            origin.y + column * columnStep.y + row * rowStep.y - value * heightPixels
        )
    }

    /// Vector whose foot lies on the floor line of a row and whose head on the
    /// line of the greatest value, at right angles to both: the colour gradient.
    var gradient: (x: Double, y: Double) {
        let length2 = columnStep.x * columnStep.x + columnStep.y * columnStep.y
        let factor = heightPixels * columnStep.x / length2
        return (columnStep.y * factor, -columnStep.x * factor)
    }
}
