//! The dumb reference: FugueMax as a plain tree, and the rule of what is in force, read off directly.
//! Quadratic and worse, on purpose: nothing here is shared with the real structures.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

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

#[derive(Default)]
struct Children {
    left: Vec<OpId>,
    right: Vec<OpId>,
}

/// All characters, hidden ones included, in FugueMax order. Operations come with their causes first.
pub(crate) fn order(ops: &[(OpId, ModelOp)]) -> Vec<OpId> {
    // `None` is the root, of which every character is a right descendant.
    let mut children: BTreeMap<Option<OpId>, Children> =
        BTreeMap::from([(None, Children::default())]);
    let mut parents: BTreeMap<OpId, Option<OpId>> = BTreeMap::new();
    let mut data: BTreeMap<OpId, (Option<OpId>, u64)> = BTreeMap::new();
    for (id, op) in ops {
        let ModelOp::Insert {
            left,
            right,
            lamport,
            ..
        } = op
        else {
            continue;
        };
        let list = traverse(&children);
        let place = |right: Option<OpId>| match right {
            Some(id) => list.iter().position(|other| *other == id).unwrap(),
            None => list.len(),
        };
        let key = |id: OpId, lamport: u64| (Reverse(lamport), id);
        data.insert(*id, (*right, *lamport));
        // A left child of the right origin if that descends from the left origin, else a right child
        // of the left origin.
        let descends = |mut of: OpId| loop {
            match parents[&of] {
                parent if parent == *left => return true,
                Some(parent) => of = parent,
                None => return false,
            }
        };
        match right.filter(|right| descends(*right)) {
            Some(right) => {
                let siblings = &mut children.get_mut(&Some(right)).unwrap().left;
                siblings.push(*id);
                siblings.sort_by_key(|id| key(*id, data[id].1));
                parents.insert(*id, Some(right));
            }
            None => {
                let siblings = &mut children.get_mut(left).unwrap().right;
                siblings.push(*id);
                siblings.sort_by_key(|id| (Reverse(place(data[id].0)), key(*id, data[id].1)));
                parents.insert(*id, *left);
            }
        }
        children.insert(Some(*id), Children::default());
    }
    traverse(&children)
}

fn traverse(children: &BTreeMap<Option<OpId>, Children>) -> Vec<OpId> {
    fn visit(at: Option<OpId>, children: &BTreeMap<Option<OpId>, Children>, out: &mut Vec<OpId>) {
        let own = &children[&at];
        own.left
            .iter()
            .for_each(|child| visit(Some(*child), children, out));
        out.extend(at);
        own.right
            .iter()
            .for_each(|child| visit(Some(*child), children, out));
    }
    let mut out = Vec::new();
    visit(None, children, &mut out);
    out
}

/// The text that somebody sees who knows exactly the operations in `version`, given the order of all
/// characters. (That a part's order is the whole's, restricted, is what convergence means.)
/// Operations come with their causes first.
pub(crate) fn text(ops: &[(OpId, ModelOp)], order: &[OpId], version: &Version) -> String {
    shown(ops, order, version)
        .into_iter()
        .map(|(_, char)| char)
        .collect()
}

/// The characters that [`text`] consists of.
pub(crate) fn shown(
    ops: &[(OpId, ModelOp)],
    order: &[OpId],
    version: &Version,
) -> Vec<(OpId, char)> {
    let known = |id: &OpId| id.seq < version.next(&id.author);
    let known_ops: Vec<&(OpId, ModelOp)> = ops.iter().filter(|(id, _)| known(id)).collect();
    // Undos come after what they name. So from the last on, each is looked at when all that names it is settled.
    let mut cancelled: BTreeSet<OpId> = BTreeSet::new();
    for (id, op) in known_ops.iter().rev() {
        if let ModelOp::Undo(targets) = op
            && !cancelled.contains(id)
        {
            cancelled.extend(targets);
        }
    }
    let mut chars: BTreeMap<OpId, char> = BTreeMap::new();
    let mut deleted: BTreeSet<OpId> = BTreeSet::new();
    for (id, op) in known_ops {
        match op {
            _ if cancelled.contains(id) => {}
            ModelOp::Insert { char, .. } => drop(chars.insert(*id, *char)),
            ModelOp::Delete(targets) => deleted.extend(targets),
            _ => {}
        }
    }
    let shown = order.iter().filter(|id| !deleted.contains(id));
    shown
        .filter_map(|id| Some((*id, *chars.get(id)?)))
        .collect()
}
