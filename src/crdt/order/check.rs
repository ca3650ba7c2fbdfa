//! The invariants of the order tree, checked.

use std::collections::BTreeSet;

use super::super::log::Log;
use super::{Cursor, LEAF, NODE, NONE, Order, Place, Run};

impl Order {
    /// Panics if an invariant of the module does not hold. O(n log n).
    pub(crate) fn check_invariants(&self, log: &Log) {
        let mut leaves = Vec::new();
        let visible = self.check_node(self.root, NONE, &mut leaves);
        assert_eq!(
            visible, self.visible,
            "O2: the whole visible count is wrong"
        );
        let mut chain = vec![0];
        while let Some(next) = chain
            .last()
            .map(|leaf| self.leaves[*leaf as usize].next)
            .filter(|n| *n != NONE)
        {
            chain.push(next);
        }
        assert_eq!(leaves, chain, "O1: the chain is not the leaves in order");
        if let Some(Cursor {
            leaf,
            slot,
            start,
            typist,
        }) = self.cursor
        {
            let run = self.leaves[leaf as usize].runs[slot as usize];
            if let Some(author) = typist {
                let end = run.id().plus(run.len - 1);
                let behind = self.next_run(self.place(end));
                assert!(
                    run.author == author
                        && run.hides == 0
                        && log.origins(end).1 == behind.map(|place| self.id(place)),
                    "O5: what is typed does not go on at the cursor"
                );
            }
            let before = leaves.iter().take_while(|at| **at != leaf);
            let before = before.flat_map(|leaf| &self.leaves[*leaf as usize].runs);
            let before = before.chain(&self.leaves[leaf as usize].runs[..slot as usize]);
            let sum: u32 = before.map(Run::visible).sum();
            assert_eq!(sum, start, "O5: the cursor's count is wrong");
        }
        assert_eq!(
            leaves.last(),
            Some(&self.last),
            "O1: the last leaf is wrong"
        );
        let marked = leaves
            .iter()
            .filter(|leaf| self.leaves[**leaf as usize].moved);
        assert_eq!(
            marked.collect::<BTreeSet<_>>(),
            self.moved.iter().collect(),
            "O3: the leaves marked as moved"
        );
        for leaf in &leaves {
            for (slot, run) in self.leaves[*leaf as usize].runs.iter().enumerate() {
                assert!(run.len > 0, "O1: an empty run");
                assert_eq!(
                    run.continues,
                    log.continues_run(run.id()),
                    "O4: {:?} is wrong about what it continues",
                    run.id()
                );
                for offset in 0..run.len {
                    let id = run.id().plus(offset);
                    let place = Place {
                        leaf: *leaf,
                        slot: slot as u32,
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
            !this.children().is_empty() && this.children().len() <= NODE,
            "O1: a node's size"
        );
        for (i, (child, visible)) in this.children().iter().zip(this.visible()).enumerate() {
            let sum = if this.above_leaves {
                leaves.push(*child);
                let leaf = &self.leaves[*child as usize];
                assert_eq!(leaf.place as usize, i, "O1: a leaf's place is wrong");
                assert_eq!(leaf.parent, node, "O1: a leaf's parent is wrong");
                assert!(leaf.runs.len() <= LEAF, "O1: a leaf's size");
                assert!(
                    !leaf.runs.is_empty() || self.leaves.len() == 1,
                    "O1: an empty leaf"
                );
                leaf.runs.iter().map(Run::visible).sum()
            } else {
                let place = self.nodes[*child as usize].place as usize;
                assert_eq!(place, i, "O1: a node's place is wrong");
                self.check_node(*child, node, leaves)
            };
            assert_eq!(sum, *visible, "O2: a visible count is wrong");
        }
        this.visible().iter().sum()
    }
}

#[cfg(test)]
impl Order {
    /// How many levels of nodes there are above the leaves.
    pub(crate) fn levels(&self) -> usize {
        let (mut node, mut levels) = (&self.nodes[self.root as usize], 1);
        while !node.above_leaves {
            node = &self.nodes[node.children()[0] as usize];
            levels += 1;
        }
        levels
    }
}
