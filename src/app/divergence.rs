//! When another member has another text though both know the same edits, or when an author has signed
//! different edits for different members: this member's text is kept on
//! disk as it was, and the person is told.
//!
//! The other member does the same, so both texts are kept, each where it came about.

use super::core::{Cause, Divergence};
use crate::storage::evidence;
use crate::storage::paths::state_folder;

impl Divergence {
    /// Keeps the text, and says what the person has to know.
    pub(super) fn keep(self) -> String {
        let Self { name, text, cause } = self;
        let folder =
            state_folder().ok_or_else(|| std::io::Error::other("there is no folder for it"));
        let kept = folder
            .and_then(|folder| evidence::keep(&folder.join("diverged"), &name, text.chunks()))
            .map_or_else(
                |why| format!("the text as it was here could not be kept: {why}"),
                |path| format!("the text as it was here is kept in {path:?}"),
            );
        let made = match cause {
            Cause::Fork => {
                return format!(
                    "{name} has signed different edits under one name for different people: its later \
                     edits are not taken, and texts may differ from here on; {kept}"
                );
            }
            Cause::Fault { repaired: true } => {
                "yours was wrong and has been made from all edits again"
            }
            Cause::Fault { repaired: false } => "yours is what all edits come to",
        };
        format!(
            "Your text and {name}'s differ though both of you have the same edits: {made}; {kept}"
        )
    }
}
