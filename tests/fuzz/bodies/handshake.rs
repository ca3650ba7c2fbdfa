//! Handshakes of both ends, with all that can be between them.

use collab_edit::security::{
    Access, Channel, Code, Crypto, Door, Entropy, Grant, Identity, Knock, Progress, Secret,
};

/// More than any handshake says, so that one that goes on for ever is noticed.
const MOST_STEPS: usize = 10_000;

/// Who meets whom (one byte), what happens between them (one byte), and the bytes for that.
///
/// Between them the bytes are either all that one end hears, or a list of changes to what the two say. Who
/// is let in has said what has to be said, and has heard every byte as it was said.
pub(crate) fn handshake(bytes: &[u8]) {
    let [who, how, rest @ ..] = bytes else { return };
    let access = if who & 1 == 0 {
        Access::Open
    } else {
        code("otter-lamp-river-moon")
    };
    let (knock, fits) = match who >> 1 & 7 {
        0 => (Knock::Newcomer(None), false),
        1 => (Knock::Newcomer(Some(Access::Open)), access == Access::Open),
        2 => (
            Knock::Newcomer(Some(code("otter lamp river moon"))),
            access != Access::Open,
        ),
        3 => (Knock::Newcomer(Some(code("another-code"))), false),
        4 | 5 => (Knock::Member(grant(9)), true),
        6 => (Knock::Member(grant(8)), false),
        _ => (
            Knock::Member(Grant {
                session: [8; 16],
                ..grant(9)
            }),
            false,
        ),
    };
    // A man in the middle needs no code for an open session.
    let secret = !matches!(&knock, Knock::Newcomer(Some(Access::Open)));
    let dialler = End::new(identity(1).dialler(2, knock));
    let acceptor = End::new(identity(2).acceptor(
        2,
        Door {
            access: access.clone(),
            grant: grant(9),
        },
    ));
    match how % 4 {
        0 => alone(acceptor, rest, access != Access::Open),
        1 => alone(dialler, rest, secret),
        _ => between([dialler, acceptor], rest, fits),
    }
}

fn code(text: &str) -> Access {
    Access::Code(Code::new(text).expect("long enough"))
}

fn grant(number: u8) -> Grant {
    Grant {
        session: [9; 16],
        secret: Secret::new([number; 32]),
    }
}

fn identity(number: u8) -> Identity {
    let secret = Secret::new([number; 32]);
    Identity::new(secret.clone(), Entropy::new(&secret))
}

/// One end of a connection.
struct End {
    channel: Box<dyn Channel>,
    unread: Vec<u8>,
    /// How many bytes it has used.
    used: usize,
    progress: Progress,
    steps: usize,
}

impl End {
    fn new(channel: Box<dyn Channel>) -> Self {
        Self {
            channel,
            unread: Vec::new(),
            used: 0,
            progress: Progress::Waiting,
            steps: 0,
        }
    }

    /// Takes in bytes; what it says.
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.unread.extend(bytes);
        let mut said = Vec::new();
        while matches!(self.progress, Progress::Waiting | Progress::Guess) {
            self.steps += 1;
            assert!(self.steps < MOST_STEPS, "a handshake without an end");
            let step = self.channel.step(&self.unread);
            assert!(step.consumed <= self.unread.len(), "used what never came");
            self.unread.drain(..step.consumed);
            self.used += step.consumed;
            self.progress = step.progress;
            let idle = step.consumed == 0 && step.send.is_empty();
            said.extend(step.send);
            if idle {
                break;
            }
        }
        said
    }

    fn is_up(&self) -> bool {
        matches!(self.progress, Progress::Done(_))
    }
}

