//! What has to hold: of every member after every turn, and of all of them at the end.

use std::collections::BTreeSet;

use collab_edit::app::core::Core;
use collab_edit::crdt::{AuthorId, LogSource};
use collab_edit::session::MemberState;
use collab_edit::session::limits::{
    MAX_DIALS, MAX_IN_FLIGHT_BYTES, MAX_LINKS, MAX_MEMBERS, OPS_BYTES,
};

use super::{FIRST, Member, Scene};

/// What a member keeps for others is bounded, whatever they say.
pub(super) fn bounded(core: &Core) {
    let session = core.session();
    assert!(session.entries().count() <= MAX_MEMBERS);
    let links = MAX_LINKS.min(session.entries().count() + 1) + MAX_DIALS;
    let most = links * (MAX_IN_FLIGHT_BYTES + 4 * OPS_BYTES);
    assert!(
        session.in_flight() <= most,
        "{} bytes wait",
        session.in_flight()
    );
}

impl Scene {
    /// After the quiet phase, if different batches were signed under one name.
    pub(super) fn check_two_faced(&self) {
        let evil = self.evil.author();
        let batches = |core: &Core, author: &AuthorId| {
            let (log, mut found, mut at) = (core.document().replica(), Vec::new(), 0);
            let mut batch = Vec::new();
            while let Some(end) = log.batch_at(author, at, &mut batch) {
                found.push((at, std::mem::take(&mut batch)));
                at = end;
            }
            found
        };
        let honest = |core: &Core| -> String {
            let everything = core.document().everything();
            everything.chars().filter(|c| *c >= FIRST).collect()
        };
        let ours = |core: &Core| -> Vec<(AuthorId, u32)> {
            let heads = core.document().log().version().iter();
            heads.filter(|(author, _)| *author != evil).collect()
        };
        for (node, member) in &self.members {
            let (core, log) = (&member.core, member.core.document().log());
            core.document().check_invariants();
            assert!(member.joined, "{node} is still outside");
            assert!(
                log.version().covers(&member.knew),
                "something known is gone"
            );
            let away: Vec<String> = self.away(member);
            assert!(away.is_empty(), "{node} has no link to {away:?}");
            for (other, there) in &self.members {
                let there = &there.core;
                let (one, two) = (batches(core, &evil), batches(there, &evil));
                if one.iter().zip(&two).any(|(one, two)| one != two) {
                    let knows = core.session().forked().any(|author| author == evil);
                    assert!(
                        knows,
                        "{node} and {other} have different batches and {node} names nobody"
                    );
                }
                if self.apart {
                    assert_eq!(ours(core), ours(there), "heads of {node} and {other}");
                    let (one, two) = (honest(core), honest(there));
                    assert_eq!(one, two, "the order of {node} and {other}");
                    let characters: BTreeSet<char> = one.chars().collect();
                    assert_eq!(
                        characters.len(),
                        one.chars().count(),
                        "something is there twice"
                    );
                }
                for (author, next) in ours(there) {
                    // What cannot be applied here is here all the same, and waits.
                    let (here, mut batch) = (log.next(&author), Vec::new());
                    let replica = core.document().replica();
                    assert!(
                        here >= next || replica.waiting_at(&author, here, &mut batch).is_some(),
                        "{node} lacks what {other} has of {author:?}"
                    );
                    assert!(
                        !self.apart || !log.is_frozen(&author),
                        "{node} takes nothing more"
                    );
                }
            }
        }
    }

    /// To whom an honest member has no link.
    fn away(&self, member: &Member) -> Vec<String> {
        let views = member.core.session().members().into_iter();
        let honest = views.filter(|view| view.name.starts_with('m'));
        let away = honest.filter(|view| view.state != MemberState::Connected);
        away.map(|view| view.name).collect()
    }

    /// After the quiet phase.
    pub(super) fn check(&mut self) {
        let seed = self.seed;
        let (_, first) = self.members.first_key_value().expect("some");
        let document = first.core.document();
        for (node, member) in &self.members {
            let session = member.core.session();
            let own = member.core.document();
            own.check_invariants();
            assert!(member.joined, "seed {seed}: {node} is still outside");
            assert_eq!(
                own.log().version(),
                document.log().version(),
                "heads of {node}"
            );
            assert_eq!(own.hash(), document.hash(), "the text of {node}");
            assert_eq!(
                own.everything(),
                document.everything(),
                "the order of {node}"
            );
            assert!(
                own.log().version().covers(&member.knew),
                "something known is gone"
            );
            assert_eq!(
                session.access(),
                first.core.session().access(),
                "the code of {node}"
            );
            let away = self.away(member);
            assert!(away.is_empty(), "{node} has no link to {away:?}");
        }
        self.totals.merged = document.len();
        for member in self.members.values_mut() {
            let text = member.core.document().hash();
            let history = member.core.document().encode_history();
            let copy = collab_edit::document::Preview::open(&history)
                .and_then(|preview| preview.build(collab_edit::crdt::AuthorId([9; 16])));
            assert_eq!(copy.expect("its own history").hash(), text);
        }
    }
}
