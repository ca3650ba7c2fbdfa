//! What is done to the network and the members.

use std::time::Duration;

use collab_edit::app::core::Core;
use collab_edit::crdt::{Anchor, AuthorId, Bias, OpId};
use collab_edit::session::{Config, Input, Inside};
use collab_edit::wire::{
    Batch, Fetch, Heads, History, MemberEntry, Message, Name, Ops, Pong, Presence, Proof, Range,
    Want, frame,
};

use super::{Happening, Node, Piece, World};

/// What a member has on disk: everything that a restart needs.
pub(crate) struct Disk {
    history: Vec<u8>,
    entries: Vec<MemberEntry>,
    inside: Inside,
}

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
        match self.rng.u8(0..16) {
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
            4 => self.network.silence_one(&mut self.rng),
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
                    self.members[node].runs = false;
                    self.network.drop_node(node, false);
                }
            }
            10 => self.hurry(),
            11 | 12 => self.garbage(),
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

    /// A process ends without a goodbye, and may be started again: with what it had on disk, under a new
    /// author id; what was on disk may be older than what it knew.
    fn crash(&mut self) {
        let word = self.rng.bool();
        let Some(node) = self.anyone(|_| true, usize::MAX) else {
            return;
        };
        if self.rng.bool() {
            self.write_disk(node);
        }
        self.say(|| format!("{node} crashes, with a word: {word}"));
        self.members[node].runs = false;
        for way in self.network.drop_node(node, word) {
            let delay = self.network.delay(&mut self.rng);
            self.later(delay, Happening::Piece(way, Piece::End));
        }
        if self.members[node].disk.is_some() && self.rng.u8(0..4) > 0 {
            let after = Duration::from_millis(self.rng.u64(10..15_000));
            self.later(after, Happening::Restart(node));
        }
    }

    /// Writes what a member has to its disk.
    pub(super) fn write_disk(&mut self, node: Node) {
        let core = &self.members[node].core;
        let (Some(keys), Some(properties)) = (core.session().keys(), core.session().properties())
        else {
            return;
        };
        self.members[node].disk = Some(Disk {
            history: core.document().encode_history(),
            entries: core.session().entries().cloned().collect(),
            inside: Inside {
                grant: keys.grant,
                access: keys.access,
                stamp: keys.stamp,
                properties: properties.clone(),
            },
        });
    }

    /// Starts the program of a crashed member again.
    pub(super) fn restart(&mut self, old: Node) {
        let Some(disk) = self.members[old].disk.take() else {
            return;
        };
        let node = self.members.len();
        self.say(|| format!("{old} comes back as {node}, with its disk"));
        let key = self.members[old].key;
        let config = Config {
            name: Name::new(&format!("m{old}")),
            crypto: self.crypto(key),
            inside: Some(disk.inside),
            kept: disk.entries,
            seed: self.rng.u64(..),
            history_ops: self.history_ops,
        };
        let mut core = Core::new(config, self.now);
        core.restore(&disk.history).expect("our own history");
        let addr = self.members[old].addr;
        self.settle_in(core, key, addr, true);
        self.totals.restarts += 1;
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
                clock: u32::MAX,
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
        let (_, arrives) = self.network.send(way, bytes.len(), self.now, &mut self.rng);
        let piece = Happening::Piece((way.0, 1 - way.1), Piece::Bytes(bytes));
        self.at(arrives, piece);
    }
}
