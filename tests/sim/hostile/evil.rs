//! The hostile member: it shakes hands, says who it is and answers pings as it should, so that its links stay
//! up; and of everything else it says what it likes.
//!
//! What it writes is signed, however bad what is in it. In some seeds it is one log, the same to everybody; in
//! the others it has several [faces](Face): logs that part somewhere, of which it shows everybody the one or the
//! other.

mod lies;

use std::collections::{BTreeMap, BTreeSet};

use collab_edit::crdt::{AuthorId, Chain, History as Everything, Replica, Source, Version};
use collab_edit::security::{
    Access as WhoMayCome, Channel, Crypto, Door, Grant, Knock, Progress, Secret, author_id,
};
use collab_edit::wire::{
    AuthorKey, Batch, Hello, Inbox, MemberEntry, MemberId, Message, Name, Ops, Pong, SessionId,
    frame,
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
