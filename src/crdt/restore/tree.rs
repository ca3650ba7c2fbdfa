//! The order of all characters at once, whatever was written at one place at the same time.
//!
//! FugueMax as its paper has it (Weidner and Kleppmann, "The Art of the Fugue", IEEE TPDS 36(11), 2025): a
//! tree whose nodes are characters. An insert is a left child of its right origin, if that has the same
//! left origin as itself (then, and only then, it descends from that), else a right child of its left
//! origin. Left siblings stand by key; right siblings by right origin, the rightmost first, then by key.
//!
//! The tree is read from right to left. When a node's right children are put in order, all that is right of
//! its part has its place already, and that is where their right origins are. So one pass gives the order,
//! in O(n log n) whatever the inserts are.
//!
//! The checks are those of merging ([`super::super::integrate`]). They ask for the relative places of
//! characters that are there when an insert comes, which no later insert changes; so they can be made in
//! the end. An insert that fails them cannot hide it: what came before it hangs on what came before that,
//! so these characters have their right places whatever hangs on them.

use std::cmp::Reverse;

use super::super::integrate::{Key, key};
use super::super::log::Log;
use super::super::op::Invalid;
use super::atoms::{Atoms, EDGE, Piece};

/// In place of a place: none yet.
const NOWHERE: u32 = u32::MAX;

/// The place of the document's end.
const END: u32 = u32::MAX - 1;

/// Atoms as nodes. Per atom; [`EDGE`] stands for none, for the start (on the left) and the end (on the right).
struct Tree {
    /// The atoms that end and begin with its origins.
    left: Vec<u32>,
    right: Vec<u32>,
    /// Its first child on each side.
    left_child: Vec<u32>,
    right_child: Vec<u32>,
    /// The next child of the same parent on the same side.
    sibling: Vec<u32>,
    /// Where it stands, from left to right.
    place: Vec<u32>,
}

/// What is next to be read.
enum Read {
    /// A node with all that hangs on it.
    All(u32),
    /// A node alone, and then its left children.
    Rest(u32),
}

impl Atoms {
    /// Links the atoms in the order of the document. O(n log n).
    ///
    /// # Errors
    /// If an insert's origins contradict the order.
    pub(super) fn put_in_order(&mut self, log: &Log) -> Result<(), Invalid> {
        let mut tree = Tree::new(self);
        tree.read(self, log);
        self.pieces.iter().try_for_each(|piece| tree.check(piece))
    }

    fn key(&self, log: &Log, atom: u32) -> Key {
        key(log, self.atoms[atom as usize].id(), 0)
    }
}

impl Tree {
    fn new(atoms: &Atoms) -> Self {
        let none = || vec![EDGE; atoms.atoms.len()];
        let (mut left, mut right) = (none(), none());
        for Piece {
            first,
            last,
            left: before,
            right: behind,
        } in &atoms.pieces
        {
            for atom in *first..=*last {
                left[atom as usize] = if atom == *first { *before } else { atom - 1 };
                right[atom as usize] = *behind;
            }
        }
        let (mut left_child, mut right_child, mut sibling) = (none(), none(), none());
        for atom in atoms
            .pieces
            .iter()
            .flat_map(|piece| piece.first..=piece.last)
        {
            let (before, behind) = (left[atom as usize], right[atom as usize]);
            let child = if behind != EDGE && left[behind as usize] == before {
                &mut left_child[behind as usize]
            } else {
                &mut right_child[before as usize]
            };
            sibling[atom as usize] = std::mem::replace(child, atom);
        }
        Self {
            left,
            right,
            left_child,
            right_child,
            sibling,
            place: vec![NOWHERE; atoms.atoms.len()],
        }
    }

    /// Reads the tree from right to left, and links the atoms so.
    fn read(&mut self, atoms: &mut Atoms, log: &Log) {
        let (mut place, mut behind) = (END, EDGE);
        let mut open = vec![Read::All(EDGE)];
        let mut children = Vec::new();
        while let Some(read) = open.pop() {
            match read {
                Read::All(node) => {
                    self.children(self.right_child[node as usize], &mut children);
                    if children.len() > 1 {
                        children.sort_by_cached_key(|child| {
                            (Reverse(self.right_place(*child)), atoms.key(log, *child))
                        });
                    }
                    open.push(Read::Rest(node));
                }
                Read::Rest(node) => {
                    if node != EDGE {
                        place -= 1;
                        self.place[node as usize] = place;
                    }
                    atoms.atoms[node as usize].next = std::mem::replace(&mut behind, node);
                    self.children(self.left_child[node as usize], &mut children);
                    if children.len() > 1 {
                        children.sort_by_cached_key(|child| atoms.key(log, *child));
                    }
                }
            }
            // The last is read first.
            open.extend(children.drain(..).map(Read::All));
        }
    }

    fn children(&self, first: u32, children: &mut Vec<u32>) {
        let mut child = first;
        while child != EDGE {
            children.push(child);
            child = self.sibling[child as usize];
        }
    }

    /// The place of an atom's right origin; anything, as long as that has none, which is invalid.
    fn right_place(&self, atom: u32) -> u32 {
        match self.right[atom as usize] {
            EDGE => END,
            right => self.place[right as usize],
        }
    }

    /// Where an atom stands that ends with a left origin; in front of all is 0, where no atom stands.
    fn left_place(&self, atom: u32) -> u32 {
        match atom {
            EDGE => 0,
            atom => self.place[atom as usize],
        }
    }

    /// Checks the origins of an insert entry, as merging it does.
    fn check(&self, piece: &Piece) -> Result<(), Invalid> {
        let Piece {
            first, left, right, ..
        } = *piece;
        if left != EDGE && self.left_place(left) >= self.right_place(first) {
            return Err(Invalid::OriginsCrossed);
        }
        if right != EDGE && self.left_place(self.left[right as usize]) > self.left_place(left) {
            return Err(Invalid::RightOriginNested);
        }
        if left != EDGE && self.right_place(left) < self.right_place(first) {
            return Err(Invalid::LeftOriginNested);
        }
        Ok(())
    }
}
