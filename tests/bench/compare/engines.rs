//! The libraries, each behind the same few calls.
//!
//! Positions are Unicode scalar values; yrs counts UTF-16 units, which is the same for the texts at hand (the end
//! content would differ otherwise). Where a library keeps no text, there is a rope (ropey) beside it.

use std::sync::OnceLock;

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ObjId, ObjType, ROOT, ReadDoc};
use collab_edit::crdt::{AuthorId, Source};
use collab_edit::document::{CharPos, Document, EditKind, Preview};
use diamond_types::list::ListCRDT;
use diamond_types::list::encoding::{ENCODE_FULL, ENCODE_PATCH};
use loro::{ExportMode, LoroDoc, LoroText};
use ropey::Rope;
use yrs::updates::decoder::Decode;
use yrs::{GetString, OffsetKind, Options, ReadTxn, StateVector, Text, TextRef, Transact, Update};

/// A library's document.
pub(crate) trait Engine: Sized {
    /// As tables say it.
    const NAME: &'static str;

    /// Bytes of a message that only this program needs: lengths, and what a frame has once for many.
    const AROUND: usize = 4;

    /// An empty document of this agent.
    fn new(agent: u64) -> Self;

    /// Deletes `deleted` characters at `at`, inserts a text there, and appends what tells others of it to `message`.
    fn edit(&mut self, at: usize, deleted: usize, inserted: &str, message: &mut Vec<u8>);

    /// Takes in what one or several calls of [`edit`](Self::edit) made.
    fn receive(&mut self, message: &[u8]);

    fn text(&self) -> String;

    fn save(&mut self) -> Vec<u8>;

    /// A document that can be read and edited.
    fn load(saved: &[u8]) -> Self;
}

/// Parts of a message: each with its length in front.
fn put(message: &mut Vec<u8>, part: &[u8]) {
    message.extend_from_slice(&(part.len() as u32).to_le_bytes());
    message.extend_from_slice(part);
}

fn parts(mut message: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = message.split_first_chunk()?;
        let (part, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        message = rest;
        Some(part)
    })
}

/// What is here.
pub(crate) struct CollabEdit {
    document: Document,
    patches: u32,
}

impl Engine for CollabEdit {
    const NAME: &'static str = "collab-edit";
    const AROUND: usize = 16;

    fn new(agent: u64) -> Self {
        Self {
            document: Document::new(author(agent)),
            patches: 0,
        }
    }

    fn edit(&mut self, at: usize, deleted: usize, inserted: &str, message: &mut Vec<u8>) {
        let kind = match (deleted, inserted.chars().nth(1)) {
            (0, None) => EditKind::Type,
            (1, _) if inserted.is_empty() => EditKind::Erase,
            _ => EditKind::Whole,
        };
        let range = CharPos(at)..CharPos(at + deleted);
        self.document
            .edit(range, inserted, kind, u64::from(self.patches) * 100);
        let Some(mut seq) = self.document.commit(self.patches / 50, Source::Typed) else {
            return;
        };
        self.patches += 1;
        // Author and number stand beside a batch in its frame: one author's run on.
        let me = self.document.me();
        let mut encoded = Vec::new();
        while seq < self.document.log().next(&me) {
            encoded.clear();
            let first = seq;
            seq = self
                .document
                .log()
                .batch_at(&me, seq, &mut encoded)
                .expect("a batch");
            message.extend_from_slice(&me.0[..8]);
            message.extend_from_slice(&first.to_le_bytes());
            put(message, &encoded);
        }
    }

    fn receive(&mut self, mut message: &[u8]) {
        while let Some((agent, rest)) = message.split_first_chunk() {
            let (seq, rest) = rest.split_first_chunk().expect("a number");
            let (len, rest) = rest.split_first_chunk().expect("a length");
            let (batch, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
            let author = author(u64::from_be_bytes(*agent));
            self.document.merge(author, u32::from_le_bytes(*seq), batch);
            message = rest;
        }
    }

    fn text(&self) -> String {
        self.document.rope().to_string()
    }

    fn save(&mut self) -> Vec<u8> {
        self.document.encode_history()
    }

    fn load(saved: &[u8]) -> Self {
        let preview = Preview::open(saved).expect("a history");
        Self {
            document: preview.build(author(3)).expect("a history"),
            patches: 0,
        }
    }
}

fn author(agent: u64) -> AuthorId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&agent.to_be_bytes());
    AuthorId(id)
}

/// cola with a rope. What it saves is structure only, so the text stands beside it; deleted text is nowhere. Its
/// lengths are bytes.
pub(crate) struct Cola {
    replica: cola::Replica,
    rope: Rope,
}

