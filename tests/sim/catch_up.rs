//! What catching up with much costs: two members on a line without delay, measured.
//!
//! `SIM_EDITS=500000 cargo test --release --test sim catch_up -- --nocapture` measures more of it.

use std::time::Duration;

use collab_edit::app::core::Core;
use collab_edit::document::{CharPos, EditKind};
use collab_edit::security::{Access, Entropy, Identity, Secret};
use collab_edit::session::limits::HISTORY_OPS;
use collab_edit::session::{Config, Input};
use collab_edit::wire::Name;

use super::pair::Pair;

/// What a history takes for one of the random keys here, in bytes, at the most. As a batch, which is a message
/// of its own while somebody types, it takes five and what is around it.
const KEY_BYTES: usize = 2;

/// An open session, and somebody who is to come in.
fn members() -> Pair {
    let config = |n: u8, founded: bool| {
        let secret = Secret::new([n; 32]);
        Config {
            name: Name::new("m"),
            crypto: Box::new(Identity::new(secret.clone(), Entropy::new(&secret))),
            inside: founded.then(super::inside),
            kept: Vec::new(),
            seed: n.into(),
            history_ops: HISTORY_OPS,
        }
    };
    Pair::new([config(1, true), config(2, false)])
}

impl Pair {
    /// Edits as a person does: most go on where the last one was.
    fn edit(&mut self, n: usize, count: usize, rng: &mut fastrand::Rng) {
        let core = &mut self.cores[n];
        let mut at = 0;
        for _ in 0..count {
            let len = core.document().len();
            if rng.u8(0..20) == 0 {
                at = rng.usize(0..=len);
            }
            at = at.min(len);
            if rng.u8(0..10) < 3 && at > 0 {
                core.edit(CharPos(at - 1)..CharPos(at), "", EditKind::Erase, self.now);
                at -= 1;
            } else {
                let key = char::from(rng.u8(b'a'..=b'z'));
                core.edit(
                    CharPos(at)..CharPos(at),
                    key.encode_utf8(&mut [0; 4]),
                    EditKind::Type,
                    self.now,
                );
                at += 1;
            }
            core.flush(None, self.now, 0);
        }
        self.settle();
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let next = self.cores.iter().filter_map(Core::next_deadline).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            for n in 0..2 {
                self.give(n, Input::Deadline);
            }
            self.settle();
        }
        self.now = end;
    }

    fn unplug(&mut self) {
        self.plugged = false;
        for n in 0..2 {
            if let Some(link) = self.links[n].take() {
                let why = "unplugged".to_owned();
                self.give(n, Input::Closed { link, why });
            }
        }
        self.settle();
    }

    /// What has happened since this was last asked, as words; messages and bytes.
    fn tell(&mut self, what: &str) -> (usize, usize) {
        let (messages, bytes, thought) = self.bill();
        eprintln!(
            "{what}: {messages} messages, {} kB; thinking, in all and at once: {thought:?}",
            bytes / 1000
        );
        (messages, bytes)
    }
}

#[test]
fn catching_up_with_much_takes_little() {
    let edits = std::env::var("SIM_EDITS").map_or(40_000, |n| n.parse().expect("a number"));
    let mut rng = fastrand::Rng::with_seed(1);
    let mut pair = members();
    pair.edit(0, edits, &mut rng);
    pair.tell("alone");
    pair.join(Access::Open);
    pair.settle();
    pair.pass(Duration::from_secs(1));
    assert!(pair.joined);
    let same = |pair: &Pair| {
        let [a, b] = &pair.cores;
        assert_eq!(a.document().rope(), b.document().rope());
        assert_eq!(a.document().log().version(), b.document().log().version());
    };
    same(&pair);
    let (messages, bytes) = pair.tell(&format!("a newcomer to {edits} edits"));
    assert!(messages < 60 + bytes / 16_000 && bytes < KEY_BYTES * edits + 10_000);
    pair.unplug();
    pair.edit(0, edits, &mut rng);
    pair.edit(1, 1_000, &mut rng);
    pair.tell("apart");
    pair.plugged = true;
    pair.pass(Duration::from_secs(5));
    same(&pair);
    let (messages, bytes) = pair.tell(&format!("back after {edits} edits and 1,000 own ones"));
    let all = 2 * edits + 1_000;
    assert!(messages < 80 + bytes / 16_000 && bytes < KEY_BYTES * all + 20_000);
    for core in &pair.cores {
        core.document().check_invariants();
    }
}
