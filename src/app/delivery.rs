//! The delivery gauge: how many of one's own edits are not yet at everyone, and where they are missing.
//!
//! An edit is a batch: what one turn of the event loop brought. Who has left is not waited for; who is
//! still being sent the text for the first time is not counted yet. Edits are counted once they are
//! [`CALM`] old, so that ordinary typing does not flicker.

use std::collections::VecDeque;
use std::time::Duration;

use crate::crdt::{AuthorId, Log};
use crate::session::{MemberState, MemberView, Time};

/// How old an edit is before it is said to be missing somewhere.
const CALM: Duration = Duration::from_secs(1);

/// How finely the age of own edits is remembered.
const STEP: Duration = Duration::from_millis(100);

/// How many names are given before the rest is counted.
const NAMES: usize = 3;

/// What the status bar says of delivery, at length and in short; empty without others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Delivery {
    pub(super) long: String,
    pub(super) short: String,
}

/// See the module.
#[derive(Default)]
pub(super) struct Gauge {
    /// How many own operations there were, and when.
    marks: VecDeque<(Time, u32)>,
}

impl Gauge {
    /// Notes how many own operations there are.
    pub(super) fn note(&mut self, own: u32, now: Time) {
        while self.marks.len() > 1 && self.marks[1].0 + CALM <= now {
            self.marks.pop_front();
        }
        match self.marks.back() {
            Some((at, last)) if *last == own || now < *at + STEP => {}
            _ => self.marks.push_back((now, own)),
        }
    }

    /// How many own operations are old enough to be counted.
    fn calm(&self, now: Time) -> u32 {
        let old = self.marks.iter().rev().find(|(at, _)| *at + CALM <= now);
        old.map_or(0, |(_, own)| *own)
    }

    /// When the gauge may say something else though nothing happens.
    pub(super) fn next_deadline(&self, now: Time) -> Option<Time> {
        let due = self.marks.iter().map(|(at, _)| *at + CALM);
        due.filter(|due| *due > now).min()
    }

    /// What is to be said. `me` is the author that writes here now.
    pub(super) fn delivery(
        &self,
        members: &[MemberView],
        me: AuthorId,
        log: &Log,
        now: Time,
    ) -> Delivery {
        let counted: Vec<&MemberView> = members
            .iter()
            .filter(|member| member.state != MemberState::Left && member.entered)
            .collect();
        let calm = self.calm(now);
        let lacks = |member: &MemberView| {
            let author = |(author, has): &(AuthorId, u32)| {
                let due = if *author == me {
                    calm
                } else {
                    log.next(author)
                };
                *has < due
            };
            member.acked.iter().any(author)
        };
        let lacking: Vec<&MemberView> = counted.iter().copied().filter(|m| lacks(m)).collect();
        if counted.is_empty() {
            return Delivery::default();
        }
        if lacking.is_empty() {
            return settled(&counted);
        }
        let count = edits(&lacking, log);
        let edits = plural(count, "edit");
        let (have, all) = (counted.len() - lacking.len(), counted.len());
        let whom: Vec<String> = lacking.iter().map(|m| whom(m, now)).collect();
        let names: Vec<String> = lacking.iter().map(|m| m.name.clone()).collect();
        Delivery {
            long: format!("{edits} · {have} of {all} have them · {}", list(&whom)),
            short: format!("{edits} not at {}", list(&names)),
        }
    }
}

/// For the list of members: what of one's own edits a member is not known to have.
pub(super) fn of_member(member: &MemberView, log: &Log) -> String {
    match edits(&[member], log) {
        _ if member.state == MemberState::Left => String::new(),
        0 => ", delivered".to_owned(),
        count => format!(", lacks {}", plural(count, "edit")),
    }
}

/// Everybody has everything.
fn settled(counted: &[&MemberView]) -> Delivery {
    let here = counted
        .iter()
        .filter(|member| member.state == MemberState::Connected);
    let proven = here.clone().all(|member| member.identical);
    let names: Vec<String> = here.map(|member| member.name.clone()).collect();
    if names.is_empty() || !proven {
        let said = "delivered".to_owned();
        return Delivery {
            long: said.clone(),
            short: said,
        };
    }
    Delivery {
        long: format!("identical with {}", list(&names)),
        short: "identical".to_owned(),
    }
}

/// How many own edits are missing at one of `lacking` at least. What a member has is the beginning of
/// each log, so the one that has least lacks all that any lacks.
fn edits(lacking: &[&MemberView], log: &Log) -> u64 {
    let mut least: Vec<(AuthorId, u32)> = Vec::new();
    for (author, has) in lacking.iter().flat_map(|member| &member.acked) {
        match least.iter_mut().find(|(known, _)| known == author) {
            Some((_, least)) => *least = (*least).min(*has),
            None => least.push((*author, *has)),
        }
    }
    let missing =
        |(author, has): &(AuthorId, u32)| log.batches_between(author, *has, log.next(author));
    least.iter().map(missing).sum()
}

fn whom(member: &MemberView, now: Time) -> String {
    match member.state {
        MemberState::Away => format!("{} away for {}", member.name, span(now - member.since)),
        MemberState::Connected | MemberState::Left => format!("not yet {}", member.name),
    }
}

