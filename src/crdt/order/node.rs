//! Inner nodes of the order tree: their children, and how many visible characters are below each.
//!
//! Where one writes is anybody's guess, and so would be where a search among the counts ends. So it does not end
//! early: it goes over all of them, without a branch that depends on them.

use std::hint::select_unpredictable;

use super::{NODE, NONE};

/// The counts of a node are looked through in four blocks of so many, then in one of these.
const BLOCK: usize = NODE / 4;

/// See the module. Behind its `len` children all counts are 0.
pub(super) struct Node {
    pub(super) parent: u32,
    /// Which of the parent's children this is.
    pub(super) place: u32,
    len: u32,
    pub(super) above_leaves: bool,
    children: [u32; NODE],
    visible: [u32; NODE],
}

impl Node {
    /// A node with these children, at most [`NODE`], and their visible counts.
    pub(super) fn of(children: impl IntoIterator<Item = (u32, u32)>, above_leaves: bool) -> Self {
        let mut node = Self {
            parent: NONE,
            place: 0,
            len: 0,
            above_leaves,
            children: [0; NODE],
            visible: [0; NODE],
        };
        for (place, (child, visible)) in children.into_iter().enumerate() {
            (node.children[place], node.visible[place]) = (child, visible);
            node.len += 1;
        }
        node
    }

    pub(super) fn children(&self) -> &[u32] {
        &self.children[..self.len as usize]
    }

    /// How many visible characters are below each child.
    pub(super) fn visible(&self) -> &[u32] {
        &self.visible[..self.len as usize]
    }

    /// The count of one child.
    #[inline]
    pub(super) fn count(&mut self, place: u32) -> &mut u32 {
        &mut self.visible[place as usize]
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len as usize == NODE
    }

    /// Adds a child, to a node that is not full.
    pub(super) fn insert(&mut self, place: usize, child: u32, visible: u32) {
        let len = self.len as usize;
        self.children.copy_within(place..len, place + 1);
        self.visible.copy_within(place..len, place + 1);
        (self.children[place], self.visible[place]) = (child, visible);
        self.len += 1;
    }

    /// Takes off the children from one on, as a node of their own.
    pub(super) fn split_off(&mut self, from: usize) -> Self {
        let behind = self.children().iter().zip(self.visible()).skip(from);
        let new = Self::of(
            behind.map(|(child, visible)| (*child, *visible)),
            self.above_leaves,
        );
        self.visible[from..].fill(0);
        self.len = from as u32;
        new
    }

    /// The child below which the visible character number `rest` of this node is; what is before that child is taken
    /// off `rest`.
    #[inline]
    pub(super) fn descend(&self, rest: &mut u32) -> u32 {
        let (blocks, _) = self.visible.as_chunks::<BLOCK>();
        let sums = blocks.iter().map(|block| block.iter().sum());
        let (block, before) = passed(sums, 0, *rest);
        let (place, before) = passed(blocks[block].iter().copied(), before, *rest);
        *rest -= before;
        self.children[block * BLOCK + place]
    }

    /// How many visible characters are below the children in front of one.
    #[inline]
    pub(super) fn visible_before(&self, place: u32) -> u32 {
        let counts = (0..).zip(&self.visible);
        counts
            .map(|(i, count)| if i < place { *count } else { 0 })
            .sum()
    }
}

/// How many of the counts, added up from `sum` on, unit number `unit` is behind, and the sum of these.
#[inline(always)]
fn passed(counts: impl Iterator<Item = u32>, mut sum: u32, unit: u32) -> (usize, u32) {
    let (mut many, mut before) = (0, sum);
    for count in counts {
        sum += count;
        let passed = sum <= unit;
        many += usize::from(passed);
        before = select_unpredictable(passed, sum, before);
    }
    (many, before)
}
