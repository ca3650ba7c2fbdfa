//! How characters come into the order.

use super::super::id::Id;
use super::{Cursor, Order, Place, Run};

impl Order {
    /// Puts visible characters `id..id + len`, which are new, in front of the character at `before`
    /// (`None`: at the end). `continues`: the first of them continues the character `id - 1`.
    /// Says how many visible characters are before them. O(log n).
    pub(crate) fn insert(
        &mut self,
        before: Option<Place>,
        id: Id,
        len: u32,
        continues: bool,
    ) -> usize {
        let Place { leaf, slot, offset } = before.unwrap_or_else(|| Place {
            leaf: self.last,
            slot: self.leaves[self.last as usize].runs.len() as u32,
            offset: 0,
        });
        let front = match (slot.checked_sub(1), offset.checked_sub(1)) {
            (_, Some(offset)) => Some(Place { leaf, slot, offset }),
            (Some(slot), None) => Some(self.last_of(leaf, slot)),
            // Only who goes on must know the run in front, which is the last of the leaf before.
            (None, None) if continues => id
                .before()
                .and_then(|id| self.find(id))
                .map(|front| self.last_of(front.leaf, front.slot))
                .filter(|front| self.next_run(*front) == before),
            (None, None) => None,
        };
        if let Some(front) = front {
            let start = self.start_of(front.leaf, front.slot);
            return self.insert_behind((front, start), id, len, continues);
        }
        let at = self.start_of(leaf, 0);
        let (leaf, slot) = self.make_room(leaf, 0, 1);
        let new = Run {
            author: id.author,
            continues,
            seq: id.seq,
            len,
            hides: 0,
        };
        self.leaves[leaf as usize].runs.insert(slot, new);
        self.entered(id, len, leaf, slot, at);
        at as usize
    }

    /// The last character of a run.
    fn last_of(&self, leaf: u32, slot: u32) -> Place {
        let run = &self.leaves[leaf as usize].runs[slot as usize];
        let offset = run.len - 1;
        Place { leaf, slot, offset }
    }

    /// [`insert`](Self::insert) right behind a character, with how many visible ones are before its run.
    pub(crate) fn insert_behind(
        &mut self,
        (Place { leaf, slot, offset }, start): (Place, u32),
        id: Id,
        len: u32,
        continues: bool,
    ) -> usize {
        let run = &mut self.leaves[leaf as usize].runs[slot as usize];
        let kept = offset + 1;
        let at = start + if run.hides == 0 { kept } else { 0 };
        let new = Run {
            author: id.author,
            continues,
            seq: id.seq,
            len,
            hides: 0,
        };
        let slot = slot as usize;
        if kept == run.len {
            if run.joins(&new) {
                run.len += len;
                self.add_visible(leaf, len.cast_signed());
                self.index[id.author.index()].grown(id.seq + len);
                self.cursor = Some(Cursor::new(leaf, slot as u32, start));
                return at as usize;
            }
            let (leaf, slot) = self.make_room(leaf, slot + 1, 1);
            self.leaves[leaf as usize].runs.insert(slot, new);
            self.entered(id, len, leaf, slot, at);
            return at as usize;
        }
        let rest = run.behind(kept);
        let (leaf, slot) = self.make_room(leaf, slot + 1, 2);
        let runs = &mut self.leaves[leaf as usize].runs;
        runs[slot - 1].len = kept;
        insert_two(runs, slot, [new, rest]);
        self.entered(id, len, leaf, slot, at);
        at as usize
    }

    /// Counts new visible characters, which are the run at `slot`, and leaves the cursor on it.
    #[inline]
    fn entered(&mut self, id: Id, len: u32, leaf: u32, slot: usize, start: u32) {
        self.add_visible(leaf, len.cast_signed());
        self.index_set(id, len, leaf);
        self.cursor = Some(Cursor::new(leaf, slot as u32, start));
    }

    /// Typing on: lets the run at the cursor grow by `id..id + len`, if it ends with `id - 1`, is visible
    /// and has `right` behind it. Says how many visible characters are before them. `at` is where that
    /// must be, if that matters. O(1) but for the counts.
    #[inline(always)] // See `Replica::type_on`.
    pub(crate) fn type_on(
        &mut self,
        id: Id,
        len: u32,
        right: Option<Id>,
        at: Option<usize>,
    ) -> Option<usize> {
        let cursor = self.cursor.as_mut()?;
        let Cursor { leaf, slot, .. } = *cursor;
        let run = &mut self.leaves[leaf as usize].runs[slot as usize];
        let end = cursor.start + run.len;
        if at.is_some_and(|at| at != end as usize) {
            return None;
        }
        if cursor.typist == Some(id.author) {
            debug_assert!(run.hides == 0 && run.id().plus(run.len) == id);
            run.len += len;
        } else {
            self.begin_typing(leaf, slot, id, len, right)?;
        }
        self.add_visible(leaf, len.cast_signed());
        self.index[id.author.index()].grown(id.seq + len);
        Some(end as usize)
    }

    /// Lets the run at the cursor grow for the first time.
    #[inline(never)]
    fn begin_typing(
        &mut self,
        leaf: u32,
        slot: u32,
        id: Id,
        len: u32,
        right: Option<Id>,
    ) -> Option<()> {
        let front = self.last_of(leaf, slot);
        let behind = self.next_run(front).map(|place| self.id(place));
        let run = &mut self.leaves[leaf as usize].runs[slot as usize];
        if run.hides > 0 || run.id().plus(run.len) != id || behind != right {
            return None;
        }
        run.len += len;
        if let Some(cursor) = &mut self.cursor {
            cursor.typist = Some(id.author);
        }
        Some(())
    }
}

/// Puts two runs into a leaf that has room for them.
pub(super) fn insert_two(runs: &mut Vec<Run>, slot: usize, two: [Run; 2]) {
    let end = runs.len();
    runs.push(two[0]);
    runs.push(two[1]);
    if slot < end {
        runs.copy_within(slot..end, slot + 2);
        (runs[slot], runs[slot + 1]) = (two[0], two[1]);
    }
}
