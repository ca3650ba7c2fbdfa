//! How text is shown: the one function that says what stands in the cells for a cluster.
//!
//! Text in a document comes from anybody. What reaches the screen is printable: control
//! characters are pictures, and what is invisible or orders a change of direction is named.
//!
//! 1. A shown text holds no control character, no bidirectional control and nothing invisible,
//!    but for the joiners, selectors and tags inside a well-formed cluster.
//! 2. Every symbol of it is at least one cell wide, and its width is the sum of its symbols'
//!    widths. Cells are drawn with these widths, so cursor and cells agree.
//! 3. It is bounded, however long the cluster is.
//!
//! Not here: colours (a text that differs from what the document holds says so by
//! [`Shown::marked`]), and right-to-left layout: text is shown in the order in which it is stored.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::grapheme::clusters;
use super::position::Column;

/// The most characters of a cluster that are shown. The longest emoji in use has 10.
const MAX_CLUSTER_CHARS: usize = 32;

/// The most combining marks that are shown on one cluster. Living languages use up to 4.
const MAX_MARKS: usize = 8;

/// The flags of a subdivision that are recommended for interchange (Unicode's emoji annex): a
/// black flag, its name in tag characters, and the end of tags.
const SUBDIVISION_FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// What a person may choose about how text is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DisplayOptions {
    /// Cells from one tab stop to the next.
    pub tab_width: NonZeroUsize,
    /// Whether lines are broken into [rows](super::rows).
    pub wrap: bool,
    /// The cells that a broken line's row may take; at least one cluster is shown in any case.
    pub columns: usize,
    /// Whether white space is to be seen.
    pub whitespace: bool,
}

impl Default for DisplayOptions {
    fn default() -> Self {
        Self {
            tab_width: const { NonZeroUsize::new(4).expect("not zero") },
            wrap: false,
            columns: usize::MAX,
            whitespace: false,
        }
    }
}

/// What stands in the cells for one cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown<'a> {
    /// Printable text, empty for a line break. To be drawn [symbol](symbols) by symbol.
    pub text: Cow<'a, str>,
    /// Its width in terminal cells; 0 only for a line break.
    pub width: usize,
    /// Whether `text` stands for something that cannot be shown as it is.
    pub marked: bool,
    /// Whether `text` makes white space visible.
    pub faint: bool,
}

/// How `cluster`, which starts at `column` of its line, is shown.
///
/// A line break is shown as nothing, a tab as spaces to the next tab stop. The cost is bounded by
/// 32 characters, whatever the cluster's length.
pub fn show<'a>(cluster: &'a str, column: Column, options: &DisplayOptions) -> Shown<'a> {
    match cluster.as_bytes() {
        [b' '] if options.whitespace => {
            return Shown {
                faint: true,
                ..plain("·", 1)
            };
        }
        [b' '..=b'~'] => return plain(cluster, 1),
        [b'\n'] | [b'\r', b'\n'] => return plain("", 0),
        [b'\t'] => {
            let tab = options.tab_width.get();
            let width = tab - column.0 % tab;
            let (first, faint) = if options.whitespace {
                ("→", true)
            } else {
                (" ", false)
            };
            return Shown {
                text: (first.to_owned() + &" ".repeat(width - 1)).into(),
                width,
                marked: false,
                faint,
            };
        }
        _ => {}
    }
    let mut chars = cluster.chars();
    if let (Some(c), None) = (chars.next(), chars.next())
        && is_base(c)
    {
        return plain(cluster, width(cluster));
    }
    if SUBDIVISION_FLAGS.contains(&cluster) {
        return plain(cluster, width(cluster));
    }
    let text = rewrite(cluster);
    let widths = || symbols(&text).map(width);
    if text.is_empty() || widths().any(|width| width == 0) {
        return named(cluster);
    }
    let width = widths().sum();
    let marked = text != cluster;
    Shown {
        text,
        width,
        marked,
        faint: false,
    }
}

/// The parts of a shown text that each go into a cell of their own.
pub fn symbols(shown: &str) -> impl Iterator<Item = &str> {
    clusters(shown)
}

/// The width of a symbol in terminal cells: the only measure of width in this program.
pub fn width(symbol: &str) -> usize {
    if symbol.len() == 1 { 1 } else { symbol.width() }
}

/// Whether a text is printable ASCII, without blanks at its ends or side by side. Most of what is said is.
fn is_plain_line(text: &str) -> bool {
    let mut blank = true;
    for byte in text.bytes() {
        match byte {
            b' ' if !blank => blank = true,
            b'!'..=b'~' => blank = false,
            _ => return false,
        }
    }
    !blank || text.is_empty()
}

