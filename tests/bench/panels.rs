//! Small multiples as SVG: beside each other, one measure each, against one number that grows.
//!
//! Each panel begins at zero, so that a straight line through its corner means "in proportion".

/// A measure: what it is, its unit, and its lines.
pub(crate) struct Panel<'a> {
    /// Above the panel.
    pub(crate) title: &'a str,
    /// Beside its largest number.
    pub(crate) unit: &'a str,
    /// Each line's name, and its value at each place.
    pub(crate) lines: Vec<(&'a str, Vec<f64>)>,
}

/// Sizes in pixels.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 150.0;
const GAP: f64 = 50.0;
const TOP: f64 = 60.0;
const LEFT: f64 = 20.0;

/// Of Okabe and Ito, which can be told apart with any eyes.
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// The picture of measures taken at these numbers of `what`, which are not empty and grow.
pub(crate) fn draw(what: &str, numbers: &[f64], panels: &[Panel<'_>]) -> String {
    let width = LEFT + (WIDTH + GAP) * panels.len() as f64;
    let height = TOP + HEIGHT + 50.0;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="12">
<style>text {{ fill: #24292f }} .soft {{ fill: #57606a }} .grid {{ stroke: #d0d7de }} .ground {{ fill: #ffffff }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .soft {{ fill: #9198a1 }} .grid {{ stroke: #3d444d }} .ground {{ fill: #0d1117 }} }}</style>
<rect class="ground" width="{width}" height="{height}"/>
"##
    );
    for (number, panel) in panels.iter().enumerate() {
        let left = LEFT + (WIDTH + GAP) * number as f64;
        svg += &draw_panel(left, what, numbers, panel);
    }
    svg + "</svg>\n"
}

fn draw_panel(left: f64, what: &str, numbers: &[f64], panel: &Panel<'_>) -> String {
    let values = panel.lines.iter().flat_map(|(_, values)| values);
    let most = above(values.fold(0.0, |most, value| value.max(most)));
    let last = numbers.last().copied().unwrap_or(1.0);
    let bottom = TOP + HEIGHT;
    let x = |number: f64| left + number / last * WIDTH;
    let y = |value: f64| bottom - value / most * HEIGHT;
    let mut svg = format!(
        "<text x=\"{left}\" y=\"22\" font-weight=\"bold\">{}</text>\n",
        panel.title
    );
    for share in [0.0, 0.5, 1.0] {
        let (value, at) = (most * share, y(most * share));
        let unit = if share == 1.0 { panel.unit } else { "" };
        svg += &format!(
            "<line class=\"grid\" x1=\"{left}\" x2=\"{}\" y1=\"{at}\" y2=\"{at}\"/>\
             <text class=\"soft\" x=\"{left}\" y=\"{}\">{value} {unit}</text>\n",
            left + WIDTH,
            at - 4.0
        );
    }
    for number in numbers {
        svg += &format!(
            "<text class=\"soft\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{number}</text>\n",
            x(*number),
            bottom + 16.0
        );
    }
    svg += &format!(
        "<text class=\"soft\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{what}</text>\n",
        left + WIDTH / 2.0,
        bottom + 34.0
    );
    for (number, ((name, values), colour)) in panel.lines.iter().zip(COLOURS).enumerate() {
        let points: Vec<(f64, f64)> = numbers
            .iter()
            .zip(values)
            .map(|(number, value)| (x(*number), y(*value)))
            .collect();
        let path: String = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1} "))
            .collect();
        svg += &format!(
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n"
        );
        for ((x, y), value) in points.iter().zip(values) {
            svg += &format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"><title>{value:.1}</title></circle>\n"
            );
        }
        if panel.lines.len() > 1 {
            let at = left + 70.0 * number as f64;
            svg += &format!(
                "<circle cx=\"{}\" cy=\"36\" r=\"4\" fill=\"{colour}\"/><text x=\"{}\" y=\"40\">{name}</text>\n",
                at + 5.0,
                at + 14.0
            );
        }
    }
    svg
}

/// The next round number: 1, 2 or 5 times a power of ten.
fn above(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(f64::MIN_POSITIVE).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= value)
        .unwrap_or(power)
}
