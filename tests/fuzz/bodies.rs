//! What each fuzz target does with its bytes. The same bodies run over the kept corpus as plain tests.

#[path = "bodies/frames.rs"]
mod frames;
#[path = "bodies/handshake.rs"]
mod handshake;
#[path = "bodies/sanitiser.rs"]
mod sanitiser;
#[path = "bodies/session.rs"]
mod session;

pub(crate) use frames::frames;
pub(crate) use handshake::handshake;
pub(crate) use sanitiser::sanitiser;
pub(crate) use session::session;

use collab_edit::crdt::{AuthorId, History, Replica, Source, Verdict};
use collab_edit::storage::journal::Content;
use collab_edit::storage::kept::Kept;
use collab_edit::wire::Message;

/// A batch of an author who knows what we know. What is taken is given again as it came, and leaves
/// every invariant in place; what is not taken changes nothing.
pub(crate) fn batch(bytes: &[u8]) {
    let mut replica = Replica::new(AuthorId([1; 16]));
    replica.insert(0, "some text, é日x");
    replica.delete(3..6);
    replica.note(b"note");
    replica.commit(0, Source::Typed);
    let before = replica.visible_text();
    let evil = AuthorId([6; 16]);
    let verdict = replica.merge(evil, 0, bytes, &mut Vec::new());
    replica.check_invariants();
    if verdict == Verdict::Applied {
        let mut again = Vec::new();
        assert!(replica.log().batch_at(&evil, 0, &mut again).is_some());
        assert_eq!(again, bytes, "there is one encoding");
    } else {
        assert_eq!(replica.visible_text(), before);
    }
}

/// The columns of a history, behind a header that is right for them. What is taken leaves every
/// invariant in place, and is written as something that reads the same.
pub(crate) fn history(columns: &[u8]) {
    let open = |bytes: &[u8]| History::open(bytes)?.build(AuthorId([1; 16]));
    let _not_behind_the_checksum = open(columns);
    // Magic and version are as in any history; the checksum is half of BLAKE3.
    let mut bytes = Replica::new(AuthorId([1; 16])).encode_history();
    bytes.truncate(9);
    bytes.extend(&blake3::hash(columns).as_bytes()[..16]);
    bytes.extend(columns);
    let Ok(replica) = open(&bytes) else { return };
    replica.check_invariants();
    let again = open(&replica.encode_history()).expect("what was written is a history");
    assert_eq!(again.visible_text(), replica.visible_text());
    assert_eq!(again.everything(), replica.everything());
    assert_eq!(again.log().version(), replica.log().version());
}

/// A payload. What is read is written again as something that reads the same.
pub(crate) fn message(bytes: &[u8]) {
    if let Ok(message) = Message::decode(bytes) {
        let mut again = Vec::new();
        message.encode(&mut again);
        assert_eq!(Message::decode(&again), Ok(message));
    }
}

/// A journal as it is found on disk. What is whole in it is read again the same, and makes a replica with
/// all invariants in place.
pub(crate) fn journal(bytes: &[u8]) {
    let Ok(content) = Content::of(bytes.to_vec()) else {
        return;
    };
    let whole = bytes[..bytes.len() - content.torn()].to_vec();
    let again = Content::of(whole).expect("a prefix of a journal is one");
    assert_eq!(again.torn(), 0);
    assert!(again.records().eq(content.records()));
    let kept = Kept::of(&content);
    let nobody = AuthorId([0; 16]);
    let history = kept
        .history
        .map(|history| History::open(history).and_then(|history| history.build(nobody)));
    let mut replica = match history {
        Some(Ok(replica)) => replica,
        Some(Err(_)) => return,
        None => Replica::new(nobody),
    };
    kept.merge(|batch| replica.merge(batch.author, batch.seq, batch.bytes, &mut Vec::new()));
    replica.check_invariants();
}
