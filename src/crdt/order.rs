//! The order tree: every character ever inserted, in the one order that all replicas agree on, with
//! how many operations hide it.
//!
//! An arena B+-tree. Leaves hold runs (characters with consecutive numbers of one author, next to
//! each other, equally hidden); inner nodes hold how many visible characters are below each child.
//! A run holds neither text nor origins: the log knows both. Beside it stands, per author, an
//! index from number to leaf.
//!
//! Invariants (checked by [`Order::check_invariants`]):
//! - O1: all leaves are at one depth; parents, children and the leaves' chain agree; only the very
//!   first leaf may be empty.
//! - O2: each child's visible count is the sum over its runs with `hides == 0`.
//! - O3: the index names, for each character, the leaf that holds it.
//! - O4: inside a run, each character continues the one before it (see [`Log::continues_run`]).
//!
//! Not here: the rule that decides where an insert goes (that is [`super::integrate`]).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::id::Id;
use super::log::Log;
use super::op::Span;

/// Runs in a leaf, children of an inner node: small under test, so that small texts make deep
/// trees. (32 runs are 512 bytes; measured no worse than 16 or 64.)
const LEAF: usize = if cfg!(test) { 4 } else { 32 };
const NODE: usize = if cfg!(test) { 4 } else { 16 };

/// No leaf, no node.
const NONE: u32 = u32::MAX;

/// Consecutive characters of one author, next to each other in the order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) id: Id,
    pub(crate) len: u32,
    /// How many operations in force hide these characters: deletes that name them, and undos that
    /// name their insert. They are visible while this is 0. Each operation counts at most once, when
    /// it comes into force, and is subtracted when it leaves it, so this cannot go below zero.
    pub(crate) hides: u32,
}

impl Run {
    const fn visible(&self) -> u32 {
        if self.hides == 0 { self.len } else { 0 }
    }
}

/// A place of one character: a leaf, a run in it, a character of the run. Valid until the tree changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    leaf: u32,
    slot: usize,
    offset: u32,
}

struct Leaf {
    parent: u32,
    next: u32,
    runs: Vec<Run>,
}

struct Node {
    parent: u32,
    children: Vec<u32>,
    visible: Vec<u32>,
    above_leaves: bool,
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
    /// Per author.
    index: Vec<Index>,
}

/// Which leaf holds which of an author's numbers.
#[derive(Default)]
struct Index {
    /// From number → leaf, good until the next entry's number. The last entry is good for numbers to
    /// come, since a run grows where it is.
    leaves: BTreeMap<u32, u32>,
    /// The number after the author's last character.
    end: u32,
}

impl Index {
    fn leaf(&self, seq: u32) -> Option<u32> {
        self.leaves.range(..=seq).next_back().map(|(_, leaf)| *leaf)
    }

    /// Notes that the numbers `from..to` are in `leaf`.
    fn set(&mut self, from: u32, to: u32, leaf: u32) {
        self.end = self.end.max(to);
        // What held at the end of the span goes on holding behind it.
        if to < self.end
            && !self.leaves.contains_key(&to)
            && let Some(other) = self.leaf(to)
        {
            self.leaves.insert(to, other);
        }
        while let Some((start, _)) = self.leaves.range(from..to).next() {
            let start = *start;
            self.leaves.remove(&start);
        }
        if from.checked_sub(1).and_then(|before| self.leaf(before)) != Some(leaf) {
            self.leaves.insert(from, leaf);
        }
        if self.leaves.get(&to) == Some(&leaf) {
            self.leaves.remove(&to);
        }
    }
}

impl Order {
    pub(crate) fn new() -> Self {
        Self {
            leaves: vec![Leaf {
                parent: 0,
                next: NONE,
                runs: Vec::new(),
            }],
            nodes: vec![Node {
                parent: NONE,
                children: vec![0],
                visible: vec![0],
                above_leaves: true,
            }],
            root: 0,
            index: Vec::new(),
        }
    }