/// `text`, which comes from others, as one printable line of at most `columns` cells.
///
/// For names, file names and messages: blanks of all kinds become single spaces, none at the
/// ends, everything else is shown as in a document; what does not fit is cut with an ellipsis.
/// The cost is bounded by the length of `text` and, but for blanks, by `columns`.
pub fn sanitise(text: &str, columns: usize) -> String {
    if text.len() <= columns && is_plain_line(text) {
        return text.to_owned();
    }
    let options = DisplayOptions::default();
    let mut line = String::new();
    let mut used = 0;
    // Where the line was last short enough to take an ellipsis.
    let mut cut = 0;
    let mut blank = false;
    for cluster in clusters(text) {
        if cluster.chars().all(char::is_whitespace) && !cluster.contains(is_invisible) {
            blank = !line.is_empty();
            continue;
        }
        let shown = show(cluster, Column(0), &options);
        for part in blank.then_some(" ").into_iter().chain(symbols(&shown.text)) {
            let width = width(part);
            if used + width > columns {
                line.truncate(cut);
                let end = line.trim_end().len();
                line.truncate(end);
                line.push_str(if columns == 0 { "" } else { "…" });
                return line;
            }
            line.push_str(part);
            used += width;
            if used < columns {
                cut = line.len();
            }
        }
        blank = false;
    }
    line
}

const fn plain(text: &str, width: usize) -> Shown<'_> {
    Shown {
        text: Cow::Borrowed(text),
        width,
        marked: false,
        faint: false,
    }
}

/// What the previous character of a cluster left for the next one to lean on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Base,
    Mark,
}

/// `cluster` with everything replaced that must not reach a terminal.
fn rewrite(cluster: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let mut before = Before::Nothing;
    let mut marks = 0;
    let mut chars = cluster.chars().take(MAX_CLUSTER_CHARS).peekable();
    while let Some(c) = chars.next() {
        if is_base(c) {
            text.push(c);
            before = Before::Base;
        } else if c == '\u{200d}'
            && before != Before::Nothing
            && chars.peek().copied().is_some_and(is_base)
            || is_selector(c) && before == Before::Base
        {
            text.push(c);
            before = Before::Mark;
        } else if c.is_control() || is_invisible(c) {
            name(&mut text, c);
            before = Before::Nothing;
        } else if before != Before::Nothing {
            if marks < MAX_MARKS {
                text.push(c);
            }
            marks += 1;
            before = Before::Mark;
        } else if on_dotted_circle(c).graphemes(true).nth(1).is_none() {
            text.push_str(&on_dotted_circle(c));
            marks += 1;
            before = Before::Mark;
        } else {
            name(&mut text, c);
        }
    }
    if text == cluster {
        Cow::Borrowed(cluster)
    } else {
        Cow::Owned(text)
    }
}

/// `cluster` with every character named: the last resort, always printable.
fn named(cluster: &str) -> Shown<'static> {
    let mut text = String::new();
    for c in cluster.chars().take(MAX_CLUSTER_CHARS) {
        name(&mut text, c);
    }
    let width = symbols(&text).map(width).sum();
    Shown {
        text: text.into(),
        width,
        marked: true,
        faint: false,
    }
}

/// Appends the picture or the number of `c`.
fn name(text: &mut String, c: char) {
    let number = u32::from(c);
    match c {
        // The block of control pictures has those of C0 in order.
        '\0'..='\x1f' => text.extend(char::from_u32(0x2400 + number)),
        '\x7f' => text.push('\u{2421}'),
        '\u{80}'..='\u{9f}' => text.push_str(&format!("<{number:02X}>")),
        _ => text.push_str(&format!("<U+{number:04X}>")),
    }
}

fn on_dotted_circle(mark: char) -> String {
    format!("\u{25cc}{mark}")
}

/// Whether `c` fills a cell by itself and needs no care.
fn is_base(c: char) -> bool {
    !c.is_control() && !is_invisible(c) && c.width().is_some_and(|width| width > 0)
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180d}' | '\u{180f}')
}

