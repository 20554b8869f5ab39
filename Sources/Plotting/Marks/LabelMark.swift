/// Direct labels at points, moved so that none covers another or leaves the panel.
///
/// Labels are placed in the order given, most important first; each tries the
/// places around its point, ever further away, with a thin line back to the
/// point. One that finds no free place is left out.
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
        // A label may not lie on another labelled point either.
        var taken = points.compactMap { $0 }.map { Rect(x: $0.x - 2, y: $0.y - 2, width: 4, height: 4) }
        let half = max(frame.x.unitLength / 2, 1)
        for index in ground.x.indices {
            guard let top = frame.point(.numbers(ground.x), .numbers(ground.y), index) else { continue }
            taken.append(Rect(x: top.x - half, y: top.y, width: 2 * half, height: frame.area.bottom - top.y))
        }
        for (index, point) in points.enumerated() {
            guard let point else { continue }
            let width = TextMetrics.width(texts[index], size: Self.size)
            guard let box = Self.place(width: width, at: point, in: frame.area, avoiding: taken) else { continue }
            taken.append(box)
            let nearX = min(max(point.x, box.x), box.right)
            let nearY = min(max(point.y, box.y), box.bottom)
            if abs(nearX - point.x) + abs(nearY - point.y) > 7 {
                writer.line(point.x, point.y, nearX, nearY, class: "leader")
            }
            writer.label(texts[index], x: box.x, y: box.bottom - 3, class: "halo")
        }
    }

    /// The nearest free box for a label, or `nil`.
    static func place(
        width: Double,
        at point: (x: Double, y: Double),
        in area: Rect,
        avoiding taken: [Rect]
    ) -> Rect? {
        let height = size + 3
        for distance in stride(from: 4.0, through: 120, by: 9) {
            let aside = distance + 4
            let offsets: [(x: Double, y: Double)] = [
                (-width / 2, -distance - height), (aside, -height / 2), (-aside - width, -height / 2),
                (aside, -distance - height), (-aside - width, -distance - height), (-width / 2, distance),
                (aside, distance), (-aside - width, distance),
            ]
            for offset in offsets {
                let box = Rect(x: point.x + offset.x, y: point.y + offset.y, width: width, height: height)
                if area.contains(box), !taken.contains(where: { $0.intersects(box) }) { return box }
            }
        }
        return nil
    }
}
