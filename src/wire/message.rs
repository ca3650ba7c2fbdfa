//! The messages, and their encoding.

use std::net::{IpAddr, SocketAddr};

use rmp_serde::{Deserializer, Serializer};
use serde::{Deserialize, Serialize};

use super::limits::{
    HISTORY_PIECE_BYTES, MAX_AUTHORS_PER_MEMBER, MAX_BATCHES, MAX_CODE_BYTES, MAX_DEPTH,
    MAX_ENTRIES, MAX_FILE_NAME_BYTES, MAX_FORMAT_BYTES, MAX_HEADS, MAX_HISTORY_BYTES,
    MAX_PAYLOAD_BYTES, MAX_REVISION,
};
use super::{MemberId, Name, SessionId, serde_forms};
use crate::crdt::id::bin;
use crate::crdt::{Anchor, AuthorId, MAX_BATCH_BYTES, ShortChain};

/// Everything that one member can say to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The first message, each way.
    Hello(Hello),
    /// The session, to a newcomer.
    Welcome(Welcome),
    /// Members, new or changed.
    Members(Members),
    /// How far the sender's logs go.
    Heads(Heads),
    /// What the sender would like to have.
    Want(Want),
    /// Batches.
    Ops(Ops),
    /// Where the sender's cursor is.
    Presence(Presence),
    /// A sign of life.
    Ping(Ping),
    /// The answer to a ping.
    Pong(Pong),
    /// The last message, before the sender closes the link.
    Bye(Bye),
    /// The sender lacks much, and would like to have everything in one piece.
    Fetch(Fetch),
    /// A piece of everything.
    History(History),
    /// Who may come in.
    Access(Access),
    /// Somebody tried wrong codes.
    Guesses(Guesses),
    /// What the sender has on its disk.
    Saved(Saved),
    /// The hash of the sender's text.
    Proof(Proof),
    /// Signed batches that are not those which the receiver has.
    Fork(Fork),
}

/// Who the sender is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The session the sender is in; `None` from a newcomer.
    pub session: Option<SessionId>,
    /// The sender's own entry. Its last author is the one that now writes.
    pub me: MemberEntry,
    /// The address at which the sender sees the receiver.
    #[serde(with = "serde_forms::ip")]
    pub you: IpAddr,
}

/// The session that a newcomer has come to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// Which session this is.
    pub session: SessionId,
    /// What all its members share beside the text.
    pub properties: Properties,
}

/// What all members of a session share beside the text.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Properties {
    /// The name of the founder's file. Foreign text: never a path to be written to as it is.
    #[serde(deserialize_with = "serde_forms::text::<MAX_FILE_NAME_BYTES, _>")]
    pub file_name: String,
    /// How the text becomes a file's bytes (line ending, mark, encoding), in the app's own coding.
    #[serde(
        serialize_with = "serde_forms::to_bin",
        deserialize_with = "serde_forms::bytes::<MAX_FORMAT_BYTES, _>"
    )]
    pub format: Vec<u8>,
}

/// Members, new or changed since the sender's last such message on this link.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Members {
    /// Their entries.
    #[serde(deserialize_with = "serde_forms::list::<MAX_ENTRIES, _, _>")]
    pub entries: Vec<MemberEntry>,
}

/// What is known of one member. Of two entries the one with the greater revision holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberEntry {
    /// Whose entry this is.
    pub member: MemberId,
    /// The key by which links know it. The id is a hash of both keys.
    #[serde(with = "bin")]
    pub link_key: [u8; 32],
    /// The key with which it signs this entry.
    #[serde(with = "bin")]
    pub signing_key: [u8; 32],
    /// What it is called.
    pub name: Name,
    /// Where it accepts links, likeliest first.
    #[serde(with = "serde_forms::addrs")]
    pub addrs: Vec<SocketAddr>,
    /// Its authors, one for each process start, the one that writes now last. At least one.
    #[serde(deserialize_with = "serde_forms::list::<MAX_AUTHORS_PER_MEMBER, _, _>")]
    pub authors: Vec<AuthorKey>,
    /// Whether it said goodbye. It is not dialled then, but stays known as an author.
    pub left: bool,
    /// Raised by the member itself, and by nobody else, with every change. Below 2⁵³.
    pub revision: u64,
    /// The member's own, under all that stands before; of the authors only under the last.
    #[serde(with = "bin")]
    pub signature: [u8; 64],
}

/// A key under which a member writes, and the member's word for that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuthorKey {
    /// The public key. The author's id is a hash of the session, the member and this.
    #[serde(with = "bin")]
    pub key: [u8; 32],
    /// The member's own.
    #[serde(with = "bin")]
    pub signature: [u8; 64],
}

