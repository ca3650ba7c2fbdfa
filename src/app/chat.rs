//! What members say to each other beside the text.
//!
//! A message is a note in its author's log: it travels, is journalled and is sent to newcomers as any
//! operation, and stands in the same order everywhere. Notes of another kind, and what is no message, are passed
//! over. A message's text is foreign until it is drawn.

use crate::crdt::{AuthorId, Log, Noted, OpId, Version};

/// The longest message, in characters: as much as some lines of a screen hold.
pub(super) const MAX_MESSAGE: usize = 1000;

/// How many messages can be looked at; older ones stay in the logs. (A guess: some days of talk.)
const MAX_SHOWN: usize = 1000;

/// What a note begins with that is a message; the rest of it is the text, in UTF-8.
const MESSAGE: u8 = 1;

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Message {
    lamport: u64,
    op: OpId,
    /// The author's wall clock in whole minutes since 1970.
    pub(super) minutes: u32,
    pub(super) text: String,
}

impl Message {
    pub(super) const fn author(&self) -> AuthorId {
        self.op.author
    }

    fn of(note: &Noted<'_>) -> Option<Self> {
        let (&MESSAGE, text) = note.bytes.split_first()? else {
            return None;
        };
        let text = std::str::from_utf8(text).ok()?;
        Some(Self {
            lamport: note.lamport,
            op: note.op,
            minutes: note.minutes,
            text: text.chars().take(MAX_MESSAGE).collect(),
        })
    }

    const fn place(&self) -> (u64, AuthorId, u32) {
        (self.lamport, self.op.author, self.op.seq)
    }
}

/// The note that says `text`.
pub(super) fn note(text: &str) -> Vec<u8> {
    let text: String = text.chars().take(MAX_MESSAGE).collect();
    [&[MESSAGE], text.as_bytes()].concat()
}

/// The messages, in their order.
#[derive(Default)]
pub(super) struct Chat {
    messages: Vec<Message>,
    /// What has been read of the logs, and how many notes that were.
    version: Version,
    notes: usize,
}

impl Chat {
    /// All that can be looked at, in their order.
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Takes in what has been said since the last call; the new messages, in their order. O(1) if nothing was.
    pub(super) fn follow(&mut self, log: &Log) -> Vec<Message> {
        if log.notes() == self.notes {
            return Vec::new();
        }
        let mut new = Vec::new();
        for note in log.notes_since(&self.version) {
            self.notes += 1;
            new.extend(Message::of(&note));
        }
        self.version = log.version().clone();
        new.sort_by_key(Message::place);
        self.messages.extend_from_slice(&new);
        self.messages.sort_by_key(Message::place);
        let old = self.messages.len().saturating_sub(MAX_SHOWN);
        self.messages.drain(..old);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::{Replica, Source};

    fn say(replica: &mut Replica, text: &str) -> (u32, Vec<u8>) {
        replica.note(&note(text));
        let seq = replica.commit(7, Source::Typed).expect("a note");
        let mut bytes = Vec::new();
        replica.log().batch_at(&replica.me(), seq, &mut bytes);
        (seq, bytes)
    }

    fn texts(chat: &Chat) -> Vec<&str> {
        let all = chat.messages().iter();
        all.map(|message| message.text.as_str()).collect()
    }

    #[test]
    fn messages_stand_in_one_order_however_they_come() {
        let [mut ann, mut ben] = [1, 2].map(|n| Replica::new(AuthorId([n; 16])));
        let first = say(&mut ann, "one");
        ben.merge(ann.me(), first.0, &first.1, &mut Vec::new());
        let answer = say(&mut ben, "two");
        let meanwhile = say(&mut ann, "three");
        let mut chats = [Chat::default(), Chat::default()];
        assert_eq!(chats[0].follow(ann.log()).len(), 2);
        chats[1].follow(ben.log());
        ann.merge(ben.me(), answer.0, &answer.1, &mut Vec::new());
        ben.merge(ann.me(), meanwhile.0, &meanwhile.1, &mut Vec::new());
        let new = chats[0].follow(ann.log());
        assert_eq!((new.len(), new[0].text.as_str()), (1, "two"));
        assert_eq!((new[0].author(), new[0].minutes), (ben.me(), 7));
        chats[1].follow(ben.log());
        assert_eq!(texts(&chats[0]), texts(&chats[1]));
        assert!(chats[0].follow(ann.log()).is_empty());
        let mut late = Chat::default();
        late.follow(ann.log());
        assert_eq!(texts(&late), texts(&chats[0]), "a newcomer's");
    }

    #[test]
    fn what_is_no_message_is_passed_over_and_what_is_too_long_is_cut() {
        let mut ann = Replica::new(AuthorId([1; 16]));
        for bytes in [
            &b""[..],
            b"\0text",
            b"\x02text",
            b"\x01\xff\xfe",
            b"\x01good",
        ] {
            ann.note(bytes);
        }
        ann.note(&[&[MESSAGE], "é".repeat(MAX_MESSAGE + 1).as_bytes()].concat());
        let mut chat = Chat::default();
        assert!(chat.follow(ann.log()).is_empty(), "not said yet");
        ann.commit(0, Source::Typed);
        chat.follow(ann.log());
        assert_eq!(texts(&chat), ["good", &"é".repeat(MAX_MESSAGE)]);
        assert_eq!(note(&"x".repeat(MAX_MESSAGE + 1)).len(), 1 + MAX_MESSAGE);
        for n in 0..MAX_SHOWN {
            ann.note(&note(&n.to_string()));
        }
        ann.commit(0, Source::Typed);
        chat.follow(ann.log());
        assert_eq!((texts(&chat).len(), texts(&chat)[0]), (MAX_SHOWN, "0"));
    }
}
