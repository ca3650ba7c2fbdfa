//! The hostile member: it shakes hands, says who it is and answers pings as it should, so that its links stay
//! up; and of everything else it says what it likes.
//!
//! What it writes is signed, however bad what is in it. In some seeds it is one log, the same to everybody; in
//! the others it has several [faces](Face): logs that part somewhere, of which it shows everybody the one or the
//! other.

use std::collections::{BTreeMap, BTreeSet};

use collab_edit::crdt::{
    Anchor, AuthorId, Bias, Chain, History as Everything, OpId, Replica, Source, Version,
};
use collab_edit::security::{
    Access as WhoMayCome, Channel, Crypto, Door, Grant, Knock, Progress, Secret, author_id,
};
use collab_edit::wire::limits::{HISTORY_PIECE_BYTES, MAX_REVISION};
use collab_edit::wire::{
    Access, AuthorKey, Batch, Bye, Fetch, Guesses, Head, Heads, Hello, History, Inbox, MemberEntry,
    MemberId, Members, Message, Name, Ops, Ping, Pong, Presence, Proof, Properties, Range, Reason,
    Saved, SessionId, Signed, Voucher, Vouchers, Want, Welcome, frame,
};
use rmp::encode as mp;

use super::super::toy::Toy;
use super::scene::{EVIL, FIRST, address};

const SESSION: SessionId = SessionId([1; 16]);

/// How it shows itself to some: one log, and what it would know if it were honest and had written that.
struct Face {
    pen: Replica,
    /// What it has written: number, width, bytes.
    written: Vec<(u32, Batch)>,
    /// What the pen knew before each batch that it made, in its encoding.
    before: Vec<Vec<u8>>,
    /// Whether the last of that was none that the pen made.
    spoiled: bool,
}

/// One of its lines, to an honest member.
struct Line {
    node: usize,
    channel: Box<dyn Channel>,
    inbox: Inbox,
    up: bool,
    /// The digest of the other end's heads, as of its last ping.
    digest: [u8; 32],
    /// Whether the other end has asked for the history.
    asked: bool,
}

/// See the module.
pub(super) struct Evil {
    rng: fastrand::Rng,
    keys: Toy,
    grant: Option<Grant>,
    lines: BTreeMap<usize, Line>,
    entries: BTreeMap<MemberId, MemberEntry>,
    heads: Version,
    stamp: u64,
    revision: u64,
    clock: u32,
    faces: Vec<Face>,
    /// The face that each node is shown, most of the time.
    shown: BTreeMap<usize, usize>,
    two_faced: bool,
    /// Whether it writes only in front of everything.
    in_front: bool,
    /// Batches of others, to be said again elsewhere.
    heard: Vec<Ops>,
}

impl Evil {
    pub(super) fn new(rng: fastrand::Rng, two_faced: bool, in_front: bool) -> Self {
        let keys = Toy {
            member: [66; 32],
            author: [166; 32],
        };
        let pen = Replica::new(author(&keys));
        Self {
            rng,
            keys,
            grant: None,
            lines: BTreeMap::new(),
            entries: BTreeMap::new(),
            heads: Version::new(),
            stamp: 0,
            revision: 1,
            clock: 0,
            faces: vec![Face {
                pen,
                written: Vec::new(),
                before: Vec::new(),
                spoiled: false,
            }],
            shown: BTreeMap::new(),
            two_faced,
            in_front,
            heard: Vec::new(),
        }
    }

    /// Who it is when it writes.
    pub(super) fn author(&self) -> AuthorId {
        author(&self.keys)
    }

    pub(super) fn is_linked(&self, node: usize) -> bool {
        self.lines.values().any(|line| line.node == node)
    }

    pub(super) fn line_to(&self, node: usize) -> Option<usize> {
        let found = self.lines.iter().find(|(_, line)| line.node == node);
        found.map(|(number, _)| *number)
    }

    /// It has dialled a node; what it says first.
    pub(super) fn dialled(&mut self, number: usize, node: usize) -> Vec<u8> {
        let knock = match &self.grant {
            Some(grant) if self.rng.bool() => Knock::Member(grant.clone()),
            _ => Knock::Newcomer(Some(WhoMayCome::Open)),
        };
        let channel = self.keys.dialler(0, knock);
        self.begin(number, node, channel);
        self.hear(number, &[])
    }