impl AuthorKey {
    /// What the member signs: a purpose, the session, the key.
    pub fn signed_bytes(key: &[u8; 32], session: &SessionId) -> Vec<u8> {
        [b"collab-edit 1 author key", &session.0[..], key].concat()
    }
}

impl MemberEntry {
    /// What the member signs: a purpose, the session, and the entry as it is sent, its signature
    /// all zeros, with the last author alone. The others each have a signature of their own, so nobody
    /// can leave one out who showed it once: lists of authors that differ are put together.
    pub fn signed_bytes(&self, session: &SessionId) -> Vec<u8> {
        let mut bytes = b"collab-edit 1 member entry".to_vec();
        bytes.extend(session.0);
        let last = self.authors.len().saturating_sub(1);
        let unsigned = Self {
            authors: self.authors[last..].to_vec(),
            name: self.name.clone(),
            addrs: self.addrs.clone(),
            signature: [0; 64],
            ..*self
        };
        unsigned
            .serialize(&mut Serializer::new(&mut bytes))
            .expect("our own types are encodable into memory");
        bytes
    }
}

/// Who may come in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Of two the greater holds; of two with one stamp the greater code. Below 2⁵³.
    pub stamp: u64,
    /// The session code; `None` if the session is open.
    #[serde(deserialize_with = "serde_forms::optional_text::<MAX_CODE_BYTES, _>")]
    pub code: Option<String>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Access({})", self.stamp)
    }
}

/// How often somebody tried a wrong code at the sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Guesses {
    /// Since it was started.
    pub wrong: u32,
}

/// How far the sender's logs go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Heads {
    /// Whether this replaces what was said before. Otherwise it holds only what has changed.
    pub whole: bool,
    /// Authors, and what the sender has of them.
    #[serde(deserialize_with = "serde_forms::list::<MAX_HEADS, _, _>")]
    pub entries: Vec<Head>,
}

/// What is known of an author.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Whose log.
    pub author: AuthorId,
    /// How many of its operations.
    pub next: u32,
    /// The first half of the chain there.
    #[serde(with = "bin")]
    pub chain: ShortChain,
}

/// What the sender has on its disk: the session's text as of these heads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Saved {
    /// BLAKE3 of the text in UTF-8.
    #[serde(with = "bin")]
    pub hash: [u8; 32],
    /// Authors, and how many of their operations are in it.
    #[serde(deserialize_with = "serde_forms::list::<MAX_HEADS, _, _>")]
    pub heads: Vec<(AuthorId, u32)>,
}

/// A part of an author's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Range {
    /// Whose log.
    pub author: AuthorId,
    /// The first operation; a batch starts there.
    pub from: u32,
    /// The number after the last operation.
    pub to: u32,
    /// The first half of the chain before `from`, as the sender has it.
    #[serde(with = "bin")]
    pub chain: ShortChain,
}

/// What the sender would like to have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Want {
    /// At most one range of each author.
    #[serde(deserialize_with = "serde_forms::list::<MAX_HEADS, _, _>")]
    pub ranges: Vec<Range>,
}

/// Consecutive batches of one author.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ops {
    /// Who made them.
    pub author: AuthorId,
    /// The first operation of the first batch.
    pub seq: u32,
    /// The batches' encodings. What one holds is the CRDT's affair.
    #[serde(deserialize_with = "serde_forms::list::<MAX_BATCHES, _, _>")]
    pub batches: Vec<Batch>,
    /// The author's, over everything up to the end of the last batch.
    #[serde(with = "bin")]
    pub signature: [u8; 64],
}

/// Signed batches of an author that the receiver seems to have others for: if both are signed, the
/// author has signed two things under one name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fork {
    /// Who made them.
    pub author: AuthorId,
    /// The first operation of the first batch.
    pub seq: u32,
    /// The chain before it.
    #[serde(with = "bin")]
    pub chain: [u8; 32],
    /// The author's signature over everything before them; not looked at if nothing is.
    #[serde(with = "bin")]
    pub before: [u8; 64],
    /// The batches.
    #[serde(deserialize_with = "serde_forms::list::<MAX_BATCHES, _, _>")]
    pub batches: Vec<Batch>,
    /// The author's, over everything up to the end of the last batch.
    #[serde(with = "bin")]
    pub signature: [u8; 64],
}

/// One batch.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// How many operations it holds. So the batches behind it are known by their numbers while
    /// this one still waits for its causes.
    pub width: u32,
    /// Its encoding.
    #[serde(
        serialize_with = "serde_forms::to_bin",
        deserialize_with = "serde_forms::bytes::<MAX_BATCH_BYTES, _>"
    )]
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Batch({} operations, {} bytes)",
            self.width,
            self.bytes.len()
        )
    }
}