    /// How many characters are visible. O(1).
    pub(crate) fn visible(&self) -> usize {
        self.nodes[self.root as usize]
            .visible
            .iter()
            .map(|n| *n as usize)
            .sum()
    }

    pub(crate) fn run(&self, place: Place) -> &Run {
        &self.leaves[place.leaf as usize].runs[place.slot]
    }

    /// The name of the character at `place`.
    pub(crate) fn id(&self, place: Place) -> Id {
        self.run(place).id.plus(place.offset)
    }

    /// The place of the visible character number `at`, which exists. O(log n).
    pub(crate) fn visible_place(&self, at: usize) -> Place {
        // Counts fit in 32 bits, since numbers do.
        let mut rest = at as u32;
        let mut node = &self.nodes[self.root as usize];
        loop {
            let i = Self::descend(node.visible.iter().copied(), &mut rest);
            if node.above_leaves {
                let leaf = node.children[i];
                let runs = &self.leaves[leaf as usize].runs;
                let slot = Self::descend(runs.iter().map(Run::visible), &mut rest);
                return Place {
                    leaf,
                    slot,
                    offset: rest,
                };
            }
            node = &self.nodes[node.children[i] as usize];
        }
    }

    /// Which of the counts holds unit number `rest`; what is before it is taken off `rest`.
    fn descend(counts: impl Iterator<Item = u32>, rest: &mut u32) -> usize {
        for (i, count) in counts.enumerate() {
            if *rest < count {
                return i;
            }
            *rest -= count;
        }
        panic!("position {rest} past the end")
    }

    /// The place of the character `id`, which is in the order. O(log n).
    pub(crate) fn place(&self, id: Id) -> Place {
        let leaf = self.leaf_of(id).expect("the character is in the order");
        let runs = &self.leaves[leaf as usize].runs;
        let slot = runs.iter().position(|run| {
            run.id.author == id.author && id.seq.wrapping_sub(run.id.seq) < run.len
        });
        let slot = slot.expect("the index names the character's leaf");
        Place {
            leaf,
            slot,
            offset: id.seq - runs[slot].id.seq,
        }
    }

    fn leaf_of(&self, id: Id) -> Option<u32> {
        self.index.get(id.author.index())?.leaf(id.seq)
    }

    /// How many visible characters are before the one at `place`. O(log n).
    pub(crate) fn visible_before(&self, place: Place) -> usize {
        let leaf = &self.leaves[place.leaf as usize];
        let mut count: usize = leaf.runs[..place.slot]
            .iter()
            .map(|run| run.visible() as usize)
            .sum();
        if leaf.runs.get(place.slot).is_some_and(|run| run.hides == 0) {
            count += place.offset as usize;
        }
        let (mut child, mut parent) = (place.leaf, leaf.parent);
        while parent != NONE {
            let node = &self.nodes[parent as usize];
            let i = node.position(child);
            count += node.visible[..i].iter().map(|n| *n as usize).sum::<usize>();
            (child, parent) = (parent, node.parent);
        }
        count
    }

