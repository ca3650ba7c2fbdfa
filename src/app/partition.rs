//! What happened while a member was away: told in one line when it is back, and walked through.

use std::collections::BTreeMap;
use std::ops::Range;

use super::core::Core;
use super::delivery::plural;
use crate::crdt::{Anchor, AuthorId, Bias, Version};
use crate::document::CharPos;
use crate::session::{MemberState, MemberView};
use crate::wire::MemberId;

/// What was known when a member went away.
struct Apart {
    known: Version,
    /// How many operations of ours there were when it came back, once it has.
    back: Option<u32>,
}

/// Members who are away or whose edits are still coming, and the places of the last report.
#[derive(Default)]
pub(super) struct Partitions {
    apart: BTreeMap<MemberId, Apart>,
    places: Vec<Anchor>,
    /// Which of them is next.
    next: usize,
}

impl Partitions {
    /// A member's state has changed.
    pub(super) fn changed(&mut self, member: MemberId, state: MemberState, core: &Core) {
        let log = core.document().log();
        match state {
            MemberState::Away => {
                let known = log.version().clone();
                let apart = self.apart.entry(member);
                // Gone again before its edits were here: they are still to be told.
                apart.or_insert(Apart { known, back: None }).back = None;
            }
            MemberState::Connected => {
                if let Some(apart) = self.apart.get_mut(&member) {
                    apart.back = Some(log.next(&core.document().me()));
                }
            }
            MemberState::Left => drop(self.apart.remove(&member)),
        }
    }

    /// Whether a member was away and what it did meanwhile has not been told.
    pub(super) fn is_apart(&self, member: &MemberId) -> bool {
        self.apart.contains_key(member)
    }

    /// What is to be told of those who are back, once all that they have is here; `next` is how one goes through
    /// the places.
    pub(super) fn report(
        &mut self,
        members: &[MemberView],
        core: &Core,
        next: &str,
    ) -> Option<String> {
        let replica = core.document().replica();
        let is_due = |member: &&MemberView| {
            let apart = self.apart.get(&member.member);
            apart.is_some_and(|apart| apart.back.is_some())
                && core.session().has_all_of(&member.member, replica)
        };
        let due: Vec<&MemberView> = members.iter().filter(is_due).collect();
        if due.is_empty() {
            return None;
        }
        (self.places, self.next) = (Vec::new(), 0);
        let told: Vec<String> = due.iter().map(|member| self.told(member, core)).collect();
        let told = told.join(". ");
        Some(match self.places.is_empty() {
            true => told,
            false => format!("{told} ({next} goes through them)"),
        })
    }

    fn told(&mut self, member: &MemberView, core: &Core) -> String {
        let name = &member.name;
        let Some(Apart { known, back }) = self.apart.remove(&member.member) else {
            return String::new();
        };
        let document = core.document();
        let (log, me) = (document.log(), document.me());
        let theirs: Vec<(AuthorId, Range<u32>)> = member
            .authors
            .iter()
            .map(|author| (*author, known.next(author)..log.next(author)))
            .collect();
        let edits: u64 = theirs
            .iter()
            .map(|(author, range)| log.batches_between(author, range.start, range.end))
            .sum();
        if edits == 0 {
            return format!("{name} is back");
        }
        let ours = known.next(&me)..back.unwrap_or_else(|| log.next(&me));
        let ours = document.places(&[(me, ours)]);
        let places = document.places(&theirs);
        let near = |place: &&Range<CharPos>| ours.iter().any(|our| document.is_near(our, place));
        let next = places.iter().filter(near).count();
        let anchors = places
            .iter()
            .map(|place| document.anchor(place.start, Bias::Before));
        self.places.extend(anchors);
        let (edits, count) = (plural(edits, "edit"), plural(places.len() as u64, "place"));
        match next {
            0 => format!("{name} is back: {edits} in {count}"),
            next => format!("{name} is back: {edits} in {count}, {next} next to yours"),
        }
    }

    /// The next place of the last report, and which of how many it is; after the last comes the first.
    pub(super) fn next_place(&mut self) -> Option<(Anchor, usize, usize)> {
        let anchor = *self.places.get(self.next)?;
        let number = self.next + 1;
        self.next = number % self.places.len();
        Some((anchor, number, self.places.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::Source;
    use crate::document::{Document, EditKind};
    use crate::session::{Config, Time};
    use crate::wire::Properties;

    #[test]
    fn a_report_counts_edits_and_places_and_those_next_to_ours() {
        let mut core = Core::new(Config::for_test(1, true, Properties::default()), Time(0));
        let text: String = (0..100).map(|n| format!("line {n:02}\n")).collect();
        core.load(&text, 0);
        let at = |line: usize| CharPos(line * 8);
        let mut ben = Document::new(AuthorId([2; 16]));
        ben.adopt(&core.document().encode_history()).unwrap();
        let known = core.document().log().version().clone();
        // Apart, both write: in one place side by side, Ben in two others.
        core.edit(at(10)..at(10), "ours", EditKind::Whole, Time(0));
        core.flush(None, Time(0), 0);
        for line in [60, 41, 40, 11] {
            ben.edit(at(line)..at(line), "his", EditKind::Whole, 0);
            ben.commit(0, Source::Typed);
        }
        core.restore(&ben.encode_history()).unwrap();
        let member = MemberId([2; 16]);
        let view = MemberView {
            member,
            name: "Ben".to_owned(),
            state: MemberState::Connected,
            since: Time(0),
            addr: None,
            delay: None,
            undelivered: 0,
            acked: Vec::new(),
            entered: true,
            identical: false,
            trouble: None,
            authors: vec![ben.me()],
        };
        let mut partitions = Partitions::default();
        let back = Some(u32::MAX);
        partitions.apart.insert(member, Apart { known, back });
        let told = partitions.told(&view, &core);
        assert_eq!(told, "Ben is back: 4 edits in 3 places, 1 next to yours");
        let lines: Vec<usize> = (0..4)
            .map(|_| {
                let (anchor, _, count) = partitions.next_place().unwrap();
                assert_eq!(count, 3);
                let place = core.document().position(&anchor).unwrap();
                core.document().rope().char_to_line(place.0)
            })
            .collect();
        assert_eq!(lines, [11, 40, 60, 11], "after the last comes the first");
        // One who did nothing is only said to be back.
        let known = core.document().log().version().clone();
        partitions.apart.insert(member, Apart { known, back });
        assert_eq!(partitions.told(&view, &core), "Ben is back");
    }
}
