//! What is done to the network and the members.

use std::time::Duration;

use collab_edit::app::core::Core;
use collab_edit::app::keeper::Keeper;
use collab_edit::app::kept::OurPlace;
use collab_edit::crdt::{Anchor, AuthorId, Bias, OpId};
use collab_edit::session::Input;
use collab_edit::wire::{
    Batch, Fetch, Heads, History, MemberId, Message, Ops, Pong, Presence, Proof, Range, Want, frame,
};

use super::{Happening, Node, Who, World};

impl World {
    pub(super) fn fault(&mut self) {
        self.totals.faults += 1;
        let running = (0..self.members.len())
            .filter(|node| self.members[*node].runs)
            .count();
        let joined = self
            .members
            .iter()
            .filter(|member| member.runs && member.joined)
            .count();
        match self.rng.u8(0..20) {
            0 | 1 => self.partition(),
            2 | 3 => {
                // One direction of one pair.
                let (from, to) = (
                    self.rng.usize(0..self.members.len()),
                    self.rng.usize(0..self.members.len()),
                );
                self.say(|| format!("nothing goes from {from} to {to}"));
                self.network.cut(from, to);
                self.heal_later();
            }
            4 => {
                if let Some(connection) = self.network.anyone_open(&mut self.rng) {
                    self.say(|| "a connection goes silent".to_owned());
                    self.network.silence(connection);
                }
            }
            5 | 6 => {
                if let Some(node) = self.anyone(|_| true, usize::MAX) {
                    let lasts = Duration::from_millis(self.rng.u64(100..20_000));
                    self.say(|| format!("{node} is stopped for {lasts:?}"));
                    self.members[node].paused = self.now + lasts;
                    self.later(lasts, Happening::Resume(node));
                }
            }
            7 | 8 if joined > 2 => self.crash(),
            9 if joined > 2 => {
                if let Some(node) = self.anyone(|member| member.joined, usize::MAX) {
                    self.say(|| format!("{node} leaves"));
                    self.input(node, Input::Leave);
                    self.end(node, false);
                    if self.rng.bool() {
                        let after = Duration::from_millis(self.rng.u64(10..15_000));
                        self.later(after, Happening::Restart(node, false));
                    }
                }
            }
            10 => self.hurry(),
            11 | 12 => self.garbage(),
            13 | 14 => self.reset(),
            15 => {
                let ways = self.network.ways();
                if let Some(way) = self.rng.choice(ways) {
                    self.say(|| "something comes twice".to_owned());
                    self.network.double(way);
                }
            }
            _ if running < self.most => {
                if let Some(through) = self.anyone(|member| member.joined, usize::MAX) {
                    self.start(Some(through));
                }
            }
            _ => {}
        }
    }

    /// Two halves that hear nothing of each other.
    fn partition(&mut self) {
        let half: Vec<bool> = self.members.iter().map(|_| self.rng.bool()).collect();
        self.say(|| format!("a partition: {half:?}"));
        for from in 0..half.len() {
            for to in (0..half.len()).filter(|to| half[*to] != half[from]) {
                self.network.cut(from, to);
            }
        }
        self.heal_later();
    }

    fn heal_later(&mut self) {
        let after = Duration::from_millis(self.rng.u64(100..25_000));
        self.later(after, Happening::Heal);
    }

    /// A person asks for everybody to be dialled at once: dials cross, links come twice.
    fn hurry(&mut self) {
        if let Some(node) = self.anyone(|member| member.joined, usize::MAX) {
            self.say(|| format!("{node} dials everybody"));
            self.input(node, Input::RetryNow);
        }
    }

    /// A connection ends at both ends, and what was on its way is lost.
    fn reset(&mut self) {
        let Some(connection) = self.network.anyone_open(&mut self.rng) else {
            return;
        };
        self.say(|| "a connection is reset".to_owned());
        for (node, link) in self.network.reset(connection) {
            let why = "reset".to_owned();
            let delay = self.network.delay(&mut self.rng);
            self.later(delay, Happening::Input(node, Input::Closed { link, why }));
        }
    }

