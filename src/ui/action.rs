//! What a person can ask for: the closed sets that `app` matches in one place.
//!
//! A [`Command`] is asked for by a key or by its name; whatever else the terminal brings (text, the
//! mouse, a new size) is an [`Action`] beside it. The one list of commands, with their names and
//! what they do in words, is below: bindings, help and the palette are made from it.

use std::str::FromStr;

use ratatui::layout::Position;

use crate::document::motion::Motion;

/// One request of the person at the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Type a printable character in place of the selection.
    Insert(char),
    /// Insert pasted text, normalised, as one edit.
    Paste(String),
    /// Something with the mouse.
    Mouse(Mouse, Position),
    /// The terminal has a new size; draw.
    Resize,
    /// A command.
    Do(Command),
}

impl From<Command> for Action {
    fn from(command: Command) -> Self {
        Self::Do(command)
    }
}

/// What the mouse does, at a cell of the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mouse {
    /// The left button goes down.
    Press,
    /// The mouse moves while the left button is down.
    Drag,
    /// The left button goes up.
    Release,
    /// The wheel turns by this many notches, down if positive.
    Wheel(i8),
}

/// Makes the commands, their names and their words of one list.
macro_rules! commands {
    ($(#[doc = $words:literal] $command:ident = $name:literal,)*) => {
        /// What can be asked for by a key or by name.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Command {
            $(#[doc = $words] $command,)*
        }

        impl Command {
            /// All of them, in the order in which help lists them.
            pub const ALL: &[Self] = &[$(Self::$command,)*];

            /// The name, as bindings and the palette know it: lower case, with dashes.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$command => $name,)*
                }
            }

            /// What it does, in a few words without a full stop.
            pub fn words(self) -> &'static str {
                let words = match self {
                    $(Self::$command => $words,)*
                };
                words.trim().trim_end_matches('.')
            }
        }
    };
}

commands! {
    /// Save the file.
    Save = "save",
    /// Leave the program; asks if something is unsaved.
    Quit = "quit",
    /// Leave a prompt, a panel or the selection.
    Escape = "escape",
    /// Copy the selection; without one, say how to quit.
    Interrupt = "interrupt",
    /// Stop the program and go back to the shell, until it is continued.
    Suspend = "suspend",
    /// Show every command and its key.
    Help = "help",
    /// Choose a command by a few letters of what it does.
    Palette = "palette",
    /// Show or hide the members and the invitation.
    Members = "members",
    /// Show or hide the invitation as a QR code.
    QrCode = "qr-code",
    /// Go to where a member is; again: to the next one.
    GoToMember = "go-to-member",
    /// Follow a member on the screen; again: the next one; any other key stops it.
    Follow = "follow",
    /// Talk with the others; again: close the chat.
    Chat = "chat",
    /// Ask the others to look at where you are.
    LookHere = "look-here",
    /// Go to where a member asked to look.
    Look = "look",
    /// Show or hide who wrote what.
    Authors = "authors",
    /// Take back what a member has done lately.
    TakeBack = "take-back",
    /// Let others join, or stop it.
    Host = "host",
    /// Wrap long lines, or stop it.
    Wrap = "wrap",
    /// Show or hide line numbers.
    LineNumbers = "line-numbers",
    /// Show or hide white space.
    Whitespace = "whitespace",
    /// Make a new session code; the one before opens nothing any more.
    NewCode = "new-code",
    /// Try at once to reach the members who are away.
    Retry = "retry",
    /// Go to the next place that a member changed who was away and is back.
    NextChange = "next-change",
    /// Take back unsaved edits that were recovered at the start.
    DiscardRecovered = "discard-recovered",

    /// Take back your last edit.
    Undo = "undo",
    /// Bring back what was taken back.
    Redo = "redo",
    /// Copy the selection.
    Copy = "copy",
    /// Cut the selection; without one, the line.
    Cut = "cut",
    /// Paste from the clipboard.
    Paste = "paste",
    /// Select the whole text.
    SelectAll = "select-all",

    /// Find.
    Find = "find",
    /// Go to the next match.
    FindNext = "find-next",
    /// Go to the match before.
    FindPrevious = "find-previous",
    /// Find and replace.
    Replace = "replace",
    /// While finding: let upper and lower case differ, or not.
    FindCase = "find-case",
    /// While finding: find only whole words, or not.
    FindWord = "find-word",
    /// While finding: take the pattern for a regular expression, or not.
    FindRegex = "find-regex",
    /// Go to a line, and a column.
    GoToLine = "go-to-line",

    /// Break the line; in a prompt: accept.
    Newline = "newline",
    /// Insert a tab, or indent the selected lines.
    Tab = "tab",
    /// Take one step of indentation from the lines.
    Outdent = "outdent",
    /// Delete the selection or the character before the cursor.
    Backspace = "backspace",
    /// Delete the selection or the character behind the cursor.
    Delete = "delete",
    /// Delete back to the start of a word.
    DeleteWordLeft = "delete-word-left",
    /// Delete on to the end of a word.
    DeleteWordRight = "delete-word-right",
    /// Delete the lines of the selection.
    DeleteLines = "delete-lines",
    /// Move the lines of the selection up.
    MoveLinesUp = "move-lines-up",
    /// Move the lines of the selection down.
    MoveLinesDown = "move-lines-down",
    /// Put a copy of the lines of the selection below them.
    DuplicateLines = "duplicate-lines",
    /// Make the lines of the selection comments, or text again.
    ToggleComment = "toggle-comment",

    /// Go one character to the left.
    Left = "left",
    /// Go one character to the right.
    Right = "right",
    /// Go one line up.
    Up = "up",
    /// Go one line down.
    Down = "down",
    /// Go one word to the left.
    WordLeft = "word-left",
    /// Go one word to the right.
    WordRight = "word-right",
    /// Go to the start of the line's text, or of the line.
    LineStart = "line-start",
    /// Go to the end of the line.
    LineEnd = "line-end",
    /// Go one page up.
    PageUp = "page-up",
    /// Go one page down.
    PageDown = "page-down",
    /// Go up to a blank line.
    ParagraphUp = "paragraph-up",
    /// Go down to a blank line.
    ParagraphDown = "paragraph-down",
    /// Go to the bracket that matches.
    Bracket = "bracket",
    /// Go to the start of the text.
    DocumentStart = "document-start",
    /// Go to the end of the text.
    DocumentEnd = "document-end",

    /// Select one character to the left.
    SelectLeft = "select-left",
    /// Select one character to the right.
    SelectRight = "select-right",
    /// Select one line up.
    SelectUp = "select-up",
    /// Select one line down.
    SelectDown = "select-down",
    /// Select one word to the left.
    SelectWordLeft = "select-word-left",
    /// Select one word to the right.
    SelectWordRight = "select-word-right",
    /// Select to the start of the line's text, or of the line.
    SelectLineStart = "select-line-start",
    /// Select to the end of the line.
    SelectLineEnd = "select-line-end",
    /// Select one page up.
    SelectPageUp = "select-page-up",
    /// Select one page down.
    SelectPageDown = "select-page-down",
    /// Select up to a blank line.
    SelectParagraphUp = "select-paragraph-up",
    /// Select down to a blank line.
    SelectParagraphDown = "select-paragraph-down",
    /// Select to the bracket that matches.
    SelectBracket = "select-bracket",
    /// Select to the start of the text.
    SelectDocumentStart = "select-document-start",
    /// Select to the end of the text.
    SelectDocumentEnd = "select-document-end",
}

