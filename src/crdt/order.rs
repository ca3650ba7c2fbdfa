//! The order tree: every character ever inserted, in the one order that all replicas agree on, with
//! how many operations hide it.
//!
//! An arena B+-tree. Leaves hold runs (characters with consecutive numbers of one author, next to
//! each other, equally hidden); inner nodes hold how many visible characters are below each child.
//! A run holds neither text nor origins: the log knows both. Beside it stands, per author, an
//! [index] from number to leaf.
//!
//! People write where they wrote last, so the order keeps a cursor on the run that was touched last.
//! There, and near it, an edit neither descends the tree nor climbs it, but for the counts.
//!
//! Where one writes is a position, and needs no index. So a leaf that is split only notes that runs have
//! moved into the new one; the index is brought up to date ([`Order::reindex`]) when somebody's operation
//! names a character that is not where it says. What only reads, in between, walks from the leaf that the index
//! names to the right, over leaves that runs have moved into.
//!
//! Invariants (checked by [`Order::check_invariants`]):
//! - O1: all leaves are at one depth; parents, children and the leaves' chain agree; only the very
//!   first leaf may be empty.
//! - O2: each child's visible count is the sum over its runs with `hides == 0`.
//! - O3: the index names, for each character, the leaf that holds it, or one to the left of that with
//!   nothing but leaves marked as moved in between, itself included.
//! - O4: inside a run, each character continues the one before it (see [`super::log::Log::continues_run`]), and a
//!   run knows whether its first does.
//! - O5: the cursor, if there is one, is on a run and knows how many visible characters are before it.
//!
//! Not here: the rule that decides where an insert goes (that is [`super::integrate`]).

mod check;
mod fill;
mod hide;
mod index;
mod insert;
mod node;
mod split;
mod visible;

use std::cmp::Ordering;
use std::hint::select_unpredictable;

use super::id::{AuthorIx, Id};
use super::op::Span;
pub(crate) use fill::Fill;
use index::Index;
use node::Node;

/// Runs in a leaf, children of an inner node: small under test, so that small texts make deep
/// trees. (32 runs are 512 bytes; measured no worse than 16 or 64.)
const LEAF: usize = if cfg!(test) { 4 } else { 32 };
const NODE: usize = if cfg!(test) { 4 } else { 32 };

/// How many runs around the cursor are looked at before anything else.
const NEAR: usize = 16;

/// How many leaves may hold runs of which the index does not know: bounds what a look-up walks over (some
/// 30 µs), and what bringing the index up to date takes at once. (Small under test, so that it happens.)
const MOVED: usize = if cfg!(test) { 4 } else { 1024 };

/// No leaf, no node.
const NONE: u32 = u32::MAX;

/// Consecutive characters of one author, next to each other in the order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    author: AuthorIx,
    /// Whether the first character continues the one before it by number.
    continues: bool,
    seq: u32,
    pub(crate) len: u32,
    /// How many operations in force hide these characters: deletes that name them, and undos that
    /// name their insert. They are visible while this is 0. Each operation counts at most once, when
    /// it comes into force, and is subtracted when it leaves it, so this cannot go below zero.
    pub(crate) hides: u32,
}

impl Run {
    /// The name of its first character.
    pub(crate) const fn id(&self) -> Id {
        Id::new(self.author, self.seq)
    }

    /// How many of its characters show. (Hidden and visible runs come in no order by which a processor could guess a
    /// branch.)
    fn visible(&self) -> u32 {
        select_unpredictable(self.hides == 0, self.len, 0)
    }

    fn holds(&self, id: Id) -> bool {
        self.author == id.author && id.seq.wrapping_sub(self.seq) < self.len
    }

    /// What is behind its first `kept` characters.
    const fn behind(&self, kept: u32) -> Self {
        Self {
            author: self.author,
            continues: true,
            seq: self.seq + kept,
            len: self.len - kept,
            hides: self.hides,
        }
    }

    /// Whether `next`, which is the next run, may be one with this.
    fn joins(&self, next: &Self) -> bool {
        // Without branches: see `visible`.
        next.continues
            & (self.hides == next.hides)
            & (self.author == next.author)
            & (self.seq + self.len == next.seq)
    }
}

/// A place of one character: a leaf, a run in it, a character of the run. Valid until the tree changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    leaf: u32,
    slot: u32,
    offset: u32,
}

/// The run touched last.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    leaf: u32,
    slot: u32,
    /// How many visible characters are before it.
    start: u32,
    /// Whose typing it takes in at its end, with the right origin of that author's last insert, if that is known.
    typist: Option<AuthorIx>,
}

impl Cursor {
    const fn new(leaf: u32, slot: u32, start: u32) -> Self {
        Self {
            leaf,
            slot,
            start,
            typist: None,
        }
    }
}