    /// A process, or its machine, ends without a goodbye, and may be started again.
    fn crash(&mut self) {
        let (word, machine) = (self.rng.bool(), self.rng.bool());
        let Some(node) = self.anyone(|_| true, usize::MAX) else {
            return;
        };
        self.say(|| format!("{node} crashes, its machine: {machine}, with a word: {word}"));
        let now = self.now;
        self.members[node].disk.crash(machine, now, &mut self.rng);
        self.end(node, word);
        let fate = self.rng.u8(0..8);
        if fate > 0 {
            let after = Duration::from_millis(self.rng.u64(10..15_000));
            self.later(after, Happening::Restart(node, fate == 1));
        }
    }

    /// Starts the program of a crashed member again: as the same member, with a new author id and what its
    /// journal holds. If it is `bare`, that is lost, and it joins as somebody new.
    pub(super) fn restart(&mut self, old: Node, bare: bool) {
        let (name, addr) = (self.members[old].name.clone(), self.members[old].addr);
        let opened = self.members[old].disk.open().filter(|_| !bare);
        self.totals.restarts += 1;
        let Some((past, disk)) = opened else {
            if let Some(through) = self.anyone(|member| member.joined, usize::MAX) {
                let key = std::array::from_fn(|_| self.rng.u8(..));
                self.say(|| format!("{old} comes back with nothing"));
                self.start_as(Who { key, name, addr }, Some(through));
            }
            return;
        };
        let node = self.members.len();
        self.say(|| format!("{old} comes back as {node}"));
        let key = *past.keys.member.expose();
        let who = Who { key, name, addr };
        let config = self.config(&who);
        let id = MemberId(config.crypto.member().id());
        let mut core = Core::resumed(config, &past, None, self.now).expect("our own journal");
        let found = core.document().log().version().clone();
        self.members[old].disk.check_found(&found);
        core.keep(Keeper::new(found), OurPlace::default(), true);
        self.settle_in(core, id, who, disk, true);
    }

    /// A member says things that no member says.
    fn garbage(&mut self) {
        let Some(node) = self.anyone(|member| member.joined, usize::MAX) else {
            return;
        };
        let from = |way: &super::Way| self.network.end(*way).is_some_and(|(who, _)| who == node);
        let ways: Vec<super::Way> = self.network.ways().into_iter().filter(from).collect();
        let Some(way) = self.rng.choice(ways) else {
            return;
        };
        let mut bytes = Vec::new();
        let rng = &mut self.rng;
        let mut noise = |most: usize| -> Vec<u8> {
            let length = rng.usize(1..most);
            std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
        };
        let author = AuthorId([noise(2)[0]; 16]);
        let hash = [noise(2)[0]; 32];
        let kind = noise(2)[0] % 10;
        let batches = vec![Batch {
            width: 1,
            bytes: noise(40),
        }];
        let message = match kind {
            0 => Message::Ops(Ops {
                author,
                seq: 0,
                batches,
            }),
            1 => Message::Ops(Ops {
                author,
                seq: 7,
                batches,
            }),
            2 => Message::Want(Want {
                ranges: vec![Range {
                    author,
                    from: 0,
                    to: u32::MAX,
                }],
            }),
            3 => Message::Fetch(Fetch {}),
            4 => Message::History(History {
                total: 100,
                at: 0,
                bytes: noise(99),
            }),
            5 => Message::Pong(Pong { time: 5 }),
            6 => Message::Presence(Presence {
                clock: 0,
                cursor: Some(Anchor {
                    at: Some(OpId { author, seq: 3 }),
                    bias: Bias::After,
                }),
                selection: None,
                calls: 7,
            }),
            7 => Message::Proof(Proof { heads: hash, hash }),
            // What nobody has.
            _ => Message::Heads(Heads {
                whole: kind == 8,
                entries: vec![(author, 1_000_000)],
            }),
        };
        frame::write(&mut bytes, |out| message.encode(out));
        if kind >= 8 || kind == 3 {
            // Who says so much will say nonsense, too: then its word counts no longer.
            let nonsense = noise(300);
            frame::write(&mut bytes, |out| out.extend(nonsense));
        }
        self.say(|| format!("{node} sends garbage of kind {kind}"));
        self.totals.garbage += 1;
        self.deliver(way, &bytes);
    }
}