impl Command {
    /// The movement that it asks for, if it is one, and whether the selection goes with it.
    pub const fn motion(self) -> Option<(Motion, bool)> {
        Some(match self {
            Self::Left => (Motion::Left, false),
            Self::SelectLeft => (Motion::Left, true),
            Self::Right => (Motion::Right, false),
            Self::SelectRight => (Motion::Right, true),
            Self::Up => (Motion::Up, false),
            Self::SelectUp => (Motion::Up, true),
            Self::Down => (Motion::Down, false),
            Self::SelectDown => (Motion::Down, true),
            Self::WordLeft => (Motion::WordLeft, false),
            Self::SelectWordLeft => (Motion::WordLeft, true),
            Self::WordRight => (Motion::WordRight, false),
            Self::SelectWordRight => (Motion::WordRight, true),
            Self::LineStart => (Motion::LineStart, false),
            Self::SelectLineStart => (Motion::LineStart, true),
            Self::LineEnd => (Motion::LineEnd, false),
            Self::SelectLineEnd => (Motion::LineEnd, true),
            Self::PageUp => (Motion::PageUp, false),
            Self::SelectPageUp => (Motion::PageUp, true),
            Self::PageDown => (Motion::PageDown, false),
            Self::SelectPageDown => (Motion::PageDown, true),
            Self::ParagraphUp => (Motion::ParagraphUp, false),
            Self::SelectParagraphUp => (Motion::ParagraphUp, true),
            Self::ParagraphDown => (Motion::ParagraphDown, false),
            Self::SelectParagraphDown => (Motion::ParagraphDown, true),
            Self::Bracket => (Motion::Bracket, false),
            Self::SelectBracket => (Motion::Bracket, true),
            Self::DocumentStart => (Motion::DocumentStart, false),
            Self::SelectDocumentStart => (Motion::DocumentStart, true),
            Self::DocumentEnd => (Motion::DocumentEnd, false),
            Self::SelectDocumentEnd => (Motion::DocumentEnd, true),
            _ => return None,
        })
    }
}

/// A name that no command has.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not the name of a command")]
pub struct UnknownCommand(String);

impl FromStr for Command {
    type Err = UnknownCommand;

    fn from_str(name: &str) -> Result<Self, UnknownCommand> {
        let found = Self::ALL.iter().find(|command| command.name() == name);
        found
            .copied()
            .ok_or_else(|| UnknownCommand(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_own_name() {
        for &command in Command::ALL {
            assert_eq!(command.name().parse(), Ok(command));
            assert!(!command.words().is_empty() && !command.words().ends_with('.'));
        }
        assert!("Save".parse::<Command>().is_err());
    }
}
