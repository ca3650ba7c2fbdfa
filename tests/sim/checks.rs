//! What must hold: during a run, and when all is quiet again.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use collab_edit::session::limits::MAX_IN_FLIGHT_BYTES;
use collab_edit::session::{MemberState, MemberView};

use super::network::Node;
use super::world::{FILLER, Member, World};

/// What one message takes at the most, in bytes: the longest text that is put in at once, or as much as
/// messages hold of several.
const LARGEST_MESSAGE: usize = 256 << 10;

/// How long after the last byte on a connection its end is noticed.
const NOTICED: Duration = Duration::from_secs(10);

/// What waits for slow links is bounded.
pub(crate) fn memory(member: &Member) {
    let in_flight = member.core.session().in_flight();
    assert!(
        in_flight <= MAX_IN_FLIGHT_BYTES + LARGEST_MESSAGE,
        "{in_flight} bytes wait for one link"
    );
}

/// What is said of other members at this step is so: they have what they are said to have, and the same
/// text if that is said. Of one who is away it need only have been so.
pub(crate) fn claims(world: &World, node: Node) {
    let me = &world.members[node];
    let (session, log) = (me.core.session(), me.core.document().log());
    let own = me.core.document().me();
    for other in world.members.iter().filter(|other| other.runs) {
        let acked = session.acked(&other.id);
        let identical = session.is_identical(&other.id);
        if acked == 0 && !identical {
            continue;
        }
        let author = session.linked_author(&other.id);
        let mut processes = world.members.iter().filter(|process| match author {
            Some(author) => process.core.document().me() == author,
            None => process.id == other.id,
        });
        let is_so = |process: &Member| {
            process.knew.next(&own) >= acked && (!identical || process.knew.covers(log.version()))
        };
        assert!(
            processes.any(is_so),
            "{} is said to have {acked} of {node}, identical: {identical}",
            session.name_of(&other.id)
        );
    }
}

/// Equal heads are equal texts.
pub(crate) fn equal_heads(world: &World, node: Node) {
    let me = world.members[node].core.document();
    for other in world.members.iter().filter(|other| other.runs) {
        let other = other.core.document();
        if other.log().version() == me.log().version() {
            assert_eq!(other.rope(), me.rope(), "equal heads, other texts");
        }
    }
}

/// Nobody holds on to a connection on which nothing comes any more.
pub(crate) fn liveness(world: &World) {
    for ((node, link), heard) in world.network.open_ends() {
        let member = &world.members[node];
        let since = heard.max(member.paused);
        assert!(
            !member.runs || world.now <= since + NOTICED,
            "{node} has not noticed that nothing comes on {link:?}"
        );
    }
}

/// Who said goodbye is left alone, once it has been heard everywhere. (One who is alone may try.)
pub(crate) fn dial(world: &World, node: Node, to: &SocketAddr) {
    let session = world.members[node].core.session();
    let connected = |view: &MemberView| view.state == MemberState::Connected;
    if world.is_quiet() && session.members().iter().any(connected) {
        let entries = session.entries();
        let mut there = entries.filter(|entry| entry.addrs.contains(to)).peekable();
        assert!(
            there.peek().is_none() || there.any(|entry| !entry.left),
            "{node} dials {to}, where somebody was who left"
        );
    }
}

/// All know that this one has said goodbye.
pub(crate) fn left(world: &World, gone: Node) {
    for member in world.members.iter().filter(|member| member.runs) {
        let views = member.core.session().members();
        let mut views = views.iter();
        let view = views.find(|view| view.member == world.members[gone].id);
        assert_eq!(view.map(|view| view.state), Some(MemberState::Left));
    }
}

/// After the quiet phase.
pub(crate) fn at_the_end(world: &World) {
    for group in acquainted(world) {
        // One who was still joining when the only member it knew went away can do nothing but wait.
        if group.len() > 1 || group[0].joined {
            converged(world, &group);
        }
    }
}

