//! What the hostile member says beside what it writes: messages out of turn, entries of others and of nobody,
//! heads far ahead, wants for everything, histories that lie, floods.

use std::collections::BTreeMap;

use collab_edit::crdt::{Anchor, AuthorId, Bias, Chain, OpId, Replica};
use collab_edit::security::Crypto;
use collab_edit::wire::limits::{HISTORY_PIECE_BYTES, MAX_REVISION};
use collab_edit::wire::{
    Access, Batch, Bye, Fetch, Guesses, Head, Heads, History, MemberEntry, MemberId, Members,
    Message, Ops, Ping, Pong, Presence, Proof, Properties, Range, Reason, Saved, SessionId, Signed,
    Voucher, Vouchers, Want, Welcome,
};

use super::super::super::toy::Toy;
use super::super::scene::{FIRST, address};
use super::{Evil, SESSION, author, certified, signed};

impl Evil {
    /// Messages that no member says, or not now, for a line.
    pub(super) fn absurd(&mut self, number: usize) -> Vec<Message> {
        if self.two_faced && !self.faces[0].pen.visible_text().contains(FIRST) && self.rng.bool() {
            return vec![self.want_all()];
        }
        if self.two_faced && self.rng.u8(0..3) > 0 {
            return self.own_ops(number);
        }
        match self.rng.u8(0..27) {
            0 => vec![self.hello()],
            1 => vec![Message::Welcome(Welcome {
                session: if self.rng.bool() {
                    SESSION
                } else {
                    SessionId([9; 16])
                },
                properties: Properties {
                    file_name: "../\u{1b}]0;x\u{7}".to_owned(),
                    format: vec![9; 256],
                },
            })],
            2 => vec![self.members(false)],
            3 => vec![self.members(true)],
            4..=6 => vec![self.far_heads()],
            7 | 8 => vec![self.want()],
            9..=13 => self.own_ops(number),
            14 => self.parked(),
            15 => vec![self.bad_ops()],
            16 => {
                let count = self.rng.usize(1..40) * self.rng.usize(1..60);
                (0..count).map(|_| self.presence()).collect()
            }
            17 => vec![Message::Ping(Ping {
                time: self.rng.u64(..),
                digest: [self.rng.u8(..); 32],
            })],
            18 => vec![Message::Pong(Pong {
                time: self.rng.u64(..),
            })],
            19 if self.rng.u8(0..4) == 0 => vec![Message::Bye(Bye {
                reason: *self
                    .rng
                    .choice(&[
                        Reason::Leaving,
                        Reason::Duplicate,
                        Reason::Full,
                        Reason::OtherSession,
                        Reason::Myself,
                        Reason::BadBatch,
                    ])
                    .expect("some"),
            })],
            19 | 20 => vec![Message::Fetch(Fetch {}); self.rng.usize(1..9)],
            21 => self.history(number),
            22 => {
                let stamp = match self.rng.u8(0..4) {
                    0 => MAX_REVISION - 1,
                    1 => self.stamp,
                    _ => self.stamp + self.rng.u64(1..4),
                };
                let code = match self.rng.u8(0..4) {
                    0 => None,
                    1 => Some("short".to_owned()),
                    _ => Some(format!("a-code-of-mine-{}", self.rng.u8(..))),
                };
                vec![Message::Access(Access { stamp, code })]
            }
            23 => {
                let wrong = self.rng.u32(..);
                vec![Message::Guesses(Guesses { wrong }); self.rng.usize(1..50)]
            }
            24 => vec![Message::Saved(Saved {
                hash: [self.rng.u8(..); 32],
                heads: self.some_heads(),
            })],
            25 | 26 => vec![Message::Proof(Proof {
                heads: self.lines[&number].digest,
                hash: [self.rng.u8(..); 32],
            })],
            _ => unreachable!("27 kinds"),
        }
    }

    pub(super) fn any_author(&mut self) -> AuthorId {
        let known: Vec<AuthorId> = self
            .entries
            .values()
            .flat_map(|entry| collab_edit::session::authors(entry, &SESSION))
            .collect();
        match self.rng.u8(0..4) {
            0 => AuthorId([self.rng.u8(..); 16]),
            1 => author(&self.keys),
            _ => self.rng.choice(known).unwrap_or(AuthorId([0; 16])),
        }
    }

