//! Cryptography that costs nothing and protects nothing: what is public is also secret, and nothing
//! is sealed. So thousands of members can meet in a second, and a message can be changed on its way.
//!
//! ```text
//! dialler  → knock:u8 key:32 rest:48       0 nothing agreed to, 1 open, 2 the code's hash, 3 a member
//! acceptor → verdict:u8 key:32 grant:48    0 come in; or why not
//! ```

use std::borrow::Cow;

use collab_edit::security::{
    Access, Channel, Code, Crypto, Door, Grant, Knock, MemberKeys, Peer, Progress, Refusal, Secret,
    Signature, Step,
};

const BYTES: usize = 1 + 32 + 48;

/// See the module.
pub(crate) struct Toy {
    pub(crate) member: [u8; 32],
    pub(crate) author: [u8; 32],
}

impl Toy {
    fn sign(key: &[u8; 32], bytes: &[u8]) -> Signature {
        let mut signature = [0; 64];
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(bytes).finalize_xof().fill(&mut signature);
        signature
    }
}

impl Crypto for Toy {
    fn member(&self) -> MemberKeys {
        MemberKeys {
            link: self.member,
            signing: self.member,
        }
    }

    fn author(&self) -> [u8; 32] {
        self.author
    }

    fn member_secret(&self) -> Secret {
        Secret::new(self.member)
    }

    fn make_code(&mut self) -> Code {
        Code::new("made here").expect("long enough")
    }

    fn dialler(&mut self, _: u16, knock: Knock) -> Box<dyn Channel> {
        let (kind, rest) = match knock {
            Knock::Newcomer(None) => (0, [0; 48]),
            Knock::Newcomer(Some(Access::Open)) => (1, [0; 48]),
            Knock::Newcomer(Some(Access::Code(code))) => (2, hash(&code)),
            Knock::Member(grant) => (3, bytes_of(&grant)),
        };
        let hello = message(kind, &self.member, &rest);
        Box::new(ToyChannel::Dials(hello))
    }

    fn acceptor(&mut self, _: u16, door: Door) -> Box<dyn Channel> {
        Box::new(ToyChannel::Accepts(door, self.member))
    }

    fn sign_as_member(&self, bytes: &[u8]) -> Signature {
        Self::sign(&self.member, bytes)
    }

    fn sign_as_author(&self, bytes: &[u8]) -> Signature {
        Self::sign(&self.author, bytes)
    }

    fn verify(&self, key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool {
        Self::sign(key, bytes) == *signature
    }
}

fn message(kind: u8, key: &[u8; 32], rest: &[u8; 48]) -> Vec<u8> {
    [&[kind][..], key, rest].concat()
}

fn hash(code: &Code) -> [u8; 48] {
    let mut hash = [0; 48];
    hash[..32].copy_from_slice(blake3::hash(code.reveal().as_bytes()).as_bytes());
    hash
}

fn bytes_of(grant: &Grant) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..16].copy_from_slice(&grant.session);
    bytes[16..].copy_from_slice(grant.secret.expose());
    bytes
}

enum ToyChannel {
    Dials(Vec<u8>),
    /// Whether it dialled as a newcomer.
    Waits(bool),
    Accepts(Door, [u8; 32]),
    Up,
}

impl Channel for ToyChannel {
    fn step(&mut self, received: &[u8]) -> Step {
        let waiting = |send| Step {
            consumed: 0,
            send,
            progress: Progress::Waiting,
        };
        let done = |send, key: &[u8], granted| Step {
            consumed: BYTES,
            send,
            progress: Progress::Done(Peer {
                key: key.try_into().expect("a key"),
                granted,
            }),
        };
        match std::mem::replace(self, Self::Up) {
            Self::Dials(hello) => {
                *self = Self::Waits(hello[0] < 3);
                waiting(hello)
            }
            state if received.len() < BYTES => {
                *self = state;
                waiting(Vec::new())
            }
            Self::Waits(newcomer) => {
                let refused = |refusal| Step {
                    progress: Progress::Rejected(refusal),
                    ..waiting(Vec::new())
                };
                let grant = Grant {
                    session: received[33..49].try_into().expect("an id"),
                    secret: Secret::new(received[49..BYTES].try_into().expect("a secret")),
                };
                match received[0] {
                    0 => done(Vec::new(), &received[1..33], newcomer.then_some(grant)),
                    1 => refused(Refusal::CodeNeeded),
                    2 => refused(Refusal::WrongCode),
                    3 => refused(Refusal::SessionIsOpen),
                    4 => refused(Refusal::HasCodeButOpen),
                    5 => refused(Refusal::OtherSession),
                    _ => refused(Refusal::Malformed),
                }
            }
            Self::Accepts(door, key) => {
                let rest = &received[33..BYTES];
                let verdict = match (received[0], &door.access) {
                    (0 | 1, Access::Code(_)) => 1,
                    (2, Access::Code(code)) if rest != hash(code) => 2,
                    (0, Access::Open) => 3,
                    (2, Access::Open) => 4,
                    (3, _) if rest != bytes_of(&door.grant) => 5,
                    (0..=3, _) => 0,
                    _ => 6,
                };
                let refusal = match verdict {
                    0 => {
                        let send = message(0, &key, &bytes_of(&door.grant));
                        return done(send, &received[1..33], None);
                    }
                    2 => Refusal::WrongCode,
                    5 => Refusal::OtherSession,
                    _ => Refusal::Malformed,
                };
                Step {
                    progress: Progress::Rejected(refusal),
                    ..waiting(message(verdict, &key, &[0; 48]))
                }
            }
            Self::Up => waiting(Vec::new()),
        }
    }

    fn seal(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(payload);
    }

    fn open<'a>(&mut self, sealed: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        Ok(Cow::Borrowed(sealed))
    }
}