impl Engine for Cola {
    const NAME: &'static str = "cola";
    const AROUND: usize = 0;

    fn new(agent: u64) -> Self {
        Self {
            // All go back to one replica; there is no other way to begin.
            replica: cola::Replica::new(u64::MAX, 0).fork(agent),
            rope: Rope::new(),
        }
    }

    fn edit(&mut self, at: usize, deleted: usize, inserted: &str, message: &mut Vec<u8>) {
        let start = self.rope.char_to_byte(at);
        if deleted > 0 {
            let end = self.rope.char_to_byte(at + deleted);
            let op = self.replica.deleted(start..end);
            self.rope.remove(at..at + deleted);
            message.push(0);
            bincode::serialize_into(&mut *message, &op).expect("memory");
        }
        if !inserted.is_empty() {
            let op = self.replica.inserted(start, inserted.len());
            self.rope.insert(at, inserted);
            message.push(1);
            bincode::serialize_into(&mut *message, &op).expect("memory");
            put(message, inserted.as_bytes());
        }
    }

    fn receive(&mut self, mut message: &[u8]) {
        while let Some((kind, rest)) = message.split_first() {
            message = rest;
            if *kind == 0 {
                let op = bincode::deserialize_from(&mut message).expect("an op");
                let ranges = self.replica.integrate_deletion(&op);
                for range in ranges.into_iter().rev() {
                    let chars =
                        self.rope.byte_to_char(range.start)..self.rope.byte_to_char(range.end);
                    self.rope.remove(chars);
                }
            } else {
                let op = bincode::deserialize_from(&mut message).expect("an op");
                let (len, rest) = message.split_first_chunk().expect("a length");
                let (text, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
                message = rest;
                let at = self.replica.integrate_insertion(&op).expect("its causes");
                let at = self.rope.byte_to_char(at);
                self.rope
                    .insert(at, std::str::from_utf8(text).expect("text"));
            }
        }
    }

    fn text(&self) -> String {
        self.rope.to_string()
    }

    fn save(&mut self) -> Vec<u8> {
        let mut saved = Vec::new();
        put(&mut saved, self.replica.encode().as_bytes());
        put(&mut saved, self.rope.to_string().as_bytes());
        saved
    }

    fn load(saved: &[u8]) -> Self {
        let mut parts = parts(saved);
        let structure = cola::EncodedReplica::from_bytes(parts.next().expect("two parts"));
        let text = std::str::from_utf8(parts.next().expect("two parts")).expect("text");
        Self {
            replica: cola::Replica::decode(3, &structure).expect("a replica"),
            rope: Rope::from_str(text),
        }
    }
}

/// diamond-types, which keeps its text in a rope of its own (jumprope).
pub(crate) struct DiamondTypes {
    list: ListCRDT,
    agent: u32,
}

impl DiamondTypes {
    fn of(mut list: ListCRDT, agent: u64) -> Self {
        let agent = list.get_or_create_agent_id(&format!("agent {agent}"));
        Self { list, agent }
    }
}

impl Engine for DiamondTypes {
    const NAME: &'static str = "diamond-types";

    fn new(agent: u64) -> Self {
        Self::of(ListCRDT::new(), agent)
    }

    fn edit(&mut self, at: usize, deleted: usize, inserted: &str, message: &mut Vec<u8>) {
        let before = self.list.oplog.local_version();
        if deleted > 0 {
            self.list
                .delete_without_content(self.agent, at..at + deleted);
        }
        if !inserted.is_empty() {
            self.list.insert(self.agent, at, inserted);
        }
        put(message, &self.list.oplog.encode_from(ENCODE_PATCH, &before));
    }

    fn receive(&mut self, message: &[u8]) {
        for part in parts(message) {
            self.list.merge_data_and_ff(part).expect("a patch");
        }
    }

    fn text(&self) -> String {
        self.list.branch.content().to_string()
    }

    fn save(&mut self) -> Vec<u8> {
        self.list.oplog.encode(ENCODE_FULL)
    }

    fn load(saved: &[u8]) -> Self {
        Self::of(ListCRDT::load_from(saved).expect("a document"), 3)
    }
}

/// yrs. It drops deleted text.
pub(crate) struct Yrs {
    doc: yrs::Doc,
    text: TextRef,
}

impl Engine for Yrs {
    const NAME: &'static str = "yrs";