/// Where the sender's cursor is. Never logged; the latest one holds, as long as the link does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Presence {
    /// Raised with every change.
    pub clock: u32,
    /// The cursor, if it is shown.
    pub cursor: Option<Anchor>,
    /// Where a selection starts and where it ends, if there is one. The cursor is its end.
    pub selection: Option<(Anchor, Anchor)>,
    /// How often the sender has asked the others to look at its cursor.
    pub calls: u32,
}

impl Presence {
    /// The same, later.
    pub(crate) fn next(&self) -> Self {
        Self {
            clock: self.clock.wrapping_add(1).max(1),
            ..*self
        }
    }
}

/// A sign of life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ping {
    /// The sender's own clock in milliseconds. Means nothing to others.
    pub time: u64,
    /// The digest of the sender's heads.
    #[serde(with = "bin")]
    pub digest: [u8; 32],
}

/// The answer to a ping.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pong {
    /// The ping's time.
    pub time: u64,
}

/// The sender lacks much, and would like to have everything in one piece. Answered by [`History`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fetch {}

/// A piece of an encoded history. Pieces come in order, without gaps, all but the last of one length.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// How many bytes the whole has; 0 if there is none, and batches are to be asked for.
    pub total: u32,
    /// Which byte of the whole is this piece's first.
    pub at: u32,
    /// The piece. What it holds is the CRDT's affair.
    #[serde(
        serialize_with = "serde_forms::to_bin",
        deserialize_with = "serde_forms::bytes::<HISTORY_PIECE_BYTES, _>"
    )]
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (at, bytes) = (self.at, self.bytes.len());
        write!(f, "History({bytes} bytes at {at} of {})", self.total)
    }
}

/// The hash of the sender's text, and the heads that it has it with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proof {
    /// The digest of the heads.
    #[serde(with = "bin")]
    pub heads: [u8; 32],
    /// BLAKE3 of the text in UTF-8.
    #[serde(with = "bin")]
    pub hash: [u8; 32],
}

/// The last message on a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bye {
    /// Why the sender closes the link.
    pub reason: Reason,
}

/// Why a member closes a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Reason {
    /// It leaves the session.
    Leaving,
    /// It has another link to the same member.
    Duplicate,
    /// It has as many links as it may.
    Full,
    /// It is in another session.
    OtherSession,
    /// It cannot make sense of what it was sent.
    Protocol,
    /// It was sent a batch that can never be valid.
    BadBatch,
    /// It has been reached by itself, or by one that claims its own member id.
    Myself,
    /// Nothing moved on the link for too long.
    Stalled,
}

impl From<Reason> for u8 {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Leaving => 0,
            Reason::Duplicate => 1,
            Reason::Full => 2,
            Reason::OtherSession => 3,
            Reason::Protocol => 4,
            Reason::BadBatch => 5,
            Reason::Myself => 6,
            Reason::Stalled => 7,
        }
    }
}

impl TryFrom<u8> for Reason {
    type Error = &'static str;

    fn try_from(byte: u8) -> Result<Self, Self::Error> {
        Ok(match byte {
            0 => Self::Leaving,
            1 => Self::Duplicate,
            2 => Self::Full,
            3 => Self::OtherSession,
            4 => Self::Protocol,
            5 => Self::BadBatch,
            6 => Self::Myself,
            7 => Self::Stalled,
            _ => return Err("an unknown reason"),
        })
    }
}

/// Why a payload is not a message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is longer than any message may be.
    #[error("a message of {0} bytes; {MAX_PAYLOAD_BYTES} is the limit")]
    TooLong(usize),
    /// It does not begin with the number of a kind.
    #[error("a message of no kind")]
    NoKind,
    /// No message has this number.
    #[error("a message of unknown kind {0}")]
    UnknownKind(u8),
    /// Its fields are not those of its kind, or pass a limit.
    #[error("a malformed message of kind {kind}: {what}")]
    Malformed {
        /// The number of its kind.
        kind: u8,
        /// What is wrong with it.
        what: String,
    },
    /// Something follows it.
    #[error("a message of kind {kind} with {bytes} bytes too many")]
    Trailing {
        /// The number of its kind.
        kind: u8,
        /// How many bytes follow.
        bytes: usize,
    },
}

