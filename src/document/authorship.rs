//! Who wrote what, and taking back what somebody did.
//!
//! Members are people, authors are their process starts: who asks for what a member did names all of its authors.

use std::ops::Range;

use super::buffer::Document;
use super::position::CharPos;
use super::undo::{Edit, EditKind};
use crate::crdt::{AuthorId, Authorship, Change, OpId, Source};

/// A stretch of the text that is of one author, one minute and one source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorSpan {
    /// Where it is. Not empty.
    pub range: Range<CharPos>,
    /// Who wrote it.
    pub author: AuthorId,
    /// What the author's clock showed, in whole minutes since 1970.
    pub minutes: u32,
    /// Whether it was typed or came from the file on disk.
    pub source: Source,
}

/// What taking something back would do to one place of the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// These characters would disappear.
    Vanish(Range<CharPos>),
    /// Text would come back.
    Return {
        /// In front of which character.
        at: CharPos,
        /// What.
        text: String,
    },
}

impl Document {
    /// Who wrote `range` (past the end means the end), from left to right: spans that together are the range, of
    /// which neighbours differ. O(log n) for the first, then O(1) for each piece of somebody's writing, so ask for
    /// what is on the screen.
    pub fn authorship(&self, range: Range<CharPos>) -> impl Iterator<Item = AuthorSpan> {
        let end = range.end.0.min(self.len());
        let spans = self.replica.authorship(range.start.0.min(end)..end);
        spans.map(|(range, who)| {
            let Authorship {
                author,
                minutes,
                source,
            } = who;
            AuthorSpan {
                range: CharPos(range.start)..CharPos(range.end),
                author,
                minutes,
                source,
            }
        })
    }

    /// What these authors, usually all of one member's, did in the minute `minutes` (since 1970, by their own
    /// clocks) or later, with one of these sources: for [`take_back`](Self::take_back). The file that a session begins with is
    /// its first author's work with [`Source::Disk`].
    pub fn edits_since(
        &self,
        authors: &[AuthorId],
        minutes: u32,
        sources: &[Source],
    ) -> Vec<Range<OpId>> {
        let edits = |author: &AuthorId| self.log().edits_since(*author, minutes, sources);
        authors.iter().flat_map(edits).collect()
    }

    /// What [`take_back`](Self::take_back) of these edits would do, in the order of the text; all positions are in
    /// the text as it is. Costs what doing it costs.
    pub fn preview_take_back(&mut self, edits: &[Range<OpId>]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for change in self.replica.preview_undo(edits) {
            match change {
                Change::Remove { at, len } => {
                    effects.push(Effect::Vanish(CharPos(at)..CharPos(at + len)));
                }
                Change::Insert { at, from, len } => {
                    let new = self.replica.text(from, len);
                    match effects.last_mut() {
                        Some(Effect::Return { at: place, text }) if place.0 == at => {
                            text.push_str(new);
                        }
                        _ => effects.push(Effect::Return {
                            at: CharPos(at),
                            text: new.to_owned(),
                        }),
                    }
                }
            }
        }
        effects
    }

