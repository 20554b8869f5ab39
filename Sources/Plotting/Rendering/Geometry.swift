/// A rectangle in pixels, y downwards.
public struct Rect: Sendable, Equatable {
    public var x: Double
    public var y: Double
    public var width: Double
    public var height: Double

    public init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    public var right: Double { x + width }
    public var bottom: Double { y + height }

    func intersects(_ other: Rect) -> Bool {
        x < other.right && other.x < right && y < other.bottom && other.y < bottom
    }

    func contains(_ other: Rect) -> Bool {
        other.x >= x && other.right <= right && other.y >= y && other.bottom <= bottom
    }

    /// Whether a line between two points touches the rectangle: clipping after Liang and Barsky.
    func crosses(_ from: (x: Double, y: Double), _ to: (x: Double, y: Double)) -> Bool {
        var (enter, leave) = (0.0, 1.0)
        let (dx, dy) = (to.x - from.x, to.y - from.y)
        for (step, gap) in [(-dx, from.x - x), (dx, right - from.x), (-dy, from.y - y), (dy, bottom - from.y)] {
            if step == 0 {
                if gap < 0 { return false }
            } else if step < 0 {
                enter = max(enter, gap / step)
            } else {
                leave = min(leave, gap / step)
            }
        }
        return enter <= leave
    }

    func inset(_ insets: Insets) -> Rect {
        Rect(
            x: x + insets.left,
            y: y + insets.top,
            width: max(1, width - insets.left - insets.right),
            height: max(1, height - insets.top - insets.bottom)
        )
    }
}

/// Room around a panel's data for axes, titles and colour bars, in pixels.
public struct Insets: Sendable, Equatable {
    public var top: Double
    public var left: Double
    public var bottom: Double
    public var right: Double

    public init(top: Double, left: Double, bottom: Double, right: Double) {
        self.top = top
        self.left = left
        self.bottom = bottom
        self.right = right
    }
}
