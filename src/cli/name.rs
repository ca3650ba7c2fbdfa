//! The name that others see.

use unicode_width::UnicodeWidthStr;

use crate::app::config::is_visible;

/// In columns, so that names fit beside cursors and in lists (a guess at what people need).
const MAX_COLUMNS: usize = 32;

/// For someone whose login name is unknown or cannot be shown.
const UNKNOWN: &str = "someone";

/// The name that was asked for, cleaned.
pub(super) fn given(text: &str) -> Result<String, String> {
    let name = clean(text);
    if name.is_empty() {
        Err("--name needs a name with at least one visible character".into())
    } else if name.width() > MAX_COLUMNS {
        Err(format!(
            "--name takes at most {MAX_COLUMNS} columns; this name has {}",
            name.width()
        ))
    } else {
        Ok(name)
    }
}

/// A name made of the login name, shortened if need be.
pub(super) fn of_login(login_name: Option<&str>) -> String {
    let mut name = clean(login_name.unwrap_or_default());
    while name.width() > MAX_COLUMNS {
        name.pop();
    }
    if name.is_empty() {
        UNKNOWN.into()
    } else {
        name
    }
}

/// Words of visible characters with single spaces between them. The joiners inside emoji and some
/// scripts stay.
fn clean(text: &str) -> String {
    let is_joiner = |char| matches!(char, '\u{200c}' | '\u{200d}');
    let words = text
        .split_whitespace()
        .filter(|word| word.chars().any(is_visible));
    let words: Vec<String> = words
        .map(|word| {
            word.chars()
                .filter(|&char| is_visible(char) || is_joiner(char))
                .collect()
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (text, name) in [
            ("Ann", "Ann"),
            ("  Ann \t Bee\n", "Ann Bee"),
            ("A\u{1b}[31mnn\u{202e}", "A[31mnn"),
            ("漢字", "漢字"),
            ("👩\u{200d}👩", "👩\u{200d}👩"),
            ("a \u{200b} b", "a b"),
        ] {
            assert_eq!(given(text).unwrap(), name, "{text:?}");
        }
        for empty in ["", "  ", "\u{200b}\u{202e}", "\u{200d}"] {
            assert!(
                given(empty).unwrap_err().contains("at least one"),
                "{empty:?}"
            );
        }
    }

    #[test]
    fn names_are_at_most_32_columns_wide() {
        assert!(given(&"x".repeat(32)).is_ok());
        assert!(given(&"漢".repeat(16)).is_ok());
        assert!(
            given(&"漢".repeat(17))
                .unwrap_err()
                .contains("at most 32 columns")
        );
        assert_eq!(of_login(Some(&"漢".repeat(17))), "漢".repeat(16));
    }

    #[test]
    fn there_is_always_a_name() {
        assert_eq!(of_login(Some("ann")), "ann");
        assert_eq!(of_login(Some("\u{7}")), "someone");
        assert_eq!(of_login(None), "someone");
    }
}
