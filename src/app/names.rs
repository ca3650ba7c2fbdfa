//! When the names at the others' cursors are to be seen: for a while after each move.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::crdt::Anchor;
use crate::session::Time;
use crate::wire::MemberId;

/// How long a name stays once its cursor rests: long enough to be read after a glance elsewhere. (A guess.)
const STAYS: Duration = Duration::from_secs(3);

/// Where a cursor was last, and until when its name is to be seen.
struct Seen {
    cursor: Option<Anchor>,
    until: Time,
    gone: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Names(BTreeMap<MemberId, Seen>);

impl Names {
    /// A member's cursor is here, or nowhere.
    pub(super) fn moved(&mut self, member: MemberId, cursor: Option<Anchor>, now: Time) {
        if self
            .0
            .get(&member)
            .is_some_and(|seen| seen.cursor == cursor)
        {
            return;
        }
        let seen = Seen {
            cursor,
            until: now + STAYS,
            gone: cursor.is_none(),
        };
        self.0.insert(member, seen);
    }

    /// Whether a member's name is to be seen.
    pub(super) fn is_shown(&self, member: &MemberId) -> bool {
        self.0.get(member).is_some_and(|seen| !seen.gone)
    }

    /// When the next name has been there long enough.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        let shown = self.0.values().filter(|seen| !seen.gone);
        shown.map(|seen| seen.until).min()
    }

    /// Takes away the names that have been there long enough; whether there were any.
    pub(super) fn take_away(&mut self, now: Time) -> bool {
        let due = |seen: &&mut Seen| !seen.gone && seen.until <= now;
        let gone = self.0.values_mut().filter(due);
        gone.map(|seen| seen.gone = true).count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::{AuthorId, Bias, OpId};

    #[test]
    fn a_name_appears_with_a_move_and_goes_when_the_cursor_has_rested() {
        let [ann, ben] = [1, 2].map(|n| MemberId([n; 16]));
        let at = |seq| {
            let author = AuthorId([1; 16]);
            Some(Anchor {
                at: Some(OpId { author, seq }),
                bias: Bias::After,
            })
        };
        let mut names = Names::default();
        assert!(!names.is_shown(&ann));
        assert_eq!(names.next_deadline(), None);
        names.moved(ann, at(1), Time(0));
        names.moved(ben, at(1), Time(500));
        names.moved(ann, at(1), Time(1000));
        assert_eq!(
            names.next_deadline(),
            Some(Time(3000)),
            "no move, no more time"
        );
        assert!(!names.take_away(Time(2999)));
        assert!(names.take_away(Time(3000)));
        assert!(!names.is_shown(&ann) && names.is_shown(&ben));
        names.moved(ann, at(2), Time(3100));
        assert!(names.is_shown(&ann));
        names.moved(ben, None, Time(3200));
        assert!(!names.is_shown(&ben));
        assert_eq!(names.next_deadline(), Some(Time(6100)));
        assert!(names.take_away(Time(9000)));
        assert_eq!(names.next_deadline(), None, "nothing wakes who rests");
    }
}