impl Message {
    /// Appends the payload of this message to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(body) => encode(1, body, out),
            Self::Welcome(body) => encode(2, body, out),
            Self::Members(body) => encode(3, body, out),
            Self::Heads(body) => encode(4, body, out),
            Self::Want(body) => encode(5, body, out),
            Self::Ops(body) => encode(6, body, out),
            Self::Presence(body) => encode(7, body, out),
            Self::Ping(body) => encode(8, body, out),
            Self::Pong(body) => encode(9, body, out),
            Self::Bye(body) => encode(10, body, out),
            Self::Fetch(body) => encode(11, body, out),
            Self::History(body) => encode(12, body, out),
            Self::Access(body) => encode(13, body, out),
            Self::Guesses(body) => encode(14, body, out),
            Self::Saved(body) => encode(15, body, out),
            Self::Proof(body) => encode(16, body, out),
            Self::Fork(body) => encode(17, body, out),
        }
    }

    /// The message that `payload` is.
    ///
    /// # Errors
    ///
    /// If it is none, or one that passes a limit.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(DecodeError::TooLong(payload.len()));
        }
        // All kinds are below 128, and so are their own MessagePack encoding, in one byte.
        let (kind, rest) = payload.split_first().ok_or(DecodeError::NoKind)?;
        match kind {
            1 => decode(1, rest, well_formed_hello).map(Self::Hello),
            2 => decode(2, rest, |_| Ok(())).map(Self::Welcome),
            3 => decode(3, rest, |m: &Members| {
                m.entries.iter().try_for_each(well_formed_entry)
            })
            .map(Self::Members),
            4 => decode(4, rest, |_| Ok(())).map(Self::Heads),
            5 => decode(5, rest, well_formed_want).map(Self::Want),
            6 => decode(6, rest, |ops: &Ops| some_batches(&ops.batches)).map(Self::Ops),
            7 => decode(7, rest, |_| Ok(())).map(Self::Presence),
            8 => decode(8, rest, |_| Ok(())).map(Self::Ping),
            9 => decode(9, rest, |_| Ok(())).map(Self::Pong),
            10 => decode(10, rest, |_| Ok(())).map(Self::Bye),
            11 => decode(11, rest, |_| Ok(())).map(Self::Fetch),
            12 => decode(12, rest, well_formed_history).map(Self::History),
            13 => decode(13, rest, well_formed_access).map(Self::Access),
            14 => decode(14, rest, |_| Ok(())).map(Self::Guesses),
            15 => decode(15, rest, |_| Ok(())).map(Self::Saved),
            16 => decode(16, rest, |_| Ok(())).map(Self::Proof),
            17 => decode(17, rest, |fork: &Fork| some_batches(&fork.batches)).map(Self::Fork),
            128.. => Err(DecodeError::NoKind),
            unknown => Err(DecodeError::UnknownKind(*unknown)),
        }
    }
}

fn encode<T: Serialize>(kind: u8, body: &T, out: &mut Vec<u8>) {
    out.push(kind);
    body.serialize(&mut Serializer::new(out))
        .expect("our own types are encodable into memory");
}

fn decode<'de, T: Deserialize<'de>>(
    kind: u8,
    rest: &'de [u8],
    check: impl FnOnce(&T) -> Result<(), &'static str>,
) -> Result<T, DecodeError> {
    let mut unread = rest;
    let mut from = Deserializer::new(&mut unread);
    from.set_max_depth(MAX_DEPTH);
    let malformed = |what: String| DecodeError::Malformed { kind, what };
    let body = T::deserialize(&mut from).map_err(|error| malformed(error.to_string()))?;
    if !unread.is_empty() {
        return Err(DecodeError::Trailing {
            kind,
            bytes: unread.len(),
        });
    }
    check(&body).map_err(|what| malformed(what.to_owned()))?;
    Ok(body)
}

fn well_formed_hello(hello: &Hello) -> Result<(), &'static str> {
    well_formed_entry(&hello.me)
}

fn well_formed_entry(entry: &MemberEntry) -> Result<(), &'static str> {
    if entry.authors.is_empty() {
        return Err("a member without an author");
    }
    if entry.revision >= MAX_REVISION {
        return Err("a revision above the limit");
    }
    Ok(())
}

fn well_formed_access(access: &Access) -> Result<(), &'static str> {
    if access.stamp >= MAX_REVISION {
        return Err("a stamp above the limit");
    }
    Ok(())
}

fn well_formed_want(want: &Want) -> Result<(), &'static str> {
    if want.ranges.iter().any(|range| range.from >= range.to) {
        return Err("an empty range");
    }
    Ok(())
}

fn some_batches(batches: &[Batch]) -> Result<(), &'static str> {
    if batches.is_empty() {
        return Err("no batches");
    }
    Ok(())
}

fn well_formed_history(piece: &History) -> Result<(), &'static str> {
    let end = piece.at as usize + piece.bytes.len();
    if piece.total as usize > MAX_HISTORY_BYTES || end > piece.total as usize {
        return Err("a piece outside of its history");
    }
    if piece.bytes.is_empty() && piece.total > 0 {
        return Err("an empty piece");
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