    /// Takes back edits of any authors as one operation of one's own, which all members see and which
    /// [`undo`](Self::undo) takes back like any edit. What these authors undo or redo at the same time changes nothing
    /// of it. Where the caret goes then, if the text has changed.
    pub fn take_back(&mut self, edits: &[Range<OpId>]) -> Option<CharPos> {
        let (by, caret) = self.undo_ops(edits);
        for Range { start, end } in by {
            self.undo.push(Edit {
                ops: start.seq..end.seq,
                kind: EditKind::Whole,
                at: 0,
                replaced: 0..0,
                caret: 0,
                space: false,
            });
        }
        caret
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::buffer::tests::{document, keys, redo, sync, undo};

    const BOTH: &[Source] = &[Source::Typed, Source::Disk];

    /// Replaces and commits.
    fn edit(document: &mut Document, range: Range<usize>, text: &str, minutes: u32) {
        let range = CharPos(range.start)..CharPos(range.end);
        document.edit(range, text, EditKind::Whole, 0);
        document.commit(minutes, Source::Typed);
    }

    /// Takes back, and checks that it did what the preview said.
    fn take_back(document: &mut Document, edits: &[Range<OpId>]) {
        let mut expected = document.rope().clone();
        let log = document.log().version().clone();
        for effect in document.preview_take_back(edits).into_iter().rev() {
            match effect {
                Effect::Vanish(range) => expected.remove(range.start.0..range.end.0),
                Effect::Return { at, text } => expected.insert(at.0, &text),
            }
        }
        document.check_invariants();
        assert_eq!(document.log().version(), &log, "a preview does nothing");
        document.take_back(edits);
        document.commit(50, Source::Typed);
        document.check_invariants();
        assert_eq!(document.rope(), &expected);
    }

    fn share(all: &mut [&mut Document]) {
        for from in 0..all.len() {
            for to in 0..all.len() {
                if from != to {
                    let (low, high) = (from.min(to), from.max(to));
                    let (left, right) = all.split_at_mut(high);
                    let (a, b) = (&mut *left[low], &mut *right[0]);
                    if from < to { sync(a, b) } else { sync(b, a) }
                }
            }
        }
    }

    #[test]
    fn authorship_tells_author_minute_and_source_of_every_stretch() {
        let (mut a, mut b) = (document(1), document(2));
        a.load("from disk\n", 7);
        edit(&mut a, 10..10, "typed", 8);
        edit(&mut a, 15..15, " on", 9);
        sync(&a, &mut b);
        edit(&mut b, 4..4, "XY", 9);
        edit(&mut b, 0..1, "", 9);
        let spans: Vec<_> = b
            .authorship(CharPos(1)..CharPos(99))
            .map(|span| {
                let (start, end) = (span.range.start.0, span.range.end.0);
                (start..end, span.author.0[0], span.minutes, span.source)
            })
            .collect();
        assert_eq!(
            spans,
            [
                (1..3, 1, 7, Source::Disk),
                (3..5, 2, 9, Source::Typed),
                (5..11, 1, 7, Source::Disk),
                (11..16, 1, 8, Source::Typed),
                (16..19, 1, 9, Source::Typed),
            ]
        );
        assert_eq!(b.authorship(CharPos(5)..CharPos(5)).count(), 0);
        b.edit(CharPos(0)..CharPos(0), "open", EditKind::Whole, 0);
        let open = b.authorship(CharPos(0)..CharPos(4)).next();
        assert_eq!(
            open.map(|span| (span.range.end.0, span.author)),
            Some((4, b.me()))
        );
    }

    #[test]
    fn what_a_member_did_since_a_minute_is_taken_back_in_one_step_and_ctrl_z_brings_it_again() {
        // The member starts twice: authors 1 and 3.
        let (mut a, mut again, mut me) = (document(1), document(3), document(2));
        a.load("one two three four\n", 10);
        edit(&mut a, 0..0, "early ", 20);
        share(&mut [&mut a, &mut me]);
        edit(&mut me, 10..10, "MINE", 30);
        edit(&mut a, 6..9, "", 40);
        share(&mut [&mut a, &mut me, &mut again]);
        edit(&mut again, 11..14, "LATE", 41);
        edit(&mut again, 0..0, "!", 39);
        share(&mut [&mut again, &mut me]);
        let before = me.rope().to_string();
        assert_eq!(before, "!early  MINELATE three four\n");
        let authors = [a.me(), again.me()];
        let edits = me.edits_since(&authors, 40, &[Source::Typed]);
        let effects = me.preview_take_back(&edits);
        let gone = Effect::Vanish(CharPos(12)..CharPos(16));
        assert!(effects.contains(&gone), "{effects:?}");
        take_back(&mut me, &edits);
        assert_eq!(me.rope(), "!early one MINEtwo three four\n");
        assert!(undo(&mut me).is_some());
        assert_eq!(me.rope(), &before);
        assert!(redo(&mut me).is_some());
        share(&mut [&mut me, &mut a, &mut again]);
        for other in [&a, &again] {
            assert_eq!(other.rope(), me.rope());
        }
        undo(&mut me);
        undo(&mut me);
        assert_eq!(
            me.rope(),
            "!early  LATE three four\n",
            "then one's own edits"
        );
    }

    #[test]
    fn the_file_itself_is_taken_back_only_when_asked_for() {
        let mut a = document(1);
        a.load("file", 10);
        edit(&mut a, 4..4, " and more", 10);
        let typed = a.edits_since(&[a.me()], 10, &[Source::Typed]);
        assert!(a.edits_since(&[a.me()], 11, BOTH).is_empty());
        assert!(a.edits_since(&[AuthorId([9; 16])], 0, BOTH).is_empty());
        let all = a.edits_since(&[a.me()], 0, BOTH);
        take_back(&mut a, &typed);
        assert_eq!(a.rope(), "file");
        take_back(&mut a, &all);
        assert_eq!(a.rope(), "");
    }

    #[test]
    fn a_take_back_brings_back_what_was_undone_and_deleted_since() {
        let (mut a, mut me) = (document(1), document(2));
        keys(&mut a, 0, "kept words", 0..);
        sync(&a, &mut me);
        a.undo();
        a.commit(40, Source::Typed);
        edit(&mut a, 0..2, "", 41);
        sync(&a, &mut me);
        assert_eq!(me.rope(), "pt ");
        let edits = me.edits_since(&[a.me()], 40, BOTH);
        take_back(&mut me, &edits);
        assert_eq!(me.rope(), "kept words");
        undo(&mut me);
        assert_eq!(me.rope(), "pt ");
    }

    #[test]
    fn a_concurrent_undo_and_redo_does_not_cancel_a_take_back() {
        // What the member has undone already, or not, when it is taken back; and how far it goes concurrently.
        for before in 0..3 {
            for after in 0..4 {
                let (mut a, mut me) = (document(1), document(2));
                a.load("base ", 0);
                edit(&mut a, 5..5, "vandal", 40);
                edit(&mut a, 0..2, "", 40);
                let turn = |a: &mut Document, n: usize| {
                    let _caret = if n.is_multiple_of(2) {
                        a.undo()
                    } else {
                        a.redo()
                    };
                    a.commit(41, Source::Typed);
                };
                (0..before).for_each(|n| turn(&mut a, n));
                sync(&a, &mut me);
                let edits = me.edits_since(&[a.me()], 40, &[Source::Typed]);
                (before..before + after).for_each(|n| turn(&mut a, n));
                take_back(&mut me, &edits);
                assert_eq!(me.rope(), "base ", "{before} {after}");
                share(&mut [&mut a, &mut me]);
                assert_eq!(me.rope(), "base ", "{before} {after}");
                assert_eq!(a.rope(), "base ", "{before} {after}");
            }
        }
    }

    #[test]
    fn taking_back_passes_over_what_cannot_be_undone_any_more() {
        let (mut a, mut me) = (document(1), document(2));
        edit(&mut a, 0..0, "text", 40);
        let me_of = |a: &Document, from: u32, to: u32| {
            let op = |seq| OpId {
                author: a.me(),
                seq,
            };
            op(from)..op(to)
        };
        let mut last = me_of(&a, 0, 4);
        for _ in 0..crate::crdt::limits::MAX_UNDO_DEPTH {
            let first = a.log().next(&a.me());
            a.take_back(std::slice::from_ref(&last));
            a.commit(40, Source::Typed);
            last = me_of(&a, first, first + 1);
        }
        sync(&a, &mut me);
        assert_eq!(me.rope(), "text", "an even number of undos");
        let edits = me.edits_since(&[a.me()], 40, BOTH);
        take_back(&mut me, &edits);
        assert_eq!(me.rope(), "");
    }

    #[test]
    fn random_take_backs_do_what_their_previews_say() {
        let seed = std::env::var("COLLAB_EDIT_SEED").map_or(1, |s| s.parse().expect("a number"));
        eprintln!("COLLAB_EDIT_SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..60 {
            let mut all = [document(1), document(2), document(3)];
            for minute in 0..40 {
                let who = rng.usize(0..3);
                let one = &mut all[who];
                let len = one.len();
                match rng.u8(0..8) {
                    0..=3 => {
                        let at = rng.usize(0..=len);
                        edit(one, at..(at + rng.usize(0..3)).min(len), "añb", minute);
                    }
                    4 => drop((one.undo(), one.commit(minute, Source::Typed))),
                    5 => drop((one.redo(), one.commit(minute, Source::Typed))),
                    6 => {
                        let [a, b, c] = &mut all;
                        share(&mut [a, b, c]);
                    }
                    _ => {
                        let authors = [AuthorId([rng.u8(1..4); 16]), AuthorId([rng.u8(1..4); 16])];
                        let edits = one.edits_since(&authors, rng.u32(0..=minute), BOTH);
                        take_back(one, &edits);
                    }
                }
            }
            let [a, b, c] = &mut all;
            share(&mut [a, b, c]);
            assert_eq!(a.rope(), b.rope());
            assert_eq!(a.rope(), c.rope());
        }
    }
}
