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

use std::cmp::{Ordering, Reverse};

use super::id::Id;
use super::log::Log;
use super::op::Invalid;
use super::order::{Order, Place};

/// What decides between inserts with equal origins; the smaller goes first.
type Key = (Reverse<u64>, super::AuthorId, u32);

fn key(log: &Log, id: Id, open: u64) -> Key {
    (Reverse(log.lamport(id, open)), log[id.author].id, id.seq)
}

/// Finds the place in front of which the new character `id`, of a batch with Lamport value
/// `lamport`, goes (`None`: the end). Both origins are in the order. O(log n) and O(log n) for each
/// run that others put between the origins at the same time.
///
/// # Errors
/// The three ways in which origins can contradict the order, the same at every replica.
pub(crate) fn destination(
    order: &Order,
    log: &Log,
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
    let mut at = dest;
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
            }
            Ordering::Equal => scanning = between.right_of(other_right) == Ordering::Less,
            Ordering::Greater => {}
        }
        at = order.next_run(place);
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
