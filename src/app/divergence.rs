//! When another member has another text though both know the same edits: this member's text is kept on
//! disk as it was, and the person is told.
//!
//! The other member does the same, so both texts are kept, each where it came about.

use super::core::Divergence;
use crate::storage::evidence;
use crate::storage::paths::state_folder;

impl Divergence {
    /// Keeps the text, and says what the person has to know.
    pub(super) fn keep(self) -> String {
        let Self {
            name,
            text,
            repaired,
        } = self;
        let folder =
            state_folder().ok_or_else(|| std::io::Error::other("there is no folder for it"));
        let kept = folder
            .and_then(|folder| evidence::keep(&folder.join("diverged"), &name, text.chunks()))
            .map_or_else(
                |why| format!("the text as it was here could not be kept: {why}"),
                |path| format!("the text as it was here is kept in {path:?}"),
            );
        let made = if repaired {
            "yours was wrong and has been made from all edits again"
        } else {
            "yours is what all edits come to"
        };
        format!(
            "Your text and {name}'s differ though both of you have the same edits: {made}; {kept}"
        )
    }
}