    pub(super) fn any_number(&mut self, author: &AuthorId) -> u32 {
        let known = self.heads.next(author);
        match self.rng.u8(0..6) {
            0 => u32::MAX,
            1 => self.rng.u32(..),
            2 => known.saturating_add(self.rng.u32(0..1000)),
            3 => known.saturating_sub(1),
            4 => 0,
            _ => known,
        }
    }

    /// Entries: its own, of members that nobody is, of others as they are, and of others as they are not.
    fn members(&mut self, many: bool) -> Message {
        let mut entries = Vec::new();
        for _ in 0..if many { 8 } else { self.rng.usize(1..4) } {
            self.revision += 1;
            let mut entry = match self.rng.u8(0..5) {
                0 => self.entry(),
                1 | 2 => {
                    let key = [self.rng.u8(..); 32];
                    let keys = Toy {
                        member: key,
                        author: key,
                    };
                    let public = keys.member();
                    let made = MemberEntry {
                        member: MemberId(public.id()),
                        link_key: public.link,
                        signing_key: public.signing,
                        authors: vec![certified(&keys, key)],
                        ..self.entry()
                    };
                    signed(&keys, made)
                }
                _ => {
                    let known: Vec<MemberEntry> = self.entries.values().cloned().collect();
                    self.rng.choice(known).unwrap_or_else(|| self.entry())
                }
            };
            if self.rng.u8(0..6) == 0 {
                entry.left = self.rng.bool();
                entry.revision = MAX_REVISION - 1;
            }
            if entry.member == MemberId(self.keys.member().id()) {
                let many = self.rng.u8(1..200);
                match self.rng.u8(0..4) {
                    0 => {
                        let key = |n| certified(&self.keys, [n; 32]);
                        entry.authors = (0..many).map(key).collect();
                    }
                    1 => {
                        let key = [self.rng.u8(..); 32];
                        entry.authors.insert(0, certified(&self.keys, key));
                    }
                    2 => entry.addrs = (1..17).map(|port| ([10, 9, 9, 9], port).into()).collect(),
                    _ => entry.addrs = vec![address(1), ([255; 4], 0).into()],
                }
                // Its word must count at the next one.
                entry.revision = entry.revision.min(self.revision);
                entry = signed(&self.keys, entry);
            }
            entries.push(entry);
        }
        Message::Members(Members { entries })
    }

    fn some_heads(&mut self) -> Vec<(AuthorId, u32)> {
        let count = match self.rng.u8(0..8) {
            0 => 2_000,
            _ => self.rng.usize(0..8),
        };
        let mut heads = BTreeMap::new();
        for n in 0..count {
            let author = if n < 8 {
                self.any_author()
            } else {
                AuthorId([
                    (n % 256) as u8,
                    (n / 256) as u8,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                    7,
                ])
            };
            heads.insert(author, self.any_number(&author));
        }
        heads.into_iter().collect()
    }

    fn far_heads(&mut self) -> Message {
        let chain = self.rng.bool().then(|| [self.rng.u8(..); 16]);
        let head = |(author, next)| Head {
            author,
            next,
            chain: chain.unwrap_or_else(|| Chain::start(&author).short()),
        };
        Message::Heads(Heads {
            whole: self.rng.bool(),
            entries: self.some_heads().into_iter().map(head).collect(),
        })
    }

    /// What an honest one would ask for that has nothing.
    fn want_all(&self) -> Message {
        let entries = self.entries.values();
        let authors = entries.flat_map(|entry| collab_edit::session::authors(entry, &SESSION));
        let range = |author| Range {
            author,
            from: 0,
            to: u32::MAX,
            chain: Chain::start(&author).short(),
        };
        let ranges = authors.map(range).collect();
        Message::Want(Want { ranges })
    }

    fn want(&mut self) -> Message {
        let count = if self.rng.u8(0..8) == 0 {
            1_000
        } else {
            self.rng.usize(1..6)
        };
        let ranges = (0..count).map(|_| {
            let author = self.any_author();
            let from = self.any_number(&author).min(u32::MAX - 1);
            Range {
                author,
                from: if self.rng.bool() { 0 } else { from },
                to: u32::MAX,
                chain: Chain::start(&author).short(),
            }
        });
        Message::Want(Want {
            ranges: ranges.collect(),
        })
    }

