//! How characters are hidden and shown.

use std::ops::Range;

use super::super::op::Span;
use super::{Cursor, Order, Place, Run, Shown, push_joined};

impl Order {
    /// Adds `delta` (1 or −1) to how many operations hide each character of `span`, and tells of
    /// every stretch that became visible or hidden by it, in the span's order. O(log n) a fragment.
    pub(crate) fn hide(&mut self, span: Span, delta: i32, mut shown: impl FnMut(Shown)) {
        let mut id = span.start;
        while id.seq < span.end() {
            let place = self.place(id);
            let at = self.visible_before(place) as u32;
            let run = *self.run(place);
            let len = (run.len - place.offset).min(span.end() - id.seq);
            let hides = run.hides.checked_add_signed(delta);
            let hides = hides.expect("an operation hides a character once");
            self.set_hides(place, at, len, hides);
            if (run.hides == 0) != (hides == 0) {
                shown(Shown {
                    at: at as usize,
                    span: Span { start: id, len },
                    visible: hides == 0,
                });
            }
            id = id.plus(len);
        }
    }

    /// Hides the visible characters `range`, and appends their names to `spans`, in their order.
    /// O(log n + answer).
    pub(crate) fn hide_visible(&mut self, range: Range<usize>, spans: &mut Vec<Span>) {
        let mut rest = (range.end - range.start) as u32;
        while rest > 0 {
            // What was hidden is in front of the cursor, so the next character is near.
            let place = self.visible_place(range.start);
            let run = self.run(place);
            let len = (run.len - place.offset).min(rest);
            push_joined(spans, run.id().plus(place.offset), len);
            self.set_hides(place, range.start as u32, len, 1);
            rest -= len;
        }
    }

    /// Lets `hides` operations hide the `len` characters from `place` on, all in one run, which have
    /// `at` visible ones before them. Leaves the cursor on their run. O(log n).
    fn set_hides(&mut self, place: Place, at: u32, len: u32, hides: u32) {
        let run = self.run(place);
        let (was, seq) = (run.hides, run.seq + place.offset);
        self.cursor = None;
        let (leaf, slot) = match self.move_border(place, len, hides) {
            Some(slot) => (place.leaf, slot),
            None => {
                let (leaf, slot) = self.isolate(place, len);
                self.leaves[leaf as usize].runs[slot].hides = hides;
                (leaf, self.join_around(leaf, slot))
            }
        };
        match (was, hides) {
            (0, 1..) => self.add_visible(leaf, -len.cast_signed()),
            (1.., 0) => self.add_visible(leaf, len.cast_signed()),
            _ => {}
        }
        let run = &self.leaves[leaf as usize].runs[slot];
        let in_run = if run.hides == 0 { seq - run.seq } else { 0 };
        self.cursor = Some(Cursor {
            leaf,
            slot: slot as u32,
            start: at - in_run,
        });
    }

    /// Hands characters at one end of a run over to the run beside it in the leaf, if that is hidden
    /// as often as they are to be; the slot of that run.
    fn move_border(&mut self, place: Place, len: u32, hides: u32) -> Option<usize> {
        let slot = place.slot as usize;
        let runs = &mut self.leaves[place.leaf as usize].runs;
        let run = runs[slot];
        if len == run.len {
            return None;
        }
        if place.offset + len == run.len {
            let next = runs.get_mut(slot + 1)?;
            if !next.continues || next.hides != hides || run.id().plus(run.len) != next.id() {
                return None;
            }
            next.seq = run.seq + place.offset;
            next.len += len;
            runs[slot].len = place.offset;
            return Some(slot + 1);
        }
        let before = runs.get_mut(slot.checked_sub(1)?)?;
        if place.offset > 0
            || !run.continues
            || before.hides != hides
            || before.id().plus(before.len) != run.id()
        {
            return None;
        }
        before.len += len;
        runs[slot] = Run {
            seq: run.seq + len,
            len: run.len - len,
            continues: true,
            ..run
        };
        Some(slot - 1)
    }
}
