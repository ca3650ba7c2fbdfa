//! The road of what editing sends: typing, or a delete, an insert, or one behind the other. It gives and takes the same
//! operations and bytes as any other.

use super::super::batch::{Edited, edited};
use super::super::id::{AuthorIx, OpId};
use super::super::log::ActKind;
use super::super::op::{Source, Span, check_disjoint};
use super::{Change, Replica, Typed};

impl Replica {
    /// [`merge`](Self::merge) for what nearly all batches are. Appends to `changes` what disappeared, and says what came
    /// afterwards (an empty text, if nothing did); does nothing with any other batch.
    #[inline]
    pub(crate) fn merge_edit<'a>(
        &mut self,
        first: OpId,
        width: Option<u32>,
        bytes: &'a [u8],
        changes: &mut Vec<Change>,
    ) -> Option<Typed<'a>> {
        match self.merge_typed(first, width, bytes) {
            None => self.merge_elsewhere(first, width, bytes, changes),
            typed => typed,
        }
    }

    /// [`merge_edit`](Self::merge_edit) for what does not just go on.
    #[inline(never)]
    fn merge_elsewhere<'a>(
        &mut self,
        first: OpId,
        width: Option<u32>,
        bytes: &'a [u8],
        changes: &mut Vec<Change>,
    ) -> Option<Typed<'a>> {
        let author = self.expected(first)?;
        let mut targets = std::mem::take(&mut self.spans);
        targets.clear();
        let came = edited(bytes, &self.log, author, &mut targets)
            .and_then(|edit| self.apply_edit(author, width, &edit, &targets, changes));
        self.spans = targets;
        came
    }

    /// Applies a delete of `targets`, if there are any, and an insert, if there is one.
    #[inline]
    fn apply_edit<'a>(
        &mut self,
        author: AuthorIx,
        width: Option<u32>,
        edit: &Edited<'a>,
        targets: &[Span],
        changes: &mut Vec<Change>,
    ) -> Option<Typed<'a>> {
        let deletes = !targets.is_empty();
        let chars = edit.insert.map_or(0, |insert| insert.chars);
        let found = u32::from(deletes) + chars;
        let end = self.log[author].end().checked_add(found)?;
        if width.is_some_and(|said| said != found) {
            return None;
        }
        let before = changes.len();
        if deletes {
            self.hide_once(targets, changes)?;
            self.log.push_act(author, ActKind::Delete, targets);
        }
        let (mut at, mut text) = (0, "");
        if let Some(insert) = edit.insert {
            text = insert.text;
            match self.place_insert(author, edit.lamport, insert) {
                Ok(place) => at = place,
                Err(_) => {
                    self.show_again(targets, u32::MAX);
                    changes.truncate(before);
                    self.log.drop_open(author);
                    return None;
                }
            }
        }
        self.clock = self.clock.max(edit.lamport);
        self.log
            .close_batch(author, end, edit.lamport, edit.minutes, Source::Typed);
        let chars = chars as usize;
        Some(Typed { at, text, chars })
    }

    /// Hides characters that are named, unless one is named twice or is none.
    #[inline]
    fn hide_once(&mut self, targets: &[Span], changes: &mut Vec<Change>) -> Option<()> {
        let before = changes.len();
        let named: u64 = targets.iter().map(|span| u64::from(span.len)).sum();
        // If all that is named shows, nothing is named twice; that is how nearly all deletes are.
        if named > self.len() as u64 {
            return None;
        }
        let shown = self.hide_all(targets, changes).ok()?;
        if u64::from(shown) < named && check_disjoint(targets).is_err() {
            self.show_again(targets, u32::MAX);
            changes.truncate(before);
            return None;
        }
        Some(())
    }
}