    /// Batches that wait for what never comes.
    fn parked(&mut self) -> Vec<Message> {
        let seq = self.rng.u32(1 << 20..);
        let size = self.rng.usize(1..2_000);
        let count = self.rng.usize(1..200);
        let batches = vec![
            Batch {
                width: 1,
                bytes: vec![0xa1; size],
            };
            count
        ];
        let seq = seq.min(u32::MAX - count as u32);
        let author = author(&self.keys);
        vec![Message::Ops(Ops {
            author,
            seq,
            batches,
            signature: [7; 64],
        })]
    }

    /// Batches of authors that nobody is; and of others, said again.
    fn bad_ops(&mut self) -> Message {
        if self.rng.bool()
            && let Some(ops) = self.rng.choice(&self.heard).cloned()
        {
            return Message::Ops(ops);
        }
        if self.rng.bool() {
            // What another one never wrote, right behind what it did.
            let author = self.any_author();
            return Message::Ops(Ops {
                author,
                seq: self.heads.next(&author),
                batches: vec![Batch {
                    width: 1,
                    bytes: vec![0, 0xa1, b'f'],
                }],
                signature: [9; 64],
            });
        }
        // Another author for each place, since what it writes is one log to all.
        let author = AuthorId([0xdd; 16]);
        Message::Ops(Ops {
            author,
            seq: u32::MAX - 9,
            batches: vec![Batch {
                width: u32::MAX,
                bytes: vec![0; self.rng.usize(0..9)],
            }],
            signature: [7; 64],
        })
    }

    fn presence(&mut self) -> Message {
        self.clock += 1;
        let author = self.any_author();
        let at = self.rng.bool().then(|| OpId {
            author,
            seq: self.any_number(&author),
        });
        let anchor = Anchor {
            at,
            bias: Bias::After,
        };
        Message::Presence(Presence {
            clock: if self.rng.u8(0..50) == 0 {
                u32::MAX
            } else {
                self.clock
            },
            cursor: Some(anchor),
            selection: self.rng.bool().then_some((anchor, anchor)),
            calls: self.rng.u32(..),
        })
    }

    /// The history, if it was asked for: as it is, changed, cut, of nothing, without an end, or none.
    fn history(&mut self, number: usize) -> Vec<Message> {
        if !std::mem::take(&mut self.line(number).asked) && self.rng.bool() {
            return vec![Message::History(History {
                total: self.rng.u32(1..64 << 20),
                at: 0,
                bytes: vec![7; HISTORY_PIECE_BYTES.min(100)],
            })];
        }
        let number = self.face_for(number);
        let face = &self.faces[number];
        let mut history = match self.rng.u8(0..4) {
            0 => vec![self.rng.u8(..); 5_000],
            1 => Replica::new(author(&self.keys)).encode_history(),
            _ if face.spoiled => Vec::new(),
            _ => face.pen.encode_history(),
        };
        if !history.is_empty() {
            let seals = face.written.iter().enumerate();
            let seals = seals.map(|(n, (seq, batch))| Signed {
                end: seq + batch.width,
                signature: self.sign(number, n + 1),
            });
            let vouchers = Vouchers {
                authors: vec![Voucher {
                    author: author(&self.keys),
                    seals: seals.collect(),
                    waiting: Vec::new(),
                }],
            };
            history = vouchers.before(&history);
        }
        if self.rng.bool() && !history.is_empty() {
            let at = self.rng.usize(..history.len());
            history[at] ^= 1 << self.rng.u8(0..8);
        }
        let total = history.len() as u32;
        if history.is_empty() {
            return vec![Message::History(History {
                total,
                at: 0,
                bytes: Vec::new(),
            })];
        }
        let pieces = history.chunks(HISTORY_PIECE_BYTES).enumerate();
        let mut pieces: Vec<Message> = pieces
            .map(|(n, piece)| {
                Message::History(History {
                    total,
                    at: (n * HISTORY_PIECE_BYTES) as u32,
                    bytes: piece.to_vec(),
                })
            })
            .collect();
        if self.rng.u8(0..4) == 0 {
            pieces.truncate(pieces.len() / 2);
        }
        pieces
    }
}
