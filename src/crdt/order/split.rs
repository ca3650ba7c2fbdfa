//! How the order tree grows: full leaves and nodes are split, up to the root.

use super::{LEAF, Leaf, MOVED, NODE, NONE, Node, Order, Run};

impl Order {
    /// Makes sure that `more` runs, one or two, fit into the leaf at `slot`; where that is then. The run in
    /// front of it stays in front of it, in the same leaf.
    #[inline]
    pub(super) fn make_room(&mut self, leaf: u32, slot: usize, more: usize) -> (u32, usize) {
        if self.leaves[leaf as usize].runs.len() + more <= LEAF {
            return (leaf, slot);
        }
        self.split_leaf(leaf, slot)
    }

    #[inline(never)]
    fn split_leaf(&mut self, leaf: u32, slot: usize) -> (u32, usize) {
        let new = self.leaves.len() as u32;
        let old = &mut self.leaves[leaf as usize];
        let (parent, next) = (old.parent, old.next);
        // Who writes on at the end leaves full leaves behind.
        let kept = if next == NONE && slot == old.runs.len() {
            slot - 1
        } else {
            old.runs.len() / 2
        };
        let mut runs = Vec::with_capacity(LEAF);
        runs.extend_from_slice(&old.runs[kept..]);
        old.runs.truncate(kept);
        old.next = new;
        if next == NONE {
            self.last = new;
        }
        let visible = runs.iter().map(Run::visible).sum();
        self.leaves.push(Leaf {
            parent,
            place: 0,
            next,
            moved: true,
            runs,
        });
        self.moved.push(new);
        self.add_child(parent, leaf, new, visible);
        if self.moved.len() > MOVED {
            self.reindex();
        }
        if slot > kept {
            (new, slot - kept)
        } else {
            (leaf, slot)
        }
    }

    /// Enters the child `new`, to which `moved` visible characters have gone from its left
    /// neighbour `old`.
    fn add_child(&mut self, parent: u32, old: u32, new: u32, moved: u32) {
        let place = if self.nodes[parent as usize].above_leaves {
            self.leaves[old as usize].place
        } else {
            self.nodes[old as usize].place
        } as usize;
        let node = &mut self.nodes[parent as usize];
        *node.count(place as u32) -= moved;
        if !node.is_full() {
            node.insert(place + 1, new, moved);
            self.number_children(parent, place + 1);
            return;
        }
        let mut right = node.split_off(NODE / 2);
        match (place + 1).checked_sub(NODE / 2) {
            Some(place) if place > 0 => right.insert(place, new, moved),
            _ => node.insert(place + 1, new, moved),
        }
        let rest = node.visible().iter().sum();
        let moved = right.visible().iter().sum();
        let grandparent = node.parent;
        right.parent = grandparent;
        let sibling = self.nodes.len() as u32;
        self.nodes.push(right);
        self.number_children(parent, 0);
        self.number_children(sibling, 0);
        if grandparent != NONE {
            self.add_child(grandparent, parent, sibling, moved);
            return;
        }
        let root = self.nodes.len() as u32;
        self.nodes
            .push(Node::of([(parent, rest), (sibling, moved)], false));
        self.number_children(root, 0);
        self.root = root;
    }

    /// Tells the children of a node, from one on, where they are.
    pub(super) fn number_children(&mut self, parent: u32, from: usize) {
        let node = &self.nodes[parent as usize];
        if node.above_leaves {
            for (place, child) in (from as u32..).zip(&node.children()[from..]) {
                let leaf = &mut self.leaves[*child as usize];
                (leaf.parent, leaf.place) = (parent, place);
            }
            return;
        }
        let children = node.children().len();
        for place in from..children {
            let child = self.nodes[parent as usize].children()[place];
            let child = &mut self.nodes[child as usize];
            (child.parent, child.place) = (parent, place as u32);
        }
    }
}
