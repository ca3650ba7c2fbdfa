//! How characters are hidden and shown.

use std::ops::Range;

use super::super::id::Id;
use super::super::op::Span;
use super::insert::insert_two;
use super::{Cursor, Order, Place, Run, Shown, push_joined};

impl Order {
    /// Adds `delta` (1 or −1) to how many operations hide each character of `span`, and tells of
    /// every stretch that became visible or hidden by it, in the span's order. Stops at what is no character; how
    /// many were. O(log n) a fragment.
    pub(crate) fn hide(&mut self, span: Span, delta: i32, mut shown: impl FnMut(Shown)) -> u32 {
        let mut id = span.start;
        while id.seq < span.end() {
            let Some((place, start)) = self.locate(id) else {
                break;
            };
            let run = self.run(place);
            let at = start + if run.hides == 0 { place.offset } else { 0 };
            let len = (run.len - place.offset).min(span.end() - id.seq);
            let was = run.hides;
            let hides = was.checked_add_signed(delta);
            let hides = hides.expect("an operation hides a character once");
            self.set_hides(place, at, len, hides);
            if (was == 0) != (hides == 0) {
                shown(Shown {
                    at: at as usize,
                    span: Span { start: id, len },
                    visible: hides == 0,
                });
            }
            id = id.plus(len);
        }
        id.seq - span.start.seq
    }

    /// Lets one operation more hide the characters of `spans`, and tells where visible ones disappeared: in front of
    /// which, and how many. Stops at what is no character; how many were. O(log n) a fragment.
    pub(crate) fn hide_named(
        &mut self,
        spans: &[Span],
        mut removed: impl FnMut(usize, usize),
    ) -> u32 {
        let mut count = 0;
        let mut rest = spans.iter().copied();
        let mut next = rest.next();
        while let Some(span) = next {
            let Some((place, start)) = self.locate(span.start) else {
                break;
            };
            let run = self.run(place);
            let at = start + if run.hides == 0 { place.offset } else { 0 };
            let len = (run.len - place.offset).min(span.len);
            let gone = if len == run.len {
                self.hide_named_runs(place, at, &mut next, &mut rest, &mut count)
            } else {
                let (hides, gone) = (run.hides + 1, if run.hides == 0 { len } else { 0 });
                self.set_hides(place, at, len, hides);
                count += len;
                next = behind(span, len).or_else(|| rest.next());
                gone
            };
            if gone > 0 {
                removed(at as usize, gone as usize);
            }
        }
        count
    }

    /// Hides whole runs that are named one after the other, from the one at `place` on, in its leaf; what else is hidden
    /// may stand between. How many visible characters these had. Leaves the cursor on the first.
    fn hide_named_runs(
        &mut self,
        place: Place,
        at: u32,
        next: &mut Option<Span>,
        rest: &mut impl Iterator<Item = Span>,
        count: &mut u32,
    ) -> u32 {
        let Place { leaf, slot, .. } = place;
        let runs = &mut self.leaves[leaf as usize].runs;
        let (mut end, mut hidden) = (slot as usize, 0);
        for (i, run) in runs.iter_mut().enumerate().skip(end) {
            let Some(span) = *next else { break };
            if run.id() == span.start && run.len <= span.len {
                hidden += run.visible();
                run.hides += 1;
                *count += run.len;
                *next = behind(span, run.len).or_else(|| rest.next());
                end = i + 1;
            } else if run.hides == 0 {
                break;
            }
        }
        self.hid_runs(place, at, end, hidden);
        hidden
    }

    /// Hides the visible character number `at`; its name. O(log n).
    pub(crate) fn hide_one(&mut self, at: usize) -> Id {
        let place = self.visible_place(at);
        let id = self.id(place);
        self.set_hides(place, at as u32, 1, 1);
        id
    }

    /// Hides the visible characters `range`, and appends their names to `spans`, in their order.
    /// O(log n + answer).
    pub(crate) fn hide_visible(&mut self, range: Range<usize>, spans: &mut Vec<Span>) {
        let at = range.start as u32;
        let mut rest = (range.end - range.start) as u32;
        while rest > 0 {
            // What was hidden is in front of the cursor, so the next character is near.
            let place = self.visible_place(range.start);
            let run = self.run(place);
            if place.offset == 0 && run.len <= rest {
                rest -= self.hide_runs(place, at, rest, spans);
                continue;
            }
            let len = (run.len - place.offset).min(rest);
            push_joined(spans, run.id().plus(place.offset), len);
            self.set_hides(place, at, len, 1);
            rest -= len;
        }
    }

