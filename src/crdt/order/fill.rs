//! Building the order tree at once, from left to right and from the leaves up.

use std::hint::select_unpredictable;

use super::super::id::{AuthorIx, Id};
use super::{LEAF, Leaf, NODE, NONE, Node, Order, Run};

/// How full leaves and nodes are made, so that the first edits do not split them.
const RUNS: usize = LEAF * 3 / 4;
const CHILDREN: usize = NODE * 3 / 4;

/// An order that is being filled.
pub(crate) struct Fill(Order);

impl Fill {
    pub(crate) fn new() -> Self {
        Self(Order::new())
    }

    /// Appends the characters `id..id + len`, which `hides` operations hide; in which leaf they are.
    /// `continues`: the first of them continues the character `id - 1`.
    #[inline]
    pub(crate) fn push(&mut self, id: Id, len: u32, continues: bool, hides: u32) -> u32 {
        let run = Run {
            author: id.author,
            continues,
            seq: id.seq,
            len,
            hides,
        };
        let order = &mut self.0;
        let runs = &mut order.leaves[order.last as usize].runs;
        // Whether it joins cannot be guessed, so it is not branched on.
        let slot = runs.len();
        runs.push(run);
        if let [.., before, _] = &mut runs[..] {
            let joins = before.joins(&run);
            before.len += select_unpredictable(joins, len, 0);
            runs.truncate(slot + usize::from(!joins));
        }
        if runs.len() > RUNS {
            runs.pop();
            self.push_leaf(run);
        }
        self.0.last
    }

    fn push_leaf(&mut self, run: Run) {
        let Order { leaves, last, .. } = &mut self.0;
        let new = leaves.len() as u32;
        leaves[*last as usize].next = new;
        *last = new;
        let mut runs = Vec::with_capacity(LEAF);
        runs.push(run);
        leaves.push(Leaf {
            parent: NONE,
            place: 0,
            next: NONE,
            moved: false,
            runs,
        });
    }

    /// Builds the nodes above the leaves.
    pub(crate) fn finish(self) -> Order {
        let mut order = self.0;
        order.nodes.clear();
        let visible = |leaf: &Leaf| leaf.runs.iter().map(Run::visible).sum::<u32>();
        let mut level: Vec<(u32, u32)> = (0..).zip(order.leaves.iter().map(visible)).collect();
        let mut above_leaves = true;
        loop {
            let mut next = Vec::with_capacity(level.len() / CHILDREN + 1);
            for children in level.chunks(CHILDREN) {
                let node = order.nodes.len() as u32;
                let visible = children.iter().map(|(_, visible)| visible).sum();
                next.push((node, visible));
                order
                    .nodes
                    .push(Node::of(children.iter().copied(), above_leaves));
                order.number_children(node, 0);
            }
            above_leaves = false;
            if let [(root, visible)] = next[..] {
                (order.root, order.visible) = (root, visible);
                return order;
            }
            level = next;
        }
    }
}

impl Order {
    /// Notes in which leaves `author`'s characters are, of an order that was filled: numbers, the number behind them,
    /// and their leaf, in the order of the numbers.
    pub(crate) fn note_leaves(
        &mut self,
        author: AuthorIx,
        runs: impl Iterator<Item = (u32, u32, u32)>,
    ) {
        let index = self.index_of(author);
        for (from, to, leaf) in runs {
            index.set(from, to, leaf);
        }
    }
}