/// One end hears these bytes, and nobody who knows anything said them.
fn alone(mut end: End, bytes: &[u8], secret: bool) {
    let (cut, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    end.hear(&[]);
    for piece in bytes.chunks(1 + usize::from(*cut)) {
        end.hear(piece);
    }
    assert!(!end.is_up() || !secret, "let in by nothing");
    // Nothing is sealed or opened before.
    if !end.is_up() {
        let mut out = Vec::new();
        end.channel.seal(b"secret", &mut out);
        assert!(out.is_empty());
        assert!(end.channel.open(bytes).is_err());
    }
}

/// What is done to what one end says: at the byte with this number.
#[derive(Clone, Copy)]
struct Change {
    /// Whose words: 0 dials.
    of: usize,
    at: usize,
    kind: u8,
    by: u8,
}

impl Change {
    const BYTES: usize = 4;

    fn of(bytes: &[u8]) -> Self {
        Self {
            of: usize::from(bytes[0] & 1),
            at: usize::from(bytes[1]) + usize::from(bytes[0] >> 1 & 1) * 256,
            kind: bytes[2],
            by: bytes[3],
        }
    }
}

/// One direction: what was said, what arrives, and how far.
#[derive(Default)]
struct Wire {
    said: Vec<u8>,
    arrives: Vec<u8>,
    given: usize,
    cut_off: bool,
}

impl Wire {
    fn say(&mut self, me: usize, bytes: &[u8], changes: &[Change]) {
        for byte in bytes {
            let at = self.said.len();
            self.said.push(*byte);
            let mut arrives = vec![*byte];
            for change in changes.iter().filter(|it| (it.of, it.at) == (me, at)) {
                match change.kind % 5 {
                    0 => arrives.iter_mut().for_each(|byte| *byte ^= change.by),
                    1 => arrives.clear(),
                    2 => arrives.push(change.by),
                    // Said before, and said again.
                    3 => {
                        let from = at.saturating_sub(usize::from(change.by));
                        arrives.splice(0..0, self.said[from..at].iter().copied());
                    }
                    _ => self.cut_off = true,
                }
            }
            if !self.cut_off {
                self.arrives.extend(arrives);
            }
        }
    }

    fn take(&mut self, most: usize) -> Vec<u8> {
        let end = self.arrives.len().min(self.given + most);
        let piece = self.arrives[self.given..end].to_vec();
        self.given = end;
        piece
    }

    /// Whether the first `count` bytes arrived as they were said.
    fn is_true(&self, count: usize) -> bool {
        count <= self.said.len() && self.said[..count] == self.arrives[..count]
    }
}

fn between(mut ends: [End; 2], bytes: &[u8], fits: bool) {
    let (piece, bytes) = bytes.split_first().unwrap_or((&255, &[]));
    let changes: Vec<Change> = bytes
        .chunks_exact(Change::BYTES)
        .take(16)
        .map(Change::of)
        .collect();
    let mut wires: [Wire; 2] = Default::default();
    let said = [ends[0].hear(&[]), ends[1].hear(&[])];
    for me in 0..2 {
        wires[me].say(me, &said[me], &changes);
    }
    loop {
        let mut moved = false;
        for me in 0..2 {
            let came = wires[1 - me].take(1 + usize::from(*piece));
            moved |= !came.is_empty();
            let says = ends[me].hear(&came);
            wires[me].say(me, &says, &changes);
        }
        if !moved {
            break;
        }
    }
    for me in 0..2 {
        if ends[me].is_up() {
            assert!(fits, "end {me} let somebody in who has not what is needed");
            assert!(
                wires[1 - me].is_true(ends[me].used),
                "end {me} did not notice a change"
            );
        }
    }
    if changes.is_empty() {
        assert_eq!([ends[0].is_up(), ends[1].is_up()], [fits; 2]);
    }
    if ends.iter().all(End::is_up) {
        talk(ends, bytes);
    }
}

/// Payloads pass as they are, in their order, or not at all.
fn talk([mut dialler, mut acceptor]: [End; 2], bytes: &[u8]) {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let mut sealed = [Vec::new(), Vec::new()];
    dialler.channel.seal(first, &mut sealed[0]);
    dialler.channel.seal(second, &mut sealed[1]);
    if let [at, by, ..] = bytes {
        let mut changed = sealed[0].clone();
        let at = usize::from(*at) % changed.len().max(1);
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= by;
        }
        match acceptor.channel.open(&changed) {
            Ok(payload) => {
                assert!(*by == 0 && payload == first);
                let second_payload = acceptor.channel.open(&sealed[1]);
                assert!(second.is_empty() || second_payload.as_deref() == Ok(second));
            }
            Err(_) => assert!(*by != 0 || first.is_empty()),
        }
    }
}
