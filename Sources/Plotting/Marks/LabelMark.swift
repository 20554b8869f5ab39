/// Direct labels at points, moved so that none covers another or leaves the panel.
///
/// Labels are placed in the order given, most important first; each tries the
/// places around its point, ever further away, with a thin line back to the
/// point. No such line crosses a label, another line or the data. A label that finds no
/// free place is left out.
public struct LabelMark: Mark {
    public let name = "label"
    private let x: Channel
    private let y: Channel
    private let texts: [String]
    private let ground: (x: [Double], y: [Double])

    /// - Parameter ground: a profile that labels keep above, so that none lies on the data.
    /// - Throws: ``PlotError`` if a channel is empty or lengths differ.
    public init(
        x: Channel,
        y: Channel,
        texts: [String],
        ground: (x: [Double], y: [Double]) = ([], [])
    ) throws {
        self.x = x
        self.y = y
        self.texts = texts
        self.ground = ground
        guard ground.x.count == ground.y.count else {
            throw PlotError.lengthMismatch(
                mark: name,
                channel: "ground y",
                count: ground.y.count,
                other: "ground x",
                otherCount: ground.x.count
            )
        }
        try checkLengths([("x", x), ("y", y), ("texts", .names(texts))])
    }

    public var channels: [MarkChannel] { [MarkChannel("x", .x, x), MarkChannel("y", .y, y)] }

    private static let size = 11.0

    public func draw(in frame: PanelFrame, to writer: inout SVGWriter) {
        let points = texts.indices.map { frame.point(x, y, $0) }
        // Off the axes, which the label's piece of page would break.
        let edge = Insets(top: 0, left: 3, bottom: 3, right: 1)
        var layout = LabelLayout(area: frame.area.inset(edge))
        // A label may not lie on another labelled point either.
        layout.taken = points.compactMap { $0 }.map { Rect(x: $0.x - 2, y: $0.y - 2, width: 4, height: 4) }
        let half = max(frame.x.unitLength / 2, 1)
        for index in ground.x.indices {
            guard let top = frame.point(.numbers(ground.x), .numbers(ground.y), index) else { continue }
            layout.ground.append(Rect(x: top.x - half, y: top.y, width: 2 * half, height: frame.area.bottom - top.y))
        }
        let placed = points.enumerated().compactMap { index, point -> (text: String, box: Rect)? in
            guard let point else { return nil }
            let width = TextMetrics.width(texts[index], size: Self.size)
            return layout.place(width: width, height: Self.size + 3, at: point).map { (texts[index], $0) }
        }
        for leader in layout.leaders {
            writer.line(leader.from.x, leader.from.y, leader.to.x, leader.to.y, class: "leader")
        }
        for label in placed {
            writer.backed(label.text, in: label.box)
        }
    }
}

/// Boxes and lines of labels placed so far, and the search for the next free place.
struct LabelLayout {
    struct Leader {
        let from: (x: Double, y: Double)
        let to: (x: Double, y: Double)
    }

    let area: Rect
    /// Where no label may lie.
    var taken: [Rect] = []
    /// Where neither a label may lie nor a line to it run, but for where its point stands.
    var ground: [Rect] = []
    private(set) var boxes: [Rect] = []
    private(set) var leaders: [Leader] = []

    init(area: Rect) { self.area = area }

    /// Takes the nearest free box for a label of a point, or none.
    mutating func place(width: Double, height: Double, at point: (x: Double, y: Double)) -> Rect? {
        for distance in stride(from: 4.0, through: 76, by: 9) {
            let aside = distance + 4
            let above = [-width / 2, 2 - width, -2, aside, -aside - width].map { (x: $0, y: -distance - height) }
            // Far to the side, a level line would be read as one of the data.
            let beside = distance > 14 ? [] : [aside, -aside - width].map { (x: $0, y: -height / 2) }
            let below = [-width / 2, aside, -aside - width].map { (x: $0, y: distance) }
            for offset in above.prefix(1) + beside + above.dropFirst() + below {
                let x = min(max(point.x + offset.x, area.x), area.right - width)
                let box = Rect(x: x, y: point.y + offset.y, width: width, height: height)
                if take(box, at: point) { return box }
            }
        }
        return nil
    }

    /// Takes a box if it and its line back to the point are free.
    mutating func take(_ box: Rect, at point: (x: Double, y: Double)) -> Bool {
        guard area.contains(box), ![taken, boxes, ground].joined().contains(where: { $0.intersects(box) })
        else { return false }
        let roomy = Rect(x: box.x - 2, y: box.y - 1, width: box.width + 4, height: box.height + 2)
        guard !leaders.contains(where: { roomy.crosses($0.from, $0.to) }) else { return false }
        let end = (x: min(max(point.x, box.x), box.right), y: min(max(point.y, box.y), box.bottom))
        if abs(end.x - point.x) + abs(end.y - point.y) > 7 {
            let isBlocked =
                boxes.contains { $0.crosses(point, end) }
                || taken.contains { !$0.crosses(point, point) && $0.crosses(point, end) }
                || ground.contains { bar in
                    let isOwn = bar.x - 1 <= point.x && point.x <= bar.right + 1
                    return !isOwn
                        && Rect(x: bar.x, y: bar.y + 1, width: bar.width, height: bar.height)
                            .crosses(point, end)
                }
                || leaders.contains { Self.cross($0.from, $0.to, point, end) }
            guard !isBlocked else { return false }
            leaders.append(Leader(from: point, to: end))
        }
        boxes.append(box)
        return true
    }

    private static func cross(
        _ a: (x: Double, y: Double),
        _ b: (x: Double, y: Double),
        _ c: (x: Double, y: Double),
        _ d: (x: Double, y: Double)
    ) -> Bool {
        func side(_ p: (x: Double, y: Double), _ q: (x: Double, y: Double), _ r: (x: Double, y: Double)) -> Bool {
            (q.x - p.x) * (r.y - p.y) > (q.y - p.y) * (r.x - p.x)
        }
        return side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b)
    }
}

extension SVGWriter {
    /// A label over its own piece of page, so that no line runs through it.
    mutating func backed(_ text: String, in box: Rect) {
        element(
            "rect",
            [
                "class": "page", "x": NumberText.coordinate(box.x - 1), "y": NumberText.coordinate(box.y + 1),
                "width": NumberText.coordinate(box.width + 2), "height": NumberText.coordinate(box.height - 1),
            ]
        )
        label(text, x: box.x, y: box.bottom - 3, class: "halo")
    }
}
