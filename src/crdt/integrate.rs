//! Where an insert goes: FugueMax in list form, and the checks that make an insert valid.
//!
//! The rule is Joseph Gentle's YjsMod integration, which gives the order of FugueMax (Weidner and
//! Kleppmann, "The Art of the Fugue", IEEE TPDS 36(11), 2025), with one choice of ours: inserts with
//! equal origins are ordered as in RGA, by Lamport value descending, then author ascending, then
//! number ascending. Any total order converges; this one puts what was written later, by someone who
//! had seen more, in front.
//!
//! The scan looks at the first character of each run only: the others have their left origin inside
//! the run, so they belong to its subtree and are skipped with it. Inserts are tested against what
//! stands between their origins, which is nothing unless somebody wrote there at the same time.
//!
//! Where very many wrote at the same time, the scan does not step over all of them: inserts with equal origins stand by
//! key, so [`Crowds`] finds the last one that goes in front.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use super::id::Id;
use super::log::Log;
use super::op::Invalid;
use super::order::{Order, Place};

/// What decides between inserts with equal origins; the smaller goes first.
pub(crate) type Key = (Reverse<u64>, super::AuthorId, u32);

pub(crate) fn key(log: &Log, id: Id, open: u64) -> Key {
    (Reverse(log.lamport(id, open)), log[id.author].id, id.seq)
}

/// How many inserts with equal origins are stepped over before they are noted. (A guess: stepping over so many costs
/// about as much as two inserts.)
const CROWD: usize = if cfg!(test) { 1 } else { 32 };

/// How many insert entries are looked at in search of a right origin's last left child. (A guess; mostly it is the
/// first.)
const WAY: usize = 4;

/// Both origins of an insert.
type Origins = (Option<Id>, Option<Id>);

/// The inserts with equal origins, where there are many, by key.
///
/// Invariant: if an insert is here, all that are in the order and have its origins are. Each insert has one pair of
/// origins, so there are no more of them here than in the order.
#[derive(Default)]
pub(crate) struct Crowds(BTreeMap<Origins, Vec<Id>>);

impl Crowds {
    /// The last of those with these origins that goes in front of the new insert `id`, whose key is `mine`; `id` is
    /// one of them from now on. `None` if they are not known, or if it is the first.
    fn join(&mut self, origins: Origins, id: Id, mine: &Key, log: &Log, open: u64) -> Option<Id> {
        let crowd = self.0.get_mut(&origins)?;
        let n = crowd.partition_point(|other| key(log, *other, open) < *mine);
        crowd.insert(n, id);
        Some(crowd[n.checked_sub(1)?])
    }
}

/// Finds the place in front of which the new character `id`, of a batch with Lamport value
/// `lamport`, goes (`None`: the end). Both origins are in the order. O(log n) and O(log n) for each
/// run that others put between the origins at the same time, but for the many with equal origins.
///
/// # Errors
/// The three ways in which origins can contradict the order, the same at every replica.
pub(crate) fn destination(
    order: &Order,
    log: &Log,
    crowds: &mut Crowds,
    id: Id,
    lamport: u64,
    left: Option<Id>,
    right: Option<Id>,
) -> Result<Option<Place>, Invalid> {
    let left_place = left.map(|id| order.place(id));
    let mut dest = left_place.map_or_else(|| order.first(), |place| order.after(place));
    // Nothing between the origins: then they cannot contradict the order either.
    if dest.map(|place| order.id(place)) == right {
        return Ok(dest);
    }
    let right_place = right.map(|id| order.place(id));
    let between = Between {
        order,
        left,
        left_place,
        right,
        right_place,
    };
    between.check(log)?;
    let mine = key(log, id, lamport);
    let mut scanning = false;
    let before = crowds.join((left, right), id, &mine, log, lamport);
    if between.is_last(log, &mine, lamport) {
        return Ok(right_place);
    }
    if let Some(before) = before {
        dest = order.next_run(order.place(before));
    }
    let mut at = dest;
    let mut equal = 0;
    loop {
        if !scanning {
            dest = at;
        }
        let Some(place) = at else { break };
        let other = order.id(place);
        if Some(other) == right {
            break;
        }
        let (other_left, other_right) = log.origins(other);
        match between.left_of(other_left) {
            Ordering::Less => break,
            Ordering::Equal if other_right == right => {
                if mine < key(log, other, lamport) {
                    break;
                }
                scanning = false;
                equal += 1;
            }
            Ordering::Equal => scanning = between.right_of(other_right) == Ordering::Less,
            Ordering::Greater => {}
        }
        at = order.next_run(place);
    }
    if equal > CROWD {
        let mut crowd = between.equals(log);
        let n = crowd.partition_point(|other| key(log, *other, lamport) < mine);
        crowd.insert(n, id);
        crowds.0.insert((left, right), crowd);
    }
    Ok(dest)
}