struct Leaf {
    parent: u32,
    /// Which of the parent's children this is.
    place: u32,
    next: u32,
    /// Whether runs have moved here of which the index does not know.
    moved: bool,
    runs: Vec<Run>,
}

/// A change of visibility that [`Order::hide`] made.
pub(crate) struct Shown {
    /// Visible characters before it, at that moment.
    pub(crate) at: usize,
    pub(crate) span: Span,
    /// Whether the characters have become visible (else they have become hidden).
    pub(crate) visible: bool,
}

/// See the module.
pub(crate) struct Order {
    leaves: Vec<Leaf>,
    nodes: Vec<Node>,
    root: u32,
    last: u32,
    visible: u32,
    cursor: Option<Cursor>,
    /// Per author.
    index: Vec<Index>,
    /// The leaves that are marked as moved.
    moved: Vec<u32>,
}

impl Order {
    pub(crate) fn new() -> Self {
        Self {
            leaves: vec![Leaf {
                parent: 0,
                place: 0,
                next: NONE,
                moved: false,
                runs: Vec::new(),
            }],
            nodes: vec![Node::of([(0, 0)], true)],
            root: 0,
            last: 0,
            visible: 0,
            cursor: None,
            index: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// How many characters are visible. O(1).
    pub(crate) const fn visible(&self) -> usize {
        self.visible as usize
    }

    pub(crate) fn run(&self, place: Place) -> &Run {
        &self.leaves[place.leaf as usize].runs[place.slot as usize]
    }

    /// The name of the character at `place`.
    pub(crate) fn id(&self, place: Place) -> Id {
        self.run(place).id().plus(place.offset)
    }

    /// The place of the visible character number `at`, which exists. O(log n), O(1) near the cursor.
    pub(crate) fn visible_place(&self, at: usize) -> Place {
        // Counts fit in 32 bits, since numbers do.
        let at = at as u32;
        if let Some(place) = self.near_cursor(at) {
            return place;
        }
        let mut rest = at;
        let mut node = &self.nodes[self.root as usize];
        loop {
            let child = node.descend(&mut rest);
            if node.above_leaves {
                return self.in_leaf(child, rest);
            }
            node = &self.nodes[child as usize];
        }
    }

    /// The place of the visible character number `rest` of a leaf.
    #[inline]
    fn in_leaf(&self, leaf: u32, mut rest: u32) -> Place {
        for (slot, run) in (0..).zip(&self.leaves[leaf as usize].runs) {
            let visible = run.visible();
            if rest < visible {
                let offset = rest;
                return Place { leaf, slot, offset };
            }
            rest -= visible;
        }
        panic!("position {rest} past the end of a leaf")
    }

    /// Like [`visible_place`](Self::visible_place), and leaves the cursor there, since an edit follows. Says as well
    /// how many visible characters are before the run.
    pub(crate) fn seek(&mut self, at: usize) -> (Place, u32) {
        let place = self.visible_place(at);
        let start = at as u32 - place.offset;
        self.cursor = Some(Cursor::new(place.leaf, place.slot, start));
        (place, start)
    }

    /// The place of visible character number `at` if it is in the cursor's leaf, at most [`NEAR`] runs
    /// away. (Over more, the way down the tree is as short.)
    fn near_cursor(&self, at: u32) -> Option<Place> {
        let Cursor {
            leaf,
            slot,
            mut start,
            ..
        } = self.cursor?;
        let runs = &self.leaves[leaf as usize].runs;
        let (before, behind) = runs.split_at(slot as usize);
        if at < start {
            for (i, run) in before.iter().enumerate().rev().take(NEAR) {
                start -= run.visible();
                if at >= start {
                    let (slot, offset) = (i as u32, at - start);
                    return Some(Place { leaf, slot, offset });
                }
            }
            return None;
        }
        let mut rest = at - start;
        for (i, run) in (slot..).zip(behind.iter().take(NEAR)) {
            let visible = run.visible();
            if rest < visible {
                let (slot, offset) = (i, rest);
                return Some(Place { leaf, slot, offset });
            }
            rest -= visible;
        }
        None
    }

    /// The place of the character `id`, which is in the order. O(log n), O(1) at the cursor.
    pub(crate) fn place(&self, id: Id) -> Place {
        self.find(id).expect("the character is in the order")
    }

    /// The place of the character `id`; `None` if no character of that name is here. O(log n), O(1) at the
    /// cursor.
    pub(crate) fn find(&self, id: Id) -> Option<Place> {
        self.find_near(id).or_else(|| self.find_indexed(id))
    }

    /// [`find`](Self::find), and how many visible characters are before its run. Brings the index up to date if the
    /// character is not where that says.
    pub(crate) fn locate(&mut self, id: Id) -> Option<(Place, u32)> {
        if let Some(place) = self.find_near(id) {
            return Some((place, self.start_of(place.leaf, place.slot)));
        }
        let found = self.locate_indexed(id);
        if found.is_some() || self.moved.is_empty() {
            return found;
        }
        self.reindex();
        self.locate_indexed(id)
    }

    fn locate_indexed(&self, id: Id) -> Option<(Place, u32)> {
        let leaf = self.index.get(id.author.index())?.leaf(id.seq)?;
        let mut start = 0;
        for (slot, run) in (0..).zip(&self.leaves[leaf as usize].runs) {
            if run.holds(id) {
                let offset = id.seq - run.seq;
                return Some((Place { leaf, slot, offset }, start + self.before_leaf(leaf)));
            }
            start += run.visible();
        }
        None
    }

    fn find_indexed(&self, id: Id) -> Option<Place> {
        let mut leaf = self.index.get(id.author.index())?.leaf(id.seq)?;
        loop {
            let Leaf { runs, next, .. } = &self.leaves[leaf as usize];
            if let Some(slot) = runs.iter().position(|run| run.holds(id)) {
                return Some(Place {
                    leaf,
                    slot: slot as u32,
                    offset: id.seq - runs[slot].seq,
                });
            }
            leaf = *next;
            if self.moved.is_empty() || leaf == NONE || !self.leaves[leaf as usize].moved {
                return None;
            }
        }
    }

    /// The place of the character `id`, if it is in the cursor's run or beside it.
    fn find_near(&self, id: Id) -> Option<Place> {
        let Cursor { leaf, slot, .. } = self.cursor?;
        let runs = &self.leaves[leaf as usize].runs;
        // Deletes go on to the right, over what is hidden there already.
        let from = (slot as usize).saturating_sub(1);
        let near = &runs[from..runs.len().min(from + 5)];
        let nth = near.iter().position(|run| run.holds(id))?;
        Some(Place {
            leaf,
            slot: (from + nth) as u32,
            offset: id.seq - near[nth].seq,
        })
    }

    /// Brings the index up to date.
    #[inline]
    pub(crate) fn reindex(&mut self) {
        if !self.moved.is_empty() {
            self.reindex_moved();
        }
    }

    #[inline(never)]
    fn reindex_moved(&mut self) {
        let Self {
            leaves,
            index,
            moved,
            ..
        } = self;
        for leaf in moved.drain(..) {
            let this = &mut leaves[leaf as usize];
            this.moved = false;
            // Deletes have cut many runs into pieces, and what was put in front again and again stands the other
            // way round; either is one stretch for the index.
            let end = |run: &Run| run.seq + run.len;
            let follow = |run: &Run, next: &Run| {
                run.author == next.author && (end(run) == next.seq || end(next) == run.seq)
            };
            for pieces in this.runs.chunk_by(follow) {
                let (first, last) = (&pieces[0], &pieces[pieces.len() - 1]);
                let from = first.seq.min(last.seq);
                index[first.author.index()].set(from, end(first).max(end(last)), leaf);
            }
        }
    }

    /// How many visible characters are before the one at `place`. O(log n), O(1) near the cursor.
    pub(crate) fn visible_before(&self, place: Place) -> usize {
        let start = self.start_of(place.leaf, place.slot);
        let run = self.leaves[place.leaf as usize]
            .runs
            .get(place.slot as usize);
        let visible = run.is_some_and(|run| run.hides == 0);
        (start + if visible { place.offset } else { 0 }) as usize
    }

    /// How many visible characters are before a run.
    fn start_of(&self, leaf: u32, slot: u32) -> u32 {
        let this = &self.leaves[leaf as usize];
        let sum = |runs: &[Run]| runs.iter().map(Run::visible).sum::<u32>();
        let slot = slot as usize;
        if let Some(cursor) = self.cursor
            && cursor.leaf == leaf
        {
            let near = cursor.slot as usize;
            return if slot >= near {
                cursor.start + sum(&this.runs[near..slot])
            } else {
                cursor.start - sum(&this.runs[slot..near])
            };
        }
        sum(&this.runs[..slot]) + self.before_leaf(leaf)
    }

    /// How many visible characters are before a leaf.
    fn before_leaf(&self, leaf: u32) -> u32 {
        let mut count = 0;
        let Leaf {
            mut place,
            mut parent,
            ..
        } = self.leaves[leaf as usize];
        while parent != NONE {
            let node = &self.nodes[parent as usize];
            count += node.visible_before(place);
            (place, parent) = (node.place, node.parent);
        }
        count
    }

    /// Which of two characters comes first. O(log n).
    pub(crate) fn compare(&self, a: Place, b: Place) -> Ordering {
        if a.leaf == b.leaf {
            return (a.slot, a.offset).cmp(&(b.slot, b.offset));
        }
        let up = |leaf: u32| {
            let leaf = &self.leaves[leaf as usize];
            (leaf.place, leaf.parent)
        };
        let ((mut a, mut up_a), (mut b, mut up_b)) = (up(a.leaf), up(b.leaf));
        while up_a != up_b {
            let (over_a, over_b) = (&self.nodes[up_a as usize], &self.nodes[up_b as usize]);
            (a, up_a) = (over_a.place, over_a.parent);
            (b, up_b) = (over_b.place, over_b.parent);
        }
        a.cmp(&b)
    }

    /// The first character of all.
    pub(crate) fn first(&self) -> Option<Place> {
        // Only an empty order has an empty leaf, and leaf 0 stays the first: splits move to the right.
        (!self.leaves[0].runs.is_empty()).then_some(Place {
            leaf: 0,
            slot: 0,
            offset: 0,
        })
    }

    /// The character after the one at `place`. O(1).
    pub(crate) fn after(&self, place: Place) -> Option<Place> {
        if place.offset + 1 < self.run(place).len {
            return Some(Place {
                offset: place.offset + 1,
                ..place
            });
        }
        self.next_run(place)
    }

    /// The character before the one at `place`. O(log n), O(1) within a leaf.
    pub(crate) fn before(&self, place: Place) -> Option<Place> {
        if let Some(offset) = place.offset.checked_sub(1) {
            return Some(Place { offset, ..place });
        }
        let (leaf, slot) = match place.slot.checked_sub(1) {
            Some(slot) => (place.leaf, slot),
            None => {
                let leaf = self.leaf_before(place.leaf)?;
                (leaf, self.leaves[leaf as usize].runs.len() as u32 - 1)
            }
        };
        let offset = self.leaves[leaf as usize].runs[slot as usize].len - 1;
        Some(Place { leaf, slot, offset })
    }

    fn leaf_before(&self, leaf: u32) -> Option<u32> {
        let Leaf {
            mut place,
            mut parent,
            ..
        } = self.leaves[leaf as usize];
        while place == 0 {
            if parent == NONE {
                return None;
            }
            let node = &self.nodes[parent as usize];
            (place, parent) = (node.place, node.parent);
        }
        let mut node = self.nodes.get(parent as usize)?;
        let mut child = node.children()[place as usize - 1];
        while !node.above_leaves {
            node = &self.nodes[child as usize];
            child = *node.children().last()?;
        }
        Some(child)
    }

    /// The first character of the run after the one that holds `place`. O(1).
    pub(crate) fn next_run(&self, place: Place) -> Option<Place> {
        let leaf = &self.leaves[place.leaf as usize];
        if (place.slot as usize) + 1 < leaf.runs.len() {
            return Some(Place {
                leaf: place.leaf,
                slot: place.slot + 1,
                offset: 0,
            });
        }
        (leaf.next != NONE).then_some(Place {
            leaf: leaf.next,
            slot: 0,
            offset: 0,
        })
    }

    /// All runs, in order.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        let mut leaf = Some(0);
        std::iter::from_fn(move || {
            let runs = self.leaves.get(leaf? as usize)?;
            leaf = (runs.next != NONE).then_some(runs.next);
            Some(&runs.runs)
        })
        .flatten()
    }

    #[inline(always)]
    fn add_visible(&mut self, leaf: u32, delta: i32) {
        let add = |count: &mut u32| *count = count.wrapping_add_signed(delta);
        add(&mut self.visible);
        let Leaf {
            mut place,
            mut parent,
            ..
        } = self.leaves[leaf as usize];
        while parent != NONE {
            let node = &mut self.nodes[parent as usize];
            add(node.count(place));
            (place, parent) = (node.place, node.parent);
        }
    }

    /// Notes that the characters `id..id + len` are in `leaf`.
    #[inline]
    fn index_set(&mut self, id: Id, len: u32, leaf: u32) {
        self.index_of(id.author).set(id.seq, id.seq + len, leaf);
    }

    #[inline]
    fn index_of(&mut self, author: AuthorIx) -> &mut Index {
        let author = author.index();
        if self.index.len() <= author {
            self.index.resize_with(author + 1, Index::default);
        }
        &mut self.index[author]
    }
}

/// Appends the characters `start..start + len`, to the last span if they go on where that ends.
pub(crate) fn push_joined(spans: &mut Vec<Span>, start: Id, len: u32) {
    match spans.last_mut() {
        Some(last) if last.start.plus(last.len) == start => last.len += len,
        _ => spans.push(Span { start, len }),
    }
}