    /// A node has dialled it.
    pub(super) fn accepted(&mut self, number: usize, node: usize) {
        let grant = self.grant.clone().unwrap_or(Grant {
            session: [3; 16],
            secret: Secret::new([3; 32]),
        });
        let access = WhoMayCome::Open;
        let channel = self.keys.acceptor(0, Door { access, grant });
        self.begin(number, node, channel);
    }

    fn begin(&mut self, number: usize, node: usize, channel: Box<dyn Channel>) {
        let line = Line {
            node,
            channel,
            inbox: Inbox::default(),
            up: false,
            digest: [0; 32],
            asked: false,
        };
        self.lines.insert(number, line);
    }

    pub(super) fn closed(&mut self, number: usize) {
        self.lines.remove(&number);
    }

    /// Bytes came on a line; what it says to them, as an honest one would.
    pub(super) fn hear(&mut self, number: usize, bytes: &[u8]) -> Vec<u8> {
        let mut says = Vec::new();
        let Some(line) = self.lines.get_mut(&number) else {
            return says;
        };
        line.inbox.extend(bytes);
        if !line.up {
            let step = line.channel.step(line.inbox.unread());
            line.inbox.consume(step.consumed);
            says.extend(step.send);
            if let Progress::Done(peer) = step.progress {
                line.up = true;
                if let Some(grant) = peer.granted {
                    self.grant = Some(grant);
                }
                says.extend(framed(&self.hello()));
            }
        }
        let Some(line) = self.lines.get_mut(&number).filter(|line| line.up) else {
            return says;
        };
        let mut messages = Vec::new();
        while let Some(body) = line.inbox.next_frame().expect("honest frames") {
            messages.push(Message::decode(body).expect("honest messages"));
        }
        for message in messages {
            match message {
                Message::Ping(ping) => {
                    self.line(number).digest = ping.digest;
                    says.extend(framed(&Message::Pong(Pong { time: ping.time })));
                }
                Message::Members(members) => {
                    let entries = members.entries.into_iter();
                    self.entries
                        .extend(entries.map(|entry| (entry.member, entry)));
                }
                Message::Hello(hello) => {
                    self.entries.insert(hello.me.member, hello.me);
                }
                Message::Heads(heads) => self
                    .heads
                    .extend(heads.entries.iter().map(|head| (head.author, head.next))),
                Message::Access(access) => self.stamp = self.stamp.max(access.stamp),
                Message::Fetch(_) => self.line(number).asked = true,
                Message::Ops(ops) => {
                    self.read(&ops);
                    self.heard.push(ops);
                    self.heard.truncate(20);
                }
                _ => {}
            }
        }
        says
    }

    fn line(&mut self, number: usize) -> &mut Line {
        self.lines.get_mut(&number).expect("it is there")
    }

    fn read(&mut self, ops: &Ops) {
        let mut seq = ops.seq;
        for batch in &ops.batches {
            if ops.author != author(&self.keys) {
                for Face { pen, .. } in &mut self.faces {
                    let _verdict = pen.merge(ops.author, seq, &batch.bytes, &mut Vec::new());
                }
            }
            seq = seq.saturating_add(batch.width);
        }
    }

    fn entry(&mut self) -> MemberEntry {
        let keys = self.keys.member();
        let entry = MemberEntry {
            member: MemberId(keys.id()),
            link_key: keys.link,
            signing_key: keys.signing,
            name: Name::new("x"),
            addrs: vec![address(EVIL)],
            authors: vec![certified(&self.keys, self.keys.author)],
            left: false,
            revision: self.revision,
            signature: [0; 64],
        };
        signed(&self.keys, entry)
    }

    fn hello(&mut self) -> Message {
        Message::Hello(Hello {
            session: self.grant.as_ref().map(|_| SESSION),
            me: self.entry(),
            you: [10, 0, 0, 9].into(),
        })
    }

    /// What it does to a node: on which line, what in words, and the bytes.
    pub(super) fn attack(&mut self, node: usize) -> Option<(usize, String, Vec<u8>)> {
        let number = self.line_to(node).filter(|number| self.lines[number].up)?;
        let messages = self.absurd(number);
        let what = match messages.first() {
            Some(first) => {
                let text: String = format!("{first:?}").chars().take(150).collect();
                format!("{} × {text}", messages.len())
            }
            None => return None,
        };
        let bytes = messages.iter().flat_map(framed).collect();
        Some((number, what, bytes))
    }