/// The running members, in groups of those that know of each other, if only through others. Members of
/// different groups cannot find each other: whoever knew both is gone. Who said goodbye is not dialled, so who came
/// back is known only to those who have heard of that, or whom it knows itself.
fn acquainted(world: &World) -> Vec<Vec<&Member>> {
    let mut left: Vec<&Member> = world.members.iter().filter(|member| member.runs).collect();
    let knows = |one: &Member, other: &Member| {
        let views = one.core.session().members();
        let known = |view: &MemberView| view.member == other.id && view.state != MemberState::Left;
        views.iter().any(known)
    };
    let mut groups = Vec::new();
    while let Some(member) = left.pop() {
        let mut group = vec![member];
        let mut at = 0;
        while at < group.len() {
            let one = group[at];
            let (near, far) = left
                .into_iter()
                .partition(|other| knows(one, other) || knows(other, one));
            group.extend::<Vec<&Member>>(near);
            left = far;
            at += 1;
        }
        groups.push(group);
    }
    groups
}

fn converged(world: &World, running: &[&Member]) {
    let first = running[0];
    let document = first.core.document();
    for member in running {
        assert!(member.joined, "a member is still outside");
        let other = member.core.document();
        assert_eq!(
            other.log().version(),
            document.log().version(),
            "heads differ"
        );
        assert_eq!(other.hash(), document.hash(), "texts differ");
        assert_eq!(other.everything(), document.everything(), "orders differ");
        assert!(
            document.log().version().covers(&member.knew),
            "something known is gone"
        );
        other.check_invariants();
        let away: Vec<String> = member
            .core
            .session()
            .members()
            .into_iter()
            .filter(|view| {
                let there = |other: &&Member| view.member == other.id;
                view.state != MemberState::Connected && running.iter().any(there)
            })
            .map(|view| view.name)
            .collect();
        assert!(away.is_empty(), "no link to {away:?}");
        let undelivered = member.core.session().members();
        let undelivered = undelivered
            .iter()
            .filter(|view| view.state == MemberState::Connected);
        assert_eq!(
            undelivered.map(|view| view.undelivered).sum::<u32>(),
            0,
            "the gauge stays up"
        );
        assert!(member.core.session().is_caught_up(other.replica()));
        let views = member.core.session().members();
        let mut connected = views
            .iter()
            .filter(|view| view.state == MemberState::Connected);
        assert!(
            connected.all(|view| view.identical && view.entered),
            "somebody is not known to have the same text"
        );
        assert!(
            member
                .core
                .session()
                .entries()
                .eq(first.core.session().entries()),
            "the lists of members differ"
        );
        let presences: Vec<_> = member.core.session().presences().collect();
        for other in running.iter().filter(|other| other.id != member.id) {
            let seen = presences.iter().find(|(id, ..)| *id == other.id);
            let seen = seen.and_then(|(.., presence)| presence.cursor);
            assert!(
                other.caret.is_none() || seen == other.caret,
                "{:?}'s cursor is at {:?}, but {:?} has it at {seen:?}",
                other.id,
                other.caret,
                member.id
            );
        }
    }
    // The strong list specification: one order of all characters, of which every text that was ever
    // seen is a part, in that order. Each character was inserted once.
    let order: String = document.everything().replace(FILLER, "");
    let characters: BTreeSet<char> = order.chars().collect();
    assert_eq!(
        characters.len(),
        order.chars().count(),
        "something is there twice"
    );
    for (text, version) in &world.texts {
        if document.log().version().covers(version) {
            assert!(
                document.text_at(version) == *text,
                "a text was another one than what was known then makes now"
            );
            continue;
        }
        // What only members knew who are gone is not in the order.
        let mut rest = order.chars();
        let known = text.chars().filter(|c| characters.contains(c));
        for c in known {
            assert!(
                rest.any(|other| other == c),
                "a text was not in the final order"
            );
        }
    }
}
