/// The one style sheet that all figures share.
///
/// Each colour is a CSS variable with its light value as a fallback for
/// renderers without variables; the dark values apply under
/// `prefers-color-scheme: dark`. A page overrides a figure by setting
/// `--plot-…` on `svg.plot`. Since every figure has the same rules for the same
/// class, several can stand in one page.
enum StyleSheet {
    private struct Ink {
        let name: String
        let light: Color
        let dark: Color
    }

    private static let inks = [
        Ink(name: "page", light: Color(0xFFFFFF), dark: Color(0x15181D)),
        Ink(name: "ink", light: Color(0x1B1F24), dark: Color(0xE8EAED)),
        Ink(name: "muted", light: Color(0x59616B), dark: Color(0xA7AFBA)),
        Ink(name: "axis", light: Color(0x8A929C), dark: Color(0x727B87)),
        Ink(name: "grid", light: Color(0xE4E7EB), dark: Color(0x2B3038)),
        Ink(name: "wall", light: Color(0xF7F8F9), dark: Color(0x1B1F25)),
    ]

    /// - Parameter ramps: the colour ramps that the figure uses.
    static func css(ramps: Set<ColorRamp>) -> String {
        var light = "svg.plot{"
        var dark = "@media (prefers-color-scheme:dark){svg.plot{"
        for ink in inks {
            light += "--plot-\(ink.name):\(ink.light.hexadecimal);"
            dark += "--plot-\(ink.name):\(ink.dark.hexadecimal);"
        }
        for index in 0..<SeriesPalette.colorCount {
            light += "--plot-s\(index):\(SeriesPalette.light[index].hexadecimal);"
            dark += "--plot-s\(index):\(SeriesPalette.dark[index].hexadecimal);"
        }
        light += "max-width:100%;height:auto;background:var(--plot-page)}\n"
        dark += "}"
        var rules = ".plot text{font-family:\(TextMetrics.fontFamily);font-size:11px;\(paint("fill", "ink"))}\n"
        rules +=
            ".plot .title{font-size:17px;font-weight:bold}.plot .subtitle{font-size:13px;\(paint("fill", "muted"))}\n"
        rules +=
            ".plot .caption{font-size:11.5px;\(paint("fill", "muted"))}.plot .panel{font-size:12.5px;font-weight:bold}\n"
        rules += ".plot .tick{\(paint("fill", "muted"))}.plot .axis-title{font-size:12px}\n"
        rules += ".plot .middle{text-anchor:middle}.plot .end{text-anchor:end}\n"
        rules += ".plot .halo{stroke-width:3px;stroke-linejoin:round;paint-order:stroke;\(paint("stroke", "page"))}\n"
        rules += ".plot path,.plot polyline{fill:none;stroke-linejoin:round;stroke-linecap:butt}\n"
        rules += ".plot .page{\(paint("fill", "page"))}.plot .wall{\(paint("fill", "wall"))}\n"
        rules += ".plot .axis{\(paint("stroke", "axis"))}.plot .grid{\(paint("stroke", "grid"))}\n"
        rules +=
            ".plot .rule{stroke-width:1.2;\(paint("stroke", "muted"))}.plot .leader{stroke-width:.8;\(paint("stroke", "muted"))}\n"
        rules += ".plot .line{stroke-width:1.8;stroke-linecap:round}.plot .thin{stroke-width:1.1}\n"
        for index in 0..<SeriesPalette.colorCount {
            let color = SeriesPalette.light[index]
            rules += ".plot .s\(index){stroke:\(color.hexadecimal);stroke:var(--plot-s\(index))}"
            rules += ".plot .f\(index){fill:\(color.hexadecimal);fill:var(--plot-s\(index));stroke:none}\n"
        }
        rules += ".plot .f{\(paint("fill", "ink"))}.plot .s{\(paint("stroke", "ink"))}\n"
        rules += ".plot .fm{\(paint("fill", "muted"))}.plot .sm{\(paint("stroke", "muted"))}\n"
        rules += ".plot .area{fill-opacity:.22;stroke:none}.plot .soft{fill-opacity:.8}\n"
        rules += ".plot .cells{shape-rendering:crispEdges}.plot .cells path{stroke-width:1}\n"
        rules += ".plot .surface path{fill:inherit;stroke-width:2.25;stroke-opacity:.22;\(paint("stroke", "ink"))}\n"
        for ramp in ColorRamp.allCases where ramps.contains(ramp) {
            for level in 0..<ColorRamp.levels {
                let name = ramp.className(level)
                rules += rampRule(name, ramp.light(level))
                dark += rampRule(name, ramp.dark(level))
            }
            rules += "\n"
        }
        return light + rules + dark + "}\n"
    }

    private static func rampRule(_ name: String, _ color: Color) -> String {
        ".plot .\(name){fill:\(color.hexadecimal);stroke:\(color.hexadecimal);stop-color:\(color.hexadecimal)}"
    }

    /// A declaration twice: plain for renderers without variables, then with the variable.
    private static func paint(_ property: String, _ name: String) -> String {
        let fallback = inks.first { $0.name == name }?.light.hexadecimal ?? "#000000"
        return "\(property):\(fallback);\(property):var(--plot-\(name))"
    }
}