/// The origins of an insert and their places.
struct Between<'a> {
    order: &'a Order,
    left: Option<Id>,
    left_place: Option<Place>,
    right: Option<Id>,
    right_place: Option<Place>,
}

impl Between<'_> {
    fn check(&self, log: &Log) -> Result<(), Invalid> {
        if let (Some(left), Some(right)) = (self.left_place, self.right_place)
            && self.order.compare(left, right) != Ordering::Less
        {
            return Err(Invalid::OriginsCrossed);
        }
        if let Some(right) = self.right
            && self.left_of(log.origins(right).0) == Ordering::Greater
        {
            return Err(Invalid::RightOriginNested);
        }
        if let Some(left) = self.left
            && self.right_of(log.origins(left).1) == Ordering::Less
        {
            return Err(Invalid::LeftOriginNested);
        }
        Ok(())
    }

    /// Whether the insert goes right in front of its right origin, because it is the last left child of that.
    ///
    /// If the right origin has the same left origin, the insert is a left child of it, as are all others with the
    /// same origins. Their parts end in front of it: so the character there tells, by way of its left origins, which
    /// of them is the last, if there is one. (All on that way have the same right origin.)
    fn is_last(&self, log: &Log, mine: &Key, open: u64) -> bool {
        let (Some(right), Some(right_place)) = (self.right, self.right_place) else {
            return false;
        };
        if log.origins(right).0 != self.left {
            return false;
        }
        let before = self.order.before(right_place);
        let mut at = before.map(|place| self.order.id(place));
        for _ in 0..WAY {
            let run = at.and_then(|id| Some((id, log[id.author].insert_run(id.seq)?)));
            let Some((id, run)) = run.filter(|(_, run)| run.right == self.right) else {
                return true;
            };
            // Inside an entry, each character's left origin is the one before.
            let first = match self.left {
                Some(left) if left.author == id.author && (run.seq..id.seq).contains(&left.seq) => {
                    Some(left.plus(1))
                }
                left => (run.left == left).then(|| Id::new(id.author, run.seq)),
            };
            if let Some(last) = first {
                return key(log, last, open) < *mine;
            }
            at = run.left;
        }
        false
    }

    /// The inserts with the same origins, in the order in which they stand.
    fn equals(&self, log: &Log) -> Vec<Id> {
        let first = self
            .left_place
            .map_or_else(|| self.order.first(), |place| self.order.after(place));
        let firsts = std::iter::successors(first, |place| self.order.next_run(*place));
        let ids = firsts.map(|place| self.order.id(place));
        ids.take_while(|id| Some(*id) != self.right)
            .filter(|id| log.origins(*id) == (self.left, self.right))
            .collect()
    }

    /// Where another left origin is, seen from this insert's; `None` is the start of the document.
    fn left_of(&self, other: Option<Id>) -> Ordering {
        match (other, self.left_place) {
            _ if other == self.left => Ordering::Equal,
            (None, _) => Ordering::Less,
            (_, None) => Ordering::Greater,
            (Some(other), Some(left)) => self.order.compare(self.order.place(other), left),
        }
    }

    /// Where another right origin is, seen from this insert's; `None` is the end of the document.
    fn right_of(&self, other: Option<Id>) -> Ordering {
        match (other, self.right_place) {
            _ if other == self.right => Ordering::Equal,
            (None, _) => Ordering::Greater,
            (_, None) => Ordering::Less,
            (Some(other), Some(right)) => self.order.compare(self.order.place(other), right),
        }
    }
}
