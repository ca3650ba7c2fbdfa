//! The dumb reference: FugueMax as a plain tree, and the rule of what is in force, read off directly.
//! Quadratic and worse, on purpose: nothing here is shared with the real structures.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::log::{ActKind, Entry};
use super::super::{AuthorId, OpId, Replica, Version};

/// One operation of the model.
#[derive(Clone, Debug)]
pub(crate) enum ModelOp {
    Insert {
        left: Option<OpId>,
        right: Option<OpId>,
        char: char,
        lamport: u64,
    },
    Delete(Vec<OpId>),
    Undo(Vec<OpId>),
    Note,
}

/// Reads `author`'s operations from number `from` on out of a replica's log.
pub(crate) fn operations(replica: &Replica, author: AuthorId, from: u32) -> Vec<(OpId, ModelOp)> {
    let log = replica.log();
    let Some(ix) = log.ix(&author) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for seq in from..log[ix].next() {
        let name = OpId { author, seq };
        let op = match log[ix].entry(seq) {
            Some(Entry::Insert(_)) => {
                let (left, right) = log.origins(log.id(name).unwrap());
                let char = log[ix].text(seq, 1).chars().next().unwrap();
                let lamport = log[ix].batch(seq).unwrap().lamport;
                ModelOp::Insert {
                    left: left.map(|id| log.op_id(id)),
                    right: right.map(|id| log.op_id(id)),
                    char,
                    lamport,
                }
            }
            Some(Entry::Act(kind)) => {
                let spans = log[ix].targets(seq);
                let targets = spans
                    .iter()
                    .flat_map(|span| (0..span.len).map(|i| log.op_id(span.start.plus(i))))
                    .collect();
                if kind == ActKind::Delete {
                    ModelOp::Delete(targets)
                } else {
                    ModelOp::Undo(targets)
                }
            }
            _ => ModelOp::Note,
        };
        all.push((name, op));
    }
    all
}

/// A history as the model sees it. Operations have numbers here, in an order in which causes come first.
pub(crate) struct Model {
    names: Vec<OpId>,
    ops: Vec<Plain>,
    /// All characters, hidden ones included, in FugueMax order.
    order: Vec<usize>,
}

/// An operation that names others by number.
enum Plain {
    Insert {
        left: Option<usize>,
        right: Option<usize>,
        char: char,
        lamport: u64,
    },
    Delete(Vec<usize>),
    Undo(Vec<usize>),
    Note,
}

impl Model {
    /// Operations come with their causes first.
    pub(crate) fn new(ops: &[(OpId, ModelOp)]) -> Self {
        let names: Vec<OpId> = ops.iter().map(|(id, _)| *id).collect();
        let numbers: BTreeMap<OpId, usize> = names.iter().copied().zip(0..).collect();
        let all = |ids: &[OpId]| ids.iter().map(|id| numbers[id]).collect();
        let plain = |op: &ModelOp| match op {
            ModelOp::Insert {
                left,
                right,
                char,
                lamport,
            } => Plain::Insert {
                left: left.map(|id| numbers[&id]),
                right: right.map(|id| numbers[&id]),
                char: *char,
                lamport: *lamport,
            },
            ModelOp::Delete(targets) => Plain::Delete(all(targets)),
            ModelOp::Undo(targets) => Plain::Undo(all(targets)),
            ModelOp::Note => Plain::Note,
        };
        let mut model = Self {
            ops: ops.iter().map(|(_, op)| plain(op)).collect(),
            names,
            order: Vec::new(),
        };
        model.order = model.fugue_max();
        model
    }

    /// The names of all characters, hidden ones included, in FugueMax order.
    pub(crate) fn order(&self) -> Vec<OpId> {
        self.order.iter().map(|n| self.names[*n]).collect()
    }

    fn fugue_max(&self) -> Vec<usize> {
        // The last one is the root, of which every character is a right descendant.
        let root = self.ops.len();
        let mut tree: Vec<Children> = Vec::new();
        tree.resize_with(root + 1, Children::default);
        let mut parents = vec![root; root + 1];
        for (n, op) in self.ops.iter().enumerate() {
            let Plain::Insert { left, right, .. } = op else {
                continue;
            };
            // A left child of the right origin if that descends from the left origin, else a right child
            // of the left origin.
            let left = left.unwrap_or(root);
            let descends = |mut of: usize| {
                while of != root {
                    of = parents[of];
                    if of == left {
                        return true;
                    }
                }
                false
            };
            if let Some(right) = right.filter(|right| descends(*right)) {
                parents[n] = right;
                let siblings = &mut tree[right].left;
                siblings.push(n);
                siblings.sort_by_key(|n| self.key(*n));
                continue;
            }
            parents[n] = left;
            tree[left].right.push(n);
            if tree[left].right.len() > 1 {
                let list = traverse(&tree, root);
                let place = |of: usize| match self.ops[of] {
                    Plain::Insert {
                        right: Some(id), ..
                    } => list.iter().position(|other| *other == id).unwrap(),
                    _ => list.len(),
                };
                tree[left]
                    .right
                    .sort_by_cached_key(|n| (Reverse(place(*n)), self.key(*n)));
            }
        }
        traverse(&tree, root)
    }

    /// What decides between siblings in the end.
    fn key(&self, n: usize) -> (Reverse<u64>, OpId) {
        match self.ops[n] {
            Plain::Insert { lamport, .. } => (Reverse(lamport), self.names[n]),
            _ => unreachable!("only characters are in the tree"),
        }
    }

    /// The text that somebody sees who knows exactly the operations in `version`.
    /// (That a part's order is the whole's, restricted, is what convergence means.)
    pub(crate) fn text(&self, version: &Version) -> String {
        self.shown(version).map(|(_, char)| char).collect()
    }

    /// The characters that [`text`](Self::text) consists of.
    pub(crate) fn shown(&self, version: &Version) -> impl Iterator<Item = (OpId, char)> {
        let known: Vec<bool> = self
            .names
            .iter()
            .map(|id| id.seq < version.next(&id.author))
            .collect();
        // Undos come after what they name. So from the last on, each is looked at when all that names it is settled.
        let mut cancelled = vec![false; self.ops.len()];
        for (n, op) in self.ops.iter().enumerate().rev() {
            if let Plain::Undo(targets) = op
                && known[n]
                && !cancelled[n]
            {
                targets.iter().for_each(|target| cancelled[*target] = true);
            }
        }
        let mut deleted = vec![false; self.ops.len()];
        for (n, op) in self.ops.iter().enumerate() {
            if let Plain::Delete(targets) = op
                && known[n]
                && !cancelled[n]
            {
                targets.iter().for_each(|target| deleted[*target] = true);
            }
        }
        self.order.iter().filter_map(move |n| match self.ops[*n] {
            Plain::Insert { char, .. } if known[*n] && !cancelled[*n] && !deleted[*n] => {
                Some((self.names[*n], char))
            }
            _ => None,
        })
    }
}

#[derive(Default)]
struct Children {
    left: Vec<usize>,
    right: Vec<usize>,
}

/// What hangs on the root, from left to right.
fn traverse(tree: &[Children], root: usize) -> Vec<usize> {
    fn visit(at: usize, tree: &[Children], root: usize, out: &mut Vec<usize>) {
        for child in &tree[at].left {
            visit(*child, tree, root, out);
        }
        if at != root {
            out.push(at);
        }
        for child in &tree[at].right {
            visit(*child, tree, root, out);
        }
    }
    let mut out = Vec::new();
    visit(root, tree, root, &mut out);
    out
}
