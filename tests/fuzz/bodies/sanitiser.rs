//! Text, names and file names from others on their way to a terminal.

use collab_edit::app::harmless_file_name;
use collab_edit::document::display::{DisplayOptions, sanitise, show, symbols, width};
use collab_edit::document::position::Column;
use collab_edit::wire::Name;
use unicode_segmentation::UnicodeSegmentation;

/// The first byte says how much room there is, the others are what comes in.
pub(crate) fn sanitiser(bytes: &[u8]) {
    let Some((room, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let columns = usize::from(*room);

    let line = sanitise(&text, columns);
    assert_drawable(&line, columns);
    assert_eq!(sanitise(&line, columns), line, "sanitised twice");

    let name = Name::new(&text);
    assert!(Name::try_from(name.to_string()).is_ok());
    assert!(name.as_str().chars().count() <= 32);
    assert!(!name.as_str().chars().any(is_forbidden), "{name:?}");
    assert!(!name.as_str().contains('\u{200d}'), "{name:?}");
    if let Ok(taken) = Name::try_from(text.to_string()) {
        assert_eq!(taken, name);
    }

    let file = harmless_file_name(&text);
    assert_drawable(&file, 128);
    assert!(!file.is_empty() && !file.starts_with(['.', '-']));
    assert!(!file.contains(['/', '\\', '\0']));
    assert!(
        file.len() <= 255,
        "no file system takes {} bytes",
        file.len()
    );

    let options = DisplayOptions {
        whitespace: room & 1 == 1,
        ..DisplayOptions::default()
    };
    for (at, cluster) in text.graphemes(true).enumerate() {
        let shown = show(cluster, Column(at), &options);
        assert!(shown.text.len() <= 1024, "{} bytes", shown.text.len());
        assert!(symbols(&shown.text).all(|symbol| width(symbol) > 0));
        assert_eq!(symbols(&shown.text).map(width).sum::<usize>(), shown.width);
        assert!(!shown.text.chars().any(is_forbidden), "{:?}", shown.text);
        assert!(
            shown.marked || shown.faint || shown.text == cluster || cluster.contains(['\n', '\t'])
        );
    }
}

fn assert_drawable(text: &str, columns: usize) {
    assert!(!text.chars().any(is_forbidden), "{text:?}");
    let wide: usize = symbols(text).map(width).sum();
    assert!(wide <= columns, "{wide} columns of {columns}");
    let is_blank = |cluster: &str| cluster.chars().all(char::is_whitespace);
    let mut clusters = text.graphemes(true);
    let ends = [clusters.next(), clusters.next_back()];
    assert!(!ends.into_iter().flatten().any(is_blank), "{text:?}");
}

/// What may never reach a terminal in a text: controls, and what turns the direction of others, breaks lines
/// or is not seen (but for the joiner, selectors and tags, which clusters may hold).
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{3164}'
        )
        || matches!(
            c,
            '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}')
        || matches!(c, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}')
        || u32::from(c) & 0xfffe == 0xfffe
}
