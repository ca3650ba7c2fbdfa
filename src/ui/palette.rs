//! The commands that a few letters may mean.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::action::Command;
use super::keymap::Keymap;
use super::view::Entry;

/// Every command whose words or name hold the letters of `query` in their order, likeliest first. Each with
/// what it does and its key.
pub fn matching(query: &str, keymap: &Keymap) -> Vec<(Command, Entry)> {
    let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
    let mut found: Vec<(u32, Command)> = Vec::new();
    for &command in Command::ALL {
        let score = score(command.words()).max(score(command.name()));
        found.extend(score.map(|score| (score, command)));
    }
    found.sort_by_key(|&(score, _)| std::cmp::Reverse(score));
    let entry = |(_, command): (u32, Command)| (command, entry(command, keymap));
    found.into_iter().map(entry).collect()
}

/// Every command with what it does and its keys, in the order of the list.
pub fn help(keymap: &Keymap) -> Vec<Entry> {
    let all = Command::ALL.iter();
    all.map(|&command| entry(command, keymap)).collect()
}

fn entry(command: Command, keymap: &Keymap) -> Entry {
    let keys: Vec<String> = keymap
        .chords(command)
        .take(2)
        .map(|chord| chord.to_string())
        .collect();
    Entry {
        text: command.words().to_owned(),
        key: keys.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_find_a_command() {
        let first = |query| matching(query, &Keymap::default())[0].clone();
        for (query, command, key) in [
            ("wrap", Command::Wrap, "Alt-Z"),
            ("undo", Command::Undo, "Ctrl-Z"),
            ("slct all", Command::SelectAll, "Ctrl-A"),
            ("SAVE", Command::Save, "Ctrl-S"),
        ] {
            let (found, entry) = first(query);
            assert_eq!((found, entry.key.as_str()), (command, key), "{query}");
        }
        assert!(matching("qqqqqqq", &Keymap::default()).is_empty());
        assert_eq!(matching("", &Keymap::default()).len(), Command::ALL.len());
    }

    #[test]
    fn help_names_every_command_and_the_key_it_is_bound_to() {
        let mut keymap = Keymap::default();
        let chord = "ctrl-d".parse().expect("a chord");
        keymap.bind(chord, Some(Command::Help));
        let help = help(&keymap);
        assert_eq!(help.len(), Command::ALL.len());
        assert!(help.iter().any(|entry| entry.key == "Ctrl-D, F1"));
    }

    /// `docs/keys.md`; `PICTURES=new` writes it anew.
    #[test]
    fn the_document_of_all_keys_is_up_to_date() {
        let keymap = Keymap::default();
        let mut text = "# Keys and commands\n\n\
            What each command does, its name for `[keys]` in the [settings](guide.md#settings), and its keys. Made from the \
            program's own table.\n\n| what it does | name | keys |\n|---|---|---|\n"
            .to_owned();
        for &command in Command::ALL {
            let keys = keymap.chords(command).map(|chord| chord.to_string());
            let keys: Vec<String> = keys.collect();
            let (words, name) = (command.words(), command.name());
            text += &format!("| {words} | `{name}` | {} |\n", keys.join(", "));
        }
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
        if std::env::var_os("PICTURES").is_some() {
            std::fs::write(&path, &text).expect("a document can be written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "PICTURES=new writes docs/keys.md anew");
    }
}