    fn new(agent: u64) -> Self {
        let mut options = Options::with_client_id(yrs::ClientID::new(agent));
        options.offset_kind = OffsetKind::Utf16;
        let doc = yrs::Doc::with_options(options);
        let text = doc.get_or_insert_text("text");
        Self { doc, text }
    }

    fn edit(&mut self, at: usize, deleted: usize, inserted: &str, message: &mut Vec<u8>) {
        let mut change = self.doc.transact_mut();
        if deleted > 0 {
            self.text
                .remove_range(&mut change, at as u32, deleted as u32);
        }
        if !inserted.is_empty() {
            self.text.insert(&mut change, at as u32, inserted);
        }
        put(message, &change.encode_update_v1());
    }

    fn receive(&mut self, message: &[u8]) {
        for part in parts(message) {
            let update = Update::decode_v1(part).expect("an update");
            let mut change = self.doc.transact_mut();
            change.apply_update(update).expect("its causes");
        }
    }

    fn text(&self) -> String {
        self.text.get_string(&self.doc.transact())
    }

    fn save(&mut self) -> Vec<u8> {
        let read = self.doc.transact();
        read.encode_state_as_update_v1(&StateVector::default())
    }

    fn load(saved: &[u8]) -> Self {
        let mut new = Self::new(3);
        let mut message = Vec::new();
        put(&mut message, saved);
        new.receive(&message);
        new
    }
}

/// loro.
pub(crate) struct Loro {
    doc: LoroDoc,
    text: LoroText,
}

impl Loro {
    fn of(doc: LoroDoc, agent: u64) -> Self {
        doc.set_peer_id(agent).expect("no edit is open");
        let text = doc.get_text("text");
        Self { doc, text }
    }
}

impl Engine for Loro {
    const NAME: &'static str = "loro";

    fn new(agent: u64) -> Self {
        Self::of(LoroDoc::new(), agent)
    }

    fn edit(&mut self, at: usize, deleted: usize, inserted: &str, message: &mut Vec<u8>) {
        let before = self.doc.oplog_vv();
        if deleted > 0 {
            self.text.delete(at, deleted).expect("in the text");
        }
        if !inserted.is_empty() {
            self.text.insert(at, inserted).expect("in the text");
        }
        self.doc.commit();
        let update = self.doc.export(ExportMode::updates(&before));
        put(message, &update.expect("an update"));
    }

    fn receive(&mut self, message: &[u8]) {
        for part in parts(message) {
            self.doc.import(part).expect("an update");
        }
    }

    fn text(&self) -> String {
        self.text.to_string()
    }

    fn save(&mut self) -> Vec<u8> {
        self.doc.export(ExportMode::Snapshot).expect("a snapshot")
    }

    fn load(saved: &[u8]) -> Self {
        let doc = LoroDoc::from_snapshot(saved).expect("a snapshot");
        let new = Self::of(doc, 3);
        // Its load puts off what the text needs, until it is asked for.
        assert!(new.text.len_unicode() < usize::MAX);
        new
    }
}

/// automerge. All documents begin as the same one, which holds an empty text.
pub(crate) struct Automerge {
    doc: AutoCommit,
    text: ObjId,
}

impl Automerge {
    fn of(mut doc: AutoCommit, agent: u64) -> Self {
        doc.set_actor(ActorId::from(agent.to_be_bytes()));
        let (_, text) = doc.get(ROOT, "text").expect("a document").expect("a text");
        // So that only what comes next is saved incrementally.
        doc.save_incremental();
        Self { doc, text }
    }
}

impl Engine for Automerge {
    const NAME: &'static str = "automerge";

    fn new(agent: u64) -> Self {
        static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
        let empty = EMPTY.get_or_init(|| {
            let mut doc = AutoCommit::new();
            doc.put_object(ROOT, "text", ObjType::Text)
                .expect("a document");
            doc.save()
        });
        Self::of(AutoCommit::load(empty).expect("a document"), agent)
    }

    fn edit(&mut self, at: usize, deleted: usize, inserted: &str, message: &mut Vec<u8>) {
        let spliced = self
            .doc
            .splice_text(&self.text, at, deleted as isize, inserted);
        spliced.expect("in the text");
        put(message, &self.doc.save_incremental());
    }

    fn receive(&mut self, message: &[u8]) {
        for part in parts(message) {
            self.doc.load_incremental(part).expect("a change");
        }
    }

    fn text(&self) -> String {
        self.doc.text(&self.text).expect("a text")
    }

    fn save(&mut self) -> Vec<u8> {
        self.doc.save()
    }

    fn load(saved: &[u8]) -> Self {
        Self::of(AutoCommit::load(saved).expect("a document"), 3)
    }
}