/// Whether `c` shows nothing, turns the direction of text, or is no character at all.
///
/// Unicode's Default_Ignorable_Code_Point (version 16), the separators and annotation marks, and
/// the noncharacters.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(cluster: &str) -> (String, usize, bool) {
        let Shown {
            text,
            width,
            marked,
            ..
        } = show(cluster, Column(0), &DisplayOptions::default());
        (text.into_owned(), width, marked)
    }

    #[test]
    fn ordinary_clusters_are_shown_as_they_are() {
        let rows = [
            ("a", 1),
            ("~", 1),
            ("é", 1),
            ("e\u{301}", 1),
            ("漢", 2),
            ("ｱ", 1),
            ("ｶﾞ", 2),
            ("한", 2),
            ("\u{1112}\u{1161}\u{11ab}", 2),
            ("👍", 2),
            ("👍🏽", 2),
            ("👩\u{200d}👩\u{200d}👧\u{200d}👦", 2),
            ("👩🏽\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏿", 2),
            ("❤\u{fe0f}", 2),
            ("❤\u{fe0e}", 1),
            ("1\u{fe0f}\u{20e3}", 2),
            ("🇩🇪", 2),
            (
                "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
                2,
            ),
            ("क\u{94d}\u{200d}ष", 2),
            ("葛\u{e0100}", 2),
            ("\u{a0}", 1),
            ("\u{3000}", 2),
            ("\u{e0b0}", 1),
        ];
        for (cluster, width) in rows {
            assert_eq!(
                shown(cluster),
                (cluster.to_owned(), width, false),
                "{cluster:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_shown_is_marked() {
        let rows = [
            ("\0", "␀"),
            ("\x1b", "␛"),
            ("\r", "␍"),
            ("\x7f", "␡"),
            ("\u{85}", "<85>"),
            ("\u{9b}", "<9B>"),
            ("\u{202e}", "<U+202E>"),
            ("\u{2066}", "<U+2066>"),
            ("\u{200b}", "<U+200B>"),
            ("\u{2028}", "<U+2028>"),
            ("\u{feff}", "<U+FEFF>"),
            ("\u{ad}", "<U+00AD>"),
            ("\u{3164}", "<U+3164>"),
            ("\u{fffe}", "<U+FFFE>"),
            ("\u{10ffff}", "<U+10FFFF>"),
            ("\u{fe0f}", "<U+FE0F>"),
            ("\u{301}", "◌\u{301}"),
            ("\u{200d}", "<U+200D>"),
            ("a\u{200d}", "a<U+200D>"),
            ("a\u{200c}", "a<U+200C>"),
            ("a\u{200c}\u{301}", "a<U+200C>◌\u{301}"),
            ("a\u{fe0f}\u{fe0f}", "a\u{fe0f}<U+FE0F>"),
            ("👍\u{e0061}\u{e007f}", "👍<U+E0061><U+E007F>"),
            ("\u{1161}", "<U+1161>"),
        ];
        for (cluster, text) in rows {
            let found = shown(cluster);
            assert_eq!(found.0, text, "{cluster:?}");
            assert!(found.2, "{cluster:?} is not marked");
            assert_eq!(
                found.1,
                symbols(text).map(width).sum::<usize>(),
                "{cluster:?}"
            );
        }
    }

    #[test]
    fn a_tab_reaches_the_next_stop_and_a_line_break_shows_nothing() {
        let options = DisplayOptions::default();
        let widths: Vec<usize> = (0..6)
            .map(|at| show("\t", Column(at), &options).width)
            .collect();
        assert_eq!(widths, [4, 3, 2, 1, 4, 3]);
        assert_eq!(shown("\n"), (String::new(), 0, false));
        assert_eq!(shown("\r\n"), (String::new(), 0, false));
    }

    #[test]
    fn towers_and_endless_clusters_are_bounded() {
        let (tower, width, marked) = shown(&format!("a{}", "\u{301}".repeat(1000)));
        assert_eq!(
            (tower.chars().count(), width, marked),
            (1 + MAX_MARKS, 1, true)
        );
        for cluster in ["👩\u{200d}".repeat(10_000), "ᄀ".repeat(10_000)] {
            let (text, width, marked) = shown(&cluster);
            assert!(
                text.len() < 400 && width <= 100 && marked,
                "{} bytes, {width} cells",
                text.len()
            );
        }
    }

    #[test]
    fn names_are_one_printable_line() {
        let rows = [
            ("Ann", "Ann"),
            ("  Ann \t\n B. ", "Ann B."),
            ("Al\u{200b}e", "Al<U+200B>e"),
            ("\x1b[31mred", "␛[31mred"),
            ("", ""),
            (" \r\n ", ""),
            ("a very long name", "a very lon…"),
            ("eleven char", "eleven char"),
            ("漢漢漢漢漢漢", "漢漢漢漢漢…"),
            ("ten chars   bc", "ten chars…"),
            ("\u{202e}\u{202e}", "<U+202E><U…"),
        ];
        for (name, expected) in rows {
            assert_eq!(sanitise(name, 11), expected, "{name:?}");
            assert_eq!(sanitise(expected, 11), expected, "not idempotent: {name:?}");
        }
        assert_eq!(sanitise("Ann", 0), "");
        assert_eq!(sanitise("Ann", 1), "…");
    }
}
