//! The plot: for each measure a scale of multiples of the bare rope's time, each library a line, each trace a dot.

use super::Figures;

/// Sizes in pixels.
const WIDTH: f64 = 860.0;
const NAMES: f64 = 130.0;
const LINE: f64 = 24.0;
const HEAD: f64 = 54.0;
const FOOT: f64 = 34.0;

/// The scale is logarithmic, from 10^-2 to 10^4.
const LEAST: f64 = -2.0;
const GREATEST: f64 = 4.0;

/// Of Okabe and Ito, which can be told apart with any eyes.
const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];

/// The picture, as SVG.
pub(crate) fn draw(all: &[Figures]) -> String {
    let mut engines: Vec<&str> = Vec::new();
    let mut traces: Vec<&str> = Vec::new();
    for figures in all {
        if !engines.contains(&figures.engine) {
            engines.push(figures.engine);
        }
        if !traces.contains(&figures.trace.as_str()) {
            traces.push(&figures.trace);
        }
    }
    let measures = Figures::default().ratios().map(|(name, _)| name);
    let panel = HEAD + LINE * engines.len() as f64 + FOOT;
    let height = 40.0 + panel * measures.len() as f64;
    let mut svg = String::new();
    let mut put = |line: String| svg.push_str(&(line + "\n"));
    put(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="13">
<style>text {{ fill: #24292f }} .soft {{ fill: #57606a }} .grid {{ stroke: #d0d7de }} .one {{ stroke: #57606a }} .ground {{ fill: #ffffff }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .soft {{ fill: #9198a1 }} .grid {{ stroke: #3d444d }} .one {{ stroke: #9198a1 }} .ground {{ fill: #0d1117 }} }}</style>
<rect class="ground" width="{WIDTH}" height="{height}"/>"##
    ));
    let mut x = NAMES;
    for (trace, colour) in traces.iter().zip(COLOURS) {
        put(format!(
            r#"<circle cx="{x}" cy="24" r="5" fill="{colour}"/><text x="{}" y="28">{trace}</text>"#,
            x + 10.0
        ));
        x += 36.0 + 7.0 * trace.len() as f64;
    }
    for (n, measure) in measures.iter().enumerate() {
        let top = 40.0 + panel * n as f64 + HEAD;
        let bottom = top + LINE * engines.len() as f64;
        put(format!(
            r#"<text x="{NAMES}" y="{}" font-weight="bold">{measure}</text><text class="soft" x="{}" y="{}" text-anchor="end">times as long as a bare rope takes to do the edits</text>"#,
            top - 16.0,
            WIDTH - 20.0,
            top - 16.0
        ));
        for exponent in LEAST as i32..=GREATEST as i32 {
            let x = at(10_f64.powi(exponent));
            let class = if exponent == 0 { "one" } else { "grid" };
            let label = match exponent {
                0.. => format!("{}", 10_i32.pow(exponent.unsigned_abs())),
                _ => format!("{}", 10_f64.powi(exponent)),
            };
            put(format!(
                r#"<line class="{class}" x1="{x:.1}" x2="{x:.1}" y1="{top}" y2="{bottom}"/><text class="soft" x="{x:.1}" y="{}" text-anchor="middle">{label}</text>"#,
                bottom + 16.0
            ));
        }
        for (line, engine) in engines.iter().enumerate() {
            let y = top + LINE * (line as f64 + 0.5);
            let weight = if line == 0 { "bold" } else { "normal" };
            put(format!(
                r#"<text x="{}" y="{}" text-anchor="end" font-weight="{weight}">{engine}</text>"#,
                NAMES - 14.0,
                y + 4.5
            ));
            for figures in all.iter().filter(|figures| figures.engine == *engine) {
                let trace = traces.iter().position(|trace| *trace == figures.trace);
                let colour = COLOURS[trace.unwrap_or(0) % COLOURS.len()];
                if let (_, Some(ratio)) = figures.ratios()[n] {
                    put(format!(
                        r#"<circle cx="{:.1}" cy="{y}" r="5" fill="{colour}" fill-opacity="0.85"><title>{}: {ratio:.2}</title></circle>"#,
                        at(ratio),
                        figures.trace
                    ));
                }
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where a multiple stands on the scale.
fn at(ratio: f64) -> f64 {
    let share = (ratio.log10() - LEAST) / (GREATEST - LEAST);
    NAMES + share.clamp(0.0, 1.0) * (WIDTH - 20.0 - NAMES)
}