/// A span of time in words, coarse enough not to change all the time.
pub(super) fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..20 => format!("{seconds} s"),
        seconds @ 20..120 => format!("{} s", seconds / 10 * 10),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// "1 edit", "2 edits".
pub(super) fn plural(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// Names, the first few of them.
pub(super) fn list(names: &[String]) -> String {
    if names.len() <= NAMES {
        return names.join(", ");
    }
    let rest = names.len() - (NAMES - 1);
    format!("{} and {rest} more", names[..NAMES - 1].join(", "))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::document::{CharPos, Document, EditKind};
    use crate::wire::MemberId;

    const ME: AuthorId = AuthorId([1; 16]);

    /// A member who has the first `has` of our operations.
    pub(in crate::app) fn member(n: u8, has: u32, state: MemberState) -> MemberView {
        MemberView {
            member: MemberId([n; 16]),
            name: ["Ann", "Ben", "Cara", "Dan", "Eve"][usize::from(n)].to_owned(),
            state,
            since: Time(0),
            addr: None,
            delay: None,
            undelivered: 10 - has,
            acked: vec![(ME, has)],
            entered: true,
            identical: false,
            trouble: None,
            authors: Vec::new(),
        }
    }

    /// Ten operations in four edits.
    fn document() -> Document {
        let mut document = Document::new(ME);
        for text in ["abcd", "ef", "ghi", "j"] {
            let end = CharPos(document.len());
            document.edit(end..end, text, EditKind::Whole, 0);
            document.commit(0, crate::crdt::Source::Typed);
        }
        document
    }

    fn said(members: &[MemberView], age: u64) -> (String, String) {
        let mut gauge = Gauge::default();
        gauge.note(10, Time(40_000 - age));
        let Delivery { long, short } = gauge.delivery(members, ME, document().log(), Time(40_000));
        (long, short)
    }

    #[test]
    fn edits_are_counted_and_those_who_lack_them_named() {
        use MemberState::{Away, Connected, Left};
        let rows: [(&[MemberView], &str, &str); 7] = [
            (&[], "", ""),
            (&[member(0, 10, Connected)], "delivered", "delivered"),
            (
                &[
                    member(0, 10, Connected),
                    member(1, 10, Connected),
                    member(2, 6, Away),
                ],
                "2 edits · 2 of 3 have them · Cara away for 40 s",
                "2 edits not at Cara",
            ),
            (
                &[member(0, 9, Connected)],
                "1 edit · 0 of 1 have them · not yet Ann",
                "1 edit not at Ann",
            ),
            (
                &[member(0, 4, Away), member(1, 9, Connected)],
                "3 edits · 0 of 2 have them · Ann away for 40 s, not yet Ben",
                "3 edits not at Ann, Ben",
            ),
            (
                &[member(0, 0, Left), member(1, 10, Away)],
                "delivered",
                "delivered",
            ),
            (
                &[0, 1, 2, 3, 4].map(|n| member(n, 9, Connected)),
                "1 edit · 0 of 5 have them · not yet Ann, not yet Ben and 3 more",
                "1 edit not at Ann, Ben and 3 more",
            ),
        ];
        for (members, long, short) in rows {
            assert_eq!(said(members, 2_000), (long.to_owned(), short.to_owned()));
        }
    }

    #[test]
    fn what_was_just_typed_is_not_missed_and_who_is_just_entering_is_not_counted() {
        let ann = member(0, 4, MemberState::Connected);
        assert_eq!(said(std::slice::from_ref(&ann), 500).0, "delivered");
        let entering = MemberView {
            entered: false,
            ..ann
        };
        assert_eq!(said(std::slice::from_ref(&entering), 5_000).0, "");
        let ben = member(1, 10, MemberState::Connected);
        assert_eq!(said(&[entering, ben], 5_000).0, "delivered");
    }

    #[test]
    fn identical_is_said_of_all_who_are_here() {
        let proven = |n, state| MemberView {
            identical: true,
            ..member(n, 10, state)
        };
        let (ann, ben) = (
            proven(0, MemberState::Connected),
            proven(1, MemberState::Connected),
        );
        let away = member(2, 10, MemberState::Away);
        let both = [ann.clone(), ben.clone(), away];
        assert_eq!(said(&both, 5_000).0, "identical with Ann, Ben");
        let other = MemberView {
            identical: false,
            ..ben
        };
        assert_eq!(said(&[ann, other], 5_000).0, "delivered");
    }

    #[test]
    fn old_edits_stay_missed_while_new_ones_are_typed() {
        let mut gauge = Gauge::default();
        for step in 0..50 {
            gauge.note(step, Time(u64::from(step) * 40));
        }
        let now = Time(49 * 40);
        assert!((20..25).contains(&gauge.calm(now)), "{}", gauge.calm(now));
        assert!(gauge.marks.len() < 15);
        assert!(gauge.next_deadline(now).is_some());
        assert_eq!(gauge.next_deadline(Time(10_000)), None);
    }
}
