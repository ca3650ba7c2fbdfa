//! Reading what is visible from left to right, over whatever is hidden in between.

use std::ops::Range;

use super::super::op::Span;
use super::{NONE, Order};

impl Order {
    /// The stretches that the visible characters `range` consist of, each with how many visible characters are
    /// before it. O(log n + answer): leaves in which nothing shows are passed over by their parents' counts.
    pub(crate) fn visible_stretches(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = (usize, Span)> {
        let mut at = range.start;
        let mut place = (at < range.end).then(|| self.visible_place(at));
        std::iter::from_fn(move || {
            while let Some(here) = place.filter(|_| at < range.end) {
                let run = self.run(here);
                let next = self.next_run(here);
                place = match next {
                    Some(next) if next.leaf != here.leaf => self.next_visible_leaf(here.leaf),
                    next => next,
                };
                if run.hides == 0 {
                    let len = (run.len - here.offset).min((range.end - at) as u32);
                    let start = run.id().plus(here.offset);
                    let before = at;
                    at += len as usize;
                    return Some((before, Span { start, len }));
                }
            }
            None
        })
    }

    /// The first run of the next leaf in which something shows. O(log n).
    fn next_visible_leaf(&self, leaf: u32) -> Option<super::Place> {
        let this = &self.leaves[leaf as usize];
        let (mut place, mut parent) = (this.place as usize, this.parent);
        while parent != NONE {
            let node = &self.nodes[parent as usize];
            if let Some(child) = (place + 1..node.children().len()).find(|i| node.visible()[*i] > 0)
            {
                return Some(self.first_visible_leaf(parent, child));
            }
            (place, parent) = (node.place as usize, node.parent);
        }
        None
    }

    /// The first run of the first leaf in which something shows, below a child in which something does.
    fn first_visible_leaf(&self, node: u32, child: usize) -> super::Place {
        let (mut node, mut child) = (&self.nodes[node as usize], child);
        while !node.above_leaves {
            node = &self.nodes[node.children()[child] as usize];
            let shows = node.visible().iter().position(|visible| *visible > 0);
            child = shows.expect("a count is the sum of what is below it");
        }
        super::Place {
            leaf: node.children()[child],
            slot: 0,
            offset: 0,
        }
    }
}