    /// Which of two characters comes first. O(log n).
    pub(crate) fn compare(&self, a: Place, b: Place) -> Ordering {
        if a.leaf == b.leaf {
            return (a.slot, a.offset).cmp(&(b.slot, b.offset));
        }
        let (mut a, mut b) = (a.leaf, b.leaf);
        let mut up_a = self.leaves[a as usize].parent;
        let mut up_b = self.leaves[b as usize].parent;
        while up_a != up_b {
            (a, b) = (up_a, up_b);
            up_a = self.nodes[a as usize].parent;
            up_b = self.nodes[b as usize].parent;
        }
        let node = &self.nodes[up_a as usize];
        node.position(a).cmp(&node.position(b))
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

    /// The first character of the run after the one that holds `place`. O(1).
    pub(crate) fn next_run(&self, place: Place) -> Option<Place> {
        let leaf = &self.leaves[place.leaf as usize];
        if place.slot + 1 < leaf.runs.len() {
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

    /// Puts visible characters `id..id + len`, which are new, in front of the character at `before`
    /// (`None`: at the end). `continues`: the first of them continues the character `id - 1`.
    /// Returns how many visible characters are before them. O(log n).
    pub(crate) fn insert(
        &mut self,
        before: Option<Place>,
        id: Id,
        len: u32,
        continues: bool,
    ) -> usize {
        let (leaf, slot, offset) = match before {
            Some(place) => (place.leaf, place.slot, place.offset),
            None => {
                let last = self.last_leaf();
                (last, self.leaves[last as usize].runs.len(), 0)
            }
        };
        let place = Place { leaf, slot, offset };
        let at = self.visible_before(place);
        // Typing on: the run in front grows. It may be the last of the leaf before.
        if continues && offset == 0 {
            let previous = Id::new(id.author, id.seq - 1);
            let grown = match slot.checked_sub(1) {
                Some(before) => Some(Place {
                    leaf,
                    slot: before,
                    offset: 0,
                }),
                None => self.leaf_of(previous).map(|leaf| Place {
                    leaf,
                    slot: self.leaves[leaf as usize].runs.len() - 1,
                    offset: 0,
                }),
            };
            if let Some(grown) = grown
                && let Some(next) = Some(self.next_run(grown))
                && next.map(|p| (p.leaf, p.slot)) == before.map(|p| (p.leaf, p.slot))
            {
                let run = &mut self.leaves[grown.leaf as usize].runs[grown.slot];
                if run.hides == 0 && run.id.plus(run.len) == id {
                    run.len += len;
                    self.add_visible(grown.leaf, i64::from(len));
                    self.index[id.author.index()].end = id.seq + len;
                    return at;
                }
            }
        }
        let (leaf, slot) = if offset > 0 {
            self.split_run(place)
        } else {
            (leaf, slot)
        };
        let (leaf, slot) = self.make_room(leaf, slot);
        self.leaves[leaf as usize]
            .runs
            .insert(slot, Run { id, len, hides: 0 });
        self.add_visible(leaf, i64::from(len));
        self.index_set(id, len, leaf);
        at
    }

    /// Adds `delta` (1 or −1) to how many operations hide each character of `span`, and tells of
    /// every stretch that became visible or hidden by it, in the span's order. O(log n) a fragment.
    pub(crate) fn hide(&mut self, span: Span, delta: i32, log: &Log, mut shown: impl FnMut(Shown)) {
        let mut id = span.start;
        while id.seq < span.end() {
            let place = self.place(id);
            let fragment = (self.run(place).len - place.offset).min(span.end() - id.seq);
            let (leaf, slot) = self.isolate(place, fragment);
            let at = Place {
                leaf,
                slot,
                offset: 0,
            };
            let run = &mut self.leaves[leaf as usize].runs[slot];
            let was = run.hides == 0;
            run.hides = run
                .hides
                .checked_add_signed(delta)
                .expect("an operation hides a character once");
            let visible = run.hides == 0;
            if was != visible {
                let len = i64::from(fragment);
                let at = self.visible_before(at);
                self.add_visible(leaf, if visible { len } else { -len });
                shown(Shown {
                    at,
                    span: Span {
                        start: id,
                        len: fragment,
                    },
                    visible,
                });
            }
            self.join_around(leaf, slot, log);
            id = id.plus(fragment);
        }
    }

    /// The visible characters `from..to` as spans, in their order. O(log n + answer).
    pub(crate) fn visible_spans(&self, from: usize, to: usize) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut rest = (to - from) as u32;
        let mut place = (rest > 0).then(|| self.visible_place(from));
        while let Some(at) = place.filter(|_| rest > 0) {
            let run = self.run(at);
            if run.hides == 0 {
                let len = (run.len - at.offset).min(rest);
                let start = run.id.plus(at.offset);
                match spans.last_mut() {
                    Some(last) if last.start.plus(last.len) == start => last.len += len,
                    _ => spans.push(Span { start, len }),
                }
                rest -= len;
            }
            place = self.next_run(at);
        }
        spans
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

    fn last_leaf(&self) -> u32 {
        let mut node = &self.nodes[self.root as usize];
        loop {
            let last = *node.children.last().expect("a node has children");
            if node.above_leaves {
                return last;
            }
            node = &self.nodes[last as usize];
        }
    }

    fn add_visible(&mut self, leaf: u32, delta: i64) {
        let (mut child, mut parent) = (leaf, self.leaves[leaf as usize].parent);
        while parent != NONE {
            let node = &mut self.nodes[parent as usize];
            let i = node.position(child);
            node.visible[i] = (i64::from(node.visible[i]) + delta) as u32;
            (child, parent) = (parent, node.parent);
        }
    }

    /// Makes the characters `place..place + len`, all in one run, a run of their own.
    fn isolate(&mut self, place: Place, len: u32) -> (u32, usize) {
        let id = self.id(place);
        if place.offset + len < self.run(place).len {
            self.split_run(Place {
                offset: place.offset + len,
                ..place
            });
        }
        let place = self.place(id);
        if place.offset > 0 {
            self.split_run(place)
        } else {
            (place.leaf, place.slot)
        }
    }

    /// Splits the run that holds `place` (whose offset is not 0) in front of it; where the second
    /// half is then.
    fn split_run(&mut self, place: Place) -> (u32, usize) {
        let (leaf, slot) = self.make_room(place.leaf, place.slot);
        let runs = &mut self.leaves[leaf as usize].runs;
        let run = &mut runs[slot];
        let half = Run {
            id: run.id.plus(place.offset),
            len: run.len - place.offset,
            ..*run
        };
        run.len = place.offset;
        runs.insert(slot + 1, half);
        (leaf, slot + 1)
    }

    /// Joins the run at `slot` with the ones beside it in its leaf, where they may be one.
    fn join_around(&mut self, leaf: u32, slot: usize, log: &Log) {
        let runs = &mut self.leaves[leaf as usize].runs;
        for slot in [slot + 1, slot] {
            if slot == 0 || slot >= runs.len() {
                continue;
            }
            let (before, run) = (runs[slot - 1], runs[slot]);
            if before.id.plus(before.len) == run.id
                && before.hides == run.hides
                && log.continues_run(run.id)
            {
                runs[slot - 1].len += run.len;
                runs.remove(slot);
            }
        }
    }

    /// Makes sure that one more run fits into the leaf; where `slot` is then.
    fn make_room(&mut self, leaf: u32, slot: usize) -> (u32, usize) {
        if self.leaves[leaf as usize].runs.len() < LEAF {
            return (leaf, slot);
        }
        let new = self.leaves.len() as u32;
        let old = &mut self.leaves[leaf as usize];
        let kept = LEAF / 2;
        let mut runs = Vec::with_capacity(LEAF);
        runs.extend(old.runs.drain(kept..));
        let (parent, next) = (old.parent, old.next);
        old.next = new;
        let moved = runs.iter().map(Run::visible).sum();
        for run in &runs {
            self.index_set(run.id, run.len, new);
        }
        self.leaves.push(Leaf { parent, next, runs });
        self.add_child(parent, leaf, new, moved);
        if slot >= kept {
            (new, slot - kept)
        } else {
            (leaf, slot)
        }
    }

    /// Enters the child `new`, to which `moved` visible characters have gone from its left
    /// neighbour `old`.
    fn add_child(&mut self, parent: u32, old: u32, new: u32, moved: u32) {
        let node = &mut self.nodes[parent as usize];
        let i = node.position(old);
        node.visible[i] -= moved;
        node.children.insert(i + 1, new);
        node.visible.insert(i + 1, moved);
        if node.children.len() <= NODE {
            return;
        }
        let half = node.children.len() / 2;
        let children = node.children.split_off(half);
        let visible = node.visible.split_off(half);
        let moved = visible.iter().sum();
        let (above_leaves, grandparent) = (node.above_leaves, node.parent);
        let sibling = self.nodes.len() as u32;
        for child in &children {
            if above_leaves {
                self.leaves[*child as usize].parent = sibling;
            } else {
                self.nodes[*child as usize].parent = sibling;
            }
        }
        self.nodes.push(Node {
            parent: grandparent,
            children,
            visible,
            above_leaves,
        });
        if grandparent != NONE {
            self.add_child(grandparent, parent, sibling, moved);
            return;
        }
        let root = self.nodes.len() as u32;
        let rest = self.nodes[parent as usize].visible.iter().sum();
        self.nodes.push(Node {
            parent: NONE,
            children: vec![parent, sibling],
            visible: vec![rest, moved],
            above_leaves: false,
        });
        self.nodes[parent as usize].parent = root;
        self.nodes[sibling as usize].parent = root;
        self.root = root;
    }

    /// Notes that the characters `id..id + len` are in `leaf`.
    fn index_set(&mut self, id: Id, len: u32, leaf: u32) {
        let author = id.author.index();
        if self.index.len() <= author {
            self.index.resize_with(author + 1, Index::default);
        }
        self.index[author].set(id.seq, id.seq + len, leaf);
    }

    /// Panics if an invariant of the module does not hold. O(n log n).
    pub(crate) fn check_invariants(&self, log: &Log) {
        let mut leaves = Vec::new();
        self.check_node(self.root, NONE, &mut leaves);
        let mut chain = vec![0];
        while let Some(next) = chain
            .last()
            .map(|leaf| self.leaves[*leaf as usize].next)
            .filter(|n| *n != NONE)
        {
            chain.push(next);
        }
        assert_eq!(leaves, chain, "O1: the chain is not the leaves in order");
        for leaf in &leaves {
            for (slot, run) in self.leaves[*leaf as usize].runs.iter().enumerate() {
                assert!(run.len > 0, "O1: an empty run");
                for offset in 0..run.len {
                    let id = run.id.plus(offset);
                    let place = Place {
                        leaf: *leaf,
                        slot,
                        offset,
                    };
                    assert_eq!(self.place(id), place, "O3: the index is wrong about {id:?}");
                    assert!(
                        offset == 0 || log.continues_run(id),
                        "O4: {id:?} does not continue its run"
                    );
                }
            }
        }
    }

    fn check_node(&self, node: u32, parent: u32, leaves: &mut Vec<u32>) -> u32 {
        let this = &self.nodes[node as usize];
        assert_eq!(this.parent, parent, "O1: a parent is wrong");
        assert!(
            !this.children.is_empty() && this.children.len() <= NODE,
            "O1: a node's size"
        );
        for (child, visible) in this.children.iter().zip(&this.visible) {
            let sum = if this.above_leaves {
                leaves.push(*child);
                let leaf = &self.leaves[*child as usize];
                assert_eq!(leaf.parent, node, "O1: a leaf's parent is wrong");
                assert!(leaf.runs.len() <= LEAF, "O1: a leaf's size");
                assert!(
                    !leaf.runs.is_empty() || self.leaves.len() == 1,
                    "O1: an empty leaf"
                );
                leaf.runs.iter().map(Run::visible).sum()
            } else {
                self.check_node(*child, node, leaves)
            };
            assert_eq!(sum, *visible, "O2: a visible count is wrong");
        }
        this.visible.iter().sum()
    }
}

impl Node {
    fn position(&self, child: u32) -> usize {
        self.children
            .iter()
            .position(|c| *c == child)
            .expect("a child is known to its parent")
    }
}
