//! The words on the screen that tests look for and that the contract leaves open, in one place.
//!
//! Each list holds alternatives in lower case; the screen is compared in lower case.

/// The question of a first Ctrl-Q with unsaved text.
pub(crate) const QUIT_QUESTION: &[&str] = &["unsaved", "not saved", "without saving"];

/// What Ctrl-C without a selection says.
pub(crate) const HOW_TO_QUIT: &[&str] = &["ctrl-q", "ctrl+q", "^q"];

/// The prompt for the session code.
pub(crate) const CODE_PROMPT: &[&str] = &["code"];

/// The answer to a wrong session code.
pub(crate) const WRONG_CODE: &[&str] = &["wrong code", "wrong session code", "not the code"];

/// The question where to save, of a joiner that named no file.
pub(crate) const CONFIRM_NAME: &[&str] = &["save as", "save to", "file name"];

/// The refusal to write a file that another member on this machine has open.
pub(crate) const OTHER_NAME: &[&str] = &["another name", "other name", "different name"];

/// A member whose link is lost.
pub(crate) const AWAY: &[&str] = &["away"];

/// What no message to a user may contain: the marks of a panic or of a raw debug print.
pub(crate) const NOT_A_SENTENCE: &[&str] = &[
    "panicked",
    "rust_backtrace",
    "backtrace",
    "os { code",
    "custom { kind",
    "called `",
    "src/",
];