    /// Hides whole runs from the visible one at `place` on, which have `at` visible characters before them: those in
    /// its leaf with at most `most` visible characters in all. How many these are. Leaves the cursor on the first.
    fn hide_runs(&mut self, place: Place, at: u32, most: u32, spans: &mut Vec<Span>) -> u32 {
        let Place { leaf, slot, .. } = place;
        let runs = &mut self.leaves[leaf as usize].runs;
        let (mut end, mut hidden) = (slot as usize, 0);
        while hidden < most
            && let Some(run) = runs.get_mut(end)
        {
            if run.hides == 0 {
                if run.len > most - hidden {
                    break;
                }
                push_joined(spans, run.id(), run.len);
                hidden += run.len;
                run.hides = 1;
            }
            end += 1;
        }
        self.hid_runs(place, at, end, hidden);
        hidden
    }

    /// Accounts for runs of a leaf, from `place` to `end`, that have been hidden, with so many visible characters.
    fn hid_runs(&mut self, Place { leaf, slot, .. }: Place, at: u32, end: usize, hidden: u32) {
        let runs = &mut self.leaves[leaf as usize].runs;
        let slot = join_between(runs, slot as usize, end);
        self.add_visible(leaf, -hidden.cast_signed());
        self.cursor = Some(Cursor::new(leaf, slot as u32, at));
    }

    /// Lets `hides` operations hide the `len` characters from `place` on, all in one run, which have
    /// `at` visible ones before them. Leaves the cursor on their run. O(log n).
    #[inline]
    fn set_hides(&mut self, place: Place, at: u32, len: u32, hides: u32) {
        let Place {
            mut leaf,
            slot,
            offset,
        } = place;
        let mut slot = slot as usize;
        let runs = &mut self.leaves[leaf as usize].runs;
        let run = runs[slot];
        let part = Run {
            author: run.author,
            continues: offset > 0 || run.continues,
            seq: run.seq + offset,
            len,
            hides,
        };
        if len == run.len {
            runs[slot].hides = hides;
            slot = join_between(runs, slot, slot + 1);
        } else if offset == 0 {
            // Its first characters: the run in front takes them, or they are one of their own.
            if slot > 0 && runs[slot - 1].joins(&part) {
                slot -= 1;
                runs[slot].len += len;
                runs[slot + 1] = run.behind(len);
            } else {
                let (to, behind) = self.make_room(leaf, slot + 1, 1);
                (leaf, slot) = (to, behind - 1);
                let runs = &mut self.leaves[leaf as usize].runs;
                runs[slot] = part;
                runs.insert(behind, run.behind(len));
            }
        } else if offset + len == run.len {
            // Its last ones: likewise, the run behind.
            if runs.get(slot + 1).is_some_and(|next| part.joins(next)) {
                runs[slot].len = offset;
                slot += 1;
                runs[slot].seq -= len;
                runs[slot].len += len;
            } else {
                (leaf, slot) = self.make_room(leaf, slot + 1, 1);
                let runs = &mut self.leaves[leaf as usize].runs;
                runs[slot - 1].len = offset;
                runs.insert(slot, part);
            }
        } else {
            (leaf, slot) = self.make_room(leaf, slot + 1, 2);
            let runs = &mut self.leaves[leaf as usize].runs;
            runs[slot - 1].len = offset;
            insert_two(runs, slot, [part, run.behind(offset + len)]);
        }
        match (run.hides, hides) {
            (0, 1..) => self.add_visible(leaf, -len.cast_signed()),
            (1.., 0) => self.add_visible(leaf, len.cast_signed()),
            _ => {}
        }
        let now = &self.leaves[leaf as usize].runs[slot];
        let in_run = if hides == 0 { part.seq - now.seq } else { 0 };
        self.cursor = Some(Cursor::new(leaf, slot as u32, at - in_run));
    }
}

/// What is left of a span behind its first `len` characters.
fn behind(span: Span, len: u32) -> Option<Span> {
    let start = span.start.plus(len);
    let len = span.len - len;
    (len > 0).then_some(Span { start, len })
}

/// Joins the runs `from..to` of a leaf, which have changed, with each other and the ones beside them, where they may be
/// one; in which slot the first of them is then.
fn join_between(runs: &mut Vec<Run>, from: usize, to: usize) -> usize {
    let first = from.saturating_sub(1);
    let end = runs.len().min(to + 1);
    let (mut last, mut slot) = (first, first);
    for at in first + 1..end {
        let run = runs[at];
        if runs[last].joins(&run) {
            runs[last].len += run.len;
        } else {
            last += 1;
            runs[last] = run;
        }
        if at == from {
            slot = last;
        }
    }
    if last + 1 < end {
        runs.drain(last + 1..end);
    }
    slot
}