    fn absurd(&mut self, number: usize) -> Vec<Message> {
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

    fn any_author(&mut self) -> AuthorId {
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

    fn any_number(&mut self, author: &AuthorId) -> u32 {
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

    /// The face to show on a line: mostly the same, and now and then another one, or a new one that parts from
    /// one of the others where that ended, or further back.
    fn face_for(&mut self, number: usize) -> usize {
        if !self.two_faced {
            return 0;
        }
        if self.faces.len() < 4 && self.rng.u8(0..10) == 0 {
            let old = &self.faces[self.rng.usize(..self.faces.len())];
            let most = old.before.len();
            let kept = if self.rng.bool() {
                most.saturating_sub(self.rng.usize(0..3))
            } else {
                self.rng.usize(..=most)
            };
            let everything = match old.before.get(kept) {
                Some(before) => before.clone(),
                None => old.pen.encode_history(),
            };
            let everything = Everything::open(&everything).expect("what it made");
            self.faces.push(Face {
                pen: everything.build(author(&self.keys)).expect("what it made"),
                written: old.written[..kept].to_vec(),
                before: old.before[..kept].to_vec(),
                spoiled: false,
            });
        }
        let (node, any) = (self.lines[&number].node, self.rng.usize(..self.faces.len()));
        let usual = *self.shown.entry(node).or_insert(any);
        if self.rng.u8(0..12) == 0 { any } else { usual }
    }

    /// Some of what it has written, after it may have written more. If it has several faces, it may show two of
    /// them at once.
    fn own_ops(&mut self, number: usize) -> Vec<Message> {
        let mut messages = self.face_ops(number);
        if self.two_faced && self.rng.u8(0..6) == 0 {
            messages.extend(self.face_ops(number));
        }
        messages
    }

    fn face_ops(&mut self, number: usize) -> Vec<Message> {
        let face = self.face_for(number);
        if self.rng.bool() {
            self.write(face);
        }
        let count = self.faces[face].written.len();
        if count == 0 {
            return Vec::new();
        }
        let from = if self.rng.bool() {
            self.rng.usize(..count)
        } else {
            0
        };
        let to = self.rng.usize(from..count) + 1;
        let mut signature = self.sign(face, to);
        if self.rng.u8(0..12) == 0 {
            signature[7] ^= 1;
        }
        let written = &self.faces[face].written;
        let ops = Ops {
            author: author(&self.keys),
            seq: written[from].0,
            batches: written[from..to]
                .iter()
                .map(|(_, batch)| batch.clone())
                .collect(),
            signature,
        };
        vec![Message::Ops(ops)]
    }

    /// Its signature over the first `count` batches of a face.
    fn sign(&self, face: usize, count: usize) -> [u8; 64] {
        let me = author(&self.keys);
        let mut chain = Chain::start(&me);
        let mut end = 0_u32;
        for (seq, batch) in &self.faces[face].written[..count] {
            chain = chain.then(*seq, batch.width, &batch.bytes);
            end = seq + batch.width;
        }
        let statement = [
            b"collab-edit 1 batches",
            &me.0[..],
            &end.to_be_bytes(),
            &chain.0,
        ];
        self.keys.sign_as_author(&statement.concat())
    }

    /// One more batch of its own: a good one, or, after which there are no more good ones, another.
    fn write(&mut self, face: usize) {
        let me = author(&self.keys);
        let Face {
            pen,
            written,
            before,
            spoiled,
        } = &mut self.faces[face];
        let seq = written.last().map_or(0, |(seq, batch)| seq + batch.width);
        let text = pen.visible_text();
        let first = text.chars().position(|c| c == FIRST);
        if self.in_front && first.is_none() {
            return;
        }
        let stays_good = self.in_front || self.rng.u8(0..if self.two_faced { 40 } else { 8 }) > 0;
        if !*spoiled && stays_good {
            if self.two_faced {
                before.push(pen.encode_history());
            }
            let len = text.chars().count();
            // What the others look for stays there.
            let least = first.filter(|_| self.in_front).map_or(0, |first| first + 1);
            let at = self.rng.usize(least..=len);
            match self.rng.u8(0..3) {
                0 if at < len => {
                    pen.delete(at..(at + 3).min(len));
                }
                1 => {
                    pen.note(b"a note");
                }
                _ => {
                    let at = if self.in_front { 0 } else { at };
                    pen.insert(at, "\u{1b}[2J\u{202e}bad");
                }
            }
            let lamport = match self.rng.u8(0..6) {
                0 => (1 << 53) - 1,
                1 => 0,
                _ => pen.next_lamport(),
            };
            let minutes = self.rng.u32(..) >> 8;
            pen.commit_at(lamport, minutes, Source::Typed);
            let mut bytes = Vec::new();
            if let Some(next) = pen.log().batch_at(&me, seq, &mut bytes) {
                let width = next - seq;
                written.push((seq, Batch { width, bytes }));
            }
            return;
        }
        *spoiled = true;
        let bytes = self.absurd_batch(seq);
        // The first of these is what it says it is, so that all agree what follows on it.
        let width = 1;
        if seq < u32::MAX - 1 {
            self.faces[face].written.push((seq, Batch { width, bytes }));
        }
    }

    /// A batch of one operation in its encoding, with whatever in it.
    fn absurd_batch(&mut self, seq: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let rng = &mut self.rng;
        let stamped = rng.bool();
        mp::write_uint(&mut out, u64::from(stamped)).expect("memory");
        if stamped {
            let lamport = *rng
                .choice(&[(1i64 << 53) - 1, 1 << 40, -5, i64::MAX, 0])
                .expect("some");
            mp::write_sint(&mut out, lamport).expect("memory");
        }
        match rng.u8(0..6) {
            0 => mp::write_str(&mut out, "c").expect("memory"),
            1 | 2 => {
                mp::write_uint(&mut out, 1).expect("memory");
                self.absurd_id(&mut out, seq, &mut BTreeSet::new());
                self.absurd_id(&mut out, seq, &mut BTreeSet::new());
                mp::write_str(&mut out, "i").expect("memory");
            }
            kind @ (3 | 4) => {
                mp::write_uint(&mut out, u64::from(kind) - 1).expect("memory");
                let count = rng.u64(1..5);
                mp::write_uint(&mut out, count).expect("memory");
                let mut named = BTreeSet::new();
                for _ in 0..count {
                    self.absurd_id(&mut out, seq, &mut named);
                    let length = self.rng.u64(1..4);
                    mp::write_uint(&mut out, length).expect("memory");
                }
            }
            _ => {
                mp::write_uint(&mut out, 4).expect("memory");
                mp::write_bin(&mut out, &[7; 40]).expect("memory");
            }
        }
        if self.rng.u8(0..6) == 0 {
            let at = self.rng.usize(..out.len());
            out[at] ^= 1 << self.rng.u8(0..8);
        }
        out
    }

    fn absurd_id(&mut self, out: &mut Vec<u8>, seq: u32, named: &mut BTreeSet<AuthorId>) {
        match self.rng.u8(0..4) {
            0 => mp::write_nil(out).expect("memory"),
            1 => {
                let back = u64::from(self.rng.u32(1..=seq.max(1)));
                mp::write_uint(out, back).expect("memory");
            }
            _ => {
                let author = self.any_author();
                let index = -1 - named.len() as i64;
                mp::write_sint(out, index).expect("memory");
                if named.insert(author) {
                    mp::write_bin(out, &author.0).expect("memory");
                }
                let number = self.any_number(&author);
                mp::write_uint(out, number.into()).expect("memory");
            }
        }
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

fn author(keys: &Toy) -> AuthorId {
    AuthorId(author_id(&SESSION.0, &keys.member().id(), &keys.author))
}

/// An author's key, and the member's word for it.
fn certified(keys: &Toy, key: [u8; 32]) -> AuthorKey {
    let signature = keys.sign_as_member(&AuthorKey::signed_bytes(&key, &SESSION));
    AuthorKey { key, signature }
}

fn signed(keys: &Toy, mut entry: MemberEntry) -> MemberEntry {
    entry.signature = keys.sign_as_member(&entry.signed_bytes(&SESSION));
    entry
}

fn framed(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, |out| message.encode(out));
    bytes
}
