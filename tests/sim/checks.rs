//! What must hold: during a run, and when all is quiet again.

use std::collections::BTreeSet;

use collab_edit::session::MemberState;
use collab_edit::session::limits::{MAX_IN_FLIGHT_BYTES, OPS_BYTES};

use super::network::Node;
use super::world::{Member, World};

/// What waits for slow links is bounded.
pub(crate) fn memory(member: &Member) {
    let links = member.core.session().entries().count() + 1;
    let most = links * (MAX_IN_FLIGHT_BYTES + 4 * OPS_BYTES);
    let in_flight = member.core.session().in_flight();
    assert!(
        in_flight <= most,
        "{in_flight} bytes wait for {links} links"
    );
}

/// A member who is said to have everything of mine has it.
pub(crate) fn gauge(world: &World, node: Node) {
    let me = &world.members[node];
    let own = me.core.document().me();
    let next = me.core.document().log().next(&own);
    for view in me.core.session().members() {
        if view.undelivered > 0 || !view.entered {
            continue;
        }
        let there = world
            .members
            .iter()
            .find(|other| other.runs && view.authors.contains(&other.core.document().me()));
        if let Some(there) = there {
            let has = there.core.document().log().next(&own);
            assert_eq!(
                has, next,
                "{} is said to have everything of {node}",
                view.name
            );
        }
    }
}

/// A member whose text is said to be the same as mine has the same text, unless it has gone on; and equal
/// heads are equal texts whatever is said.
pub(crate) fn proof(world: &World, node: Node) {
    let me = world.members[node].core.document();
    for other in world.members.iter().filter(|other| other.runs) {
        let other = other.core.document();
        if other.log().version() == me.log().version() {
            assert_eq!(other.rope(), me.rope(), "equal heads, other texts");
        }
    }
    let views = world.members[node].core.session().members();
    for view in views.iter().filter(|view| view.identical) {
        let is_it = |other: &&Member| view.authors.contains(&other.core.document().me());
        let there = world.members.iter().filter(|other| other.runs).find(is_it);
        let knew = there.is_none_or(|there| there.knew.covers(me.log().version()));
        assert!(
            knew,
            "{} is said to have the same text, and never had its heads",
            view.name
        );
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
/// different groups cannot find each other: whoever knew both is gone.
fn acquainted(world: &World) -> Vec<Vec<&Member>> {
    let mut left: Vec<&Member> = world.members.iter().filter(|member| member.runs).collect();
    let knows = |one: &Member, other: &Member| {
        let author = other.core.document().me();
        one.core.session().member_of(&author).is_some()
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
                let there = |other: &&&Member| view.authors.contains(&other.core.document().me());
                view.state != MemberState::Connected && running.iter().any(|other| there(&other))
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
    }
    // The strong list specification: one order of all characters, of which every text that was ever
    // seen is a part, in that order. Each character was inserted once.
    let order = document.everything();
    let characters: BTreeSet<char> = order.chars().collect();
    assert_eq!(
        characters.len(),
        order.chars().count(),
        "something is there twice"
    );
    for text in &world.texts {
        let mut rest = order.chars();
        // What only members knew who are gone is not in the order.
        let known = text.chars().filter(|c| characters.contains(c));
        for c in known {
            assert!(
                rest.any(|other| other == c),
                "a text was not in the final order"
            );
        }
    }
}
