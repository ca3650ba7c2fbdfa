//! A channel that compares version and code, and seals nothing.
//!
//! ```text
//! dialler  → "collabed" version:u16                      at once
//! acceptor → "collabed" version:u16 access:u8            0 open, 1 code needed
//! dialler  → length:u8 answer                            BLAKE3 of the code; nothing if open
//! acceptor → verdict:u8                                  0 come in, 1 wrong code
//! ```
//!
//! Numbers are big-endian. Magic and version keep their places in every version to come, so that
//! two versions can always name each other; an acceptor of another version says nothing more. The
//! dialler learns whether there is a code before it says one: so it can ask a person for it, never
//! shows its code to a session without one, and enters an open session only when it has agreed to.

use std::borrow::Cow;

use super::channel::{Channel, Progress, Refusal, Step};
use super::code::{Access, Code};

/// What every connection begins with.
pub const MAGIC: [u8; 8] = *b"collabed";

const GREETING_BYTES: usize = MAGIC.len() + 2;
const ACCESS_OPEN: u8 = 0;
const ACCESS_CODE: u8 = 1;
const COME_IN: u8 = 0;
const WRONG_CODE: u8 = 1;

/// A channel that seals nothing. Whoever is on the wire can read and change everything.
pub struct PlainChannel {
    version: u16,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The dialler, before it has said anything; what it may answer with.
    Dialled(Option<Access>),
    /// The dialler awaits greeting and access.
    Greeted(Option<Access>),
    /// The dialler awaits the verdict.
    Answered,
    /// The acceptor awaits a greeting.
    Accepted(Access),
    /// The acceptor awaits a code.
    Asked(Access),
    /// The handshake is over, well or badly.
    Over,
}

impl PlainChannel {
    /// The dialling end, of protocol `version`. `answer` is a code, the agreement to enter an open
    /// session, or neither.
    pub const fn dialler(version: u16, answer: Option<Access>) -> Self {
        Self {
            version,
            state: State::Dialled(answer),
        }
    }

    /// The accepting end of a session with this `access`.
    pub const fn acceptor(version: u16, access: Access) -> Self {
        Self {
            version,
            state: State::Accepted(access),
        }
    }

    fn greeting(&self) -> Vec<u8> {
        [&MAGIC[..], &self.version.to_be_bytes()].concat()
    }

    /// The bytes after the other end's greeting, once that is whole and of our version.
    fn after_greeting<'a>(&self, received: &'a [u8]) -> Result<Option<&'a [u8]>, Refusal> {
        let seen = received.len().min(MAGIC.len());
        if received[..seen] != MAGIC[..seen] {
            return Err(Refusal::NotOurProtocol);
        }
        let Some((version, rest)) = received
            .get(MAGIC.len()..)
            .and_then(<[u8]>::split_first_chunk::<2>)
        else {
            return Ok(None);
        };
        let theirs = u16::from_be_bytes(*version);
        if theirs != self.version {
            return Err(Refusal::VersionMismatch {
                theirs,
                ours: self.version,
            });
        }
        Ok(Some(rest))
    }

    fn greeted(&mut self, received: &[u8], answer: Option<Access>) -> Step {
        let access = match self.after_greeting(received) {
            Err(refusal) => return reject(refusal),
            Ok(rest) => rest.and_then(<[u8]>::first),
        };
        let send = match (access, answer) {
            (None, answer) => {
                self.state = State::Greeted(answer);
                return wait(0, Vec::new());
            }
            (Some(&ACCESS_OPEN), Some(Access::Open)) => vec![0],
            (Some(&ACCESS_OPEN), Some(Access::Code(_))) => return reject(Refusal::HasCodeButOpen),
            (Some(&ACCESS_OPEN), None) => return reject(Refusal::SessionIsOpen),
            (Some(&ACCESS_CODE), Some(Access::Code(code))) => said(&code),
            (Some(&ACCESS_CODE), Some(Access::Open) | None) => return reject(Refusal::CodeNeeded),
            (Some(_), _) => return reject(Refusal::Malformed),
        };
        self.state = State::Answered;
        wait(GREETING_BYTES + 1, send)
    }

    fn answered(&mut self, received: &[u8]) -> Step {
        match received.first() {
            None => {
                self.state = State::Answered;
                wait(0, Vec::new())
            }
            Some(&COME_IN) => Step {
                consumed: 1,
                send: Vec::new(),
                progress: Progress::Done,
            },
            Some(&WRONG_CODE) => reject(Refusal::WrongCode),
            Some(_) => reject(Refusal::Malformed),
        }
    }

    fn accepted(&mut self, received: &[u8], access: Access) -> Step {
        match self.after_greeting(received) {
            Err(refusal @ Refusal::VersionMismatch { .. }) => Step {
                send: self.greeting(),
                ..reject(refusal)
            },
            Err(refusal) => reject(refusal),
            Ok(None) => {
                self.state = State::Accepted(access);
                wait(0, Vec::new())
            }
            Ok(Some(_)) => {
                let mut send = self.greeting();
                send.push(if access == Access::Open {
                    ACCESS_OPEN
                } else {
                    ACCESS_CODE
                });
                self.state = State::Asked(access);
                wait(GREETING_BYTES, send)
            }
        }
    }

    fn asked(&mut self, received: &[u8], access: Access) -> Step {
        let Some((length, rest)) = received.split_first() else {
            self.state = State::Asked(access);
            return wait(0, Vec::new());
        };
        let Some(answer) = rest.get(..usize::from(*length)) else {
            self.state = State::Asked(access);
            return wait(0, Vec::new());
        };
        let admitted = match &access {
            Access::Open => answer.is_empty(),
            Access::Code(code) => is_hash_of(code, answer),
        };
        if !admitted {
            return Step {
                send: vec![WRONG_CODE],
                ..reject(Refusal::WrongCode)
            };
        }
        Step {
            consumed: 1 + answer.len(),
            send: vec![COME_IN],
            progress: Progress::Done,
        }
    }
}

impl Channel for PlainChannel {
    fn step(&mut self, received: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Dialled(answer) => {
                self.state = State::Greeted(answer);
                wait(0, self.greeting())
            }
            State::Greeted(answer) => self.greeted(received, answer),
            State::Answered => self.answered(received),
            State::Accepted(access) => self.accepted(received, access),
            State::Asked(access) => self.asked(received, access),
            State::Over => reject(Refusal::Malformed),
        }
    }

    fn seal(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(payload);
    }

    fn open<'a>(&mut self, sealed: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        Ok(Cow::Borrowed(sealed))
    }
}

const fn wait(consumed: usize, send: Vec<u8>) -> Step {
    Step {
        consumed,
        send,
        progress: Progress::Waiting,
    }
}

const fn reject(refusal: Refusal) -> Step {
    Step {
        consumed: 0,
        send: Vec::new(),
        progress: Progress::Rejected(refusal),
    }
}

/// A code as it is said: its hash, which has one length whatever the code's is.
fn said(code: &Code) -> Vec<u8> {
    let mut answer = vec![blake3::OUT_LEN as u8];
    answer.extend(blake3::hash(code.reveal().as_bytes()).as_bytes());
    answer
}

/// Compares in a time that does not depend on where the two differ.
fn is_hash_of(code: &Code, answer: &[u8]) -> bool {
    <[u8; blake3::OUT_LEN]>::try_from(answer)
        .is_ok_and(|hash| blake3::hash(code.reveal().as_bytes()) == hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Access {
        Access::Code(Code::new(text).unwrap())
    }

    /// Runs a handshake, `piece` bytes at a time; how each end finds that it ends.
    fn shake(mut ends: [PlainChannel; 2], piece: usize) -> [Progress; 2] {
        let mut found = [Progress::Waiting, Progress::Waiting];
        let mut wires: [Vec<u8>; 2] = [ends[0].step(&[]).send, ends[1].step(&[]).send];
        let mut unread: [Vec<u8>; 2] = Default::default();
        while !(wires[0].is_empty() && wires[1].is_empty()) {
            for me in 0..2 {
                let came = piece.min(wires[1 - me].len());
                unread[me].extend(wires[1 - me].drain(..came));
                while found[me] == Progress::Waiting {
                    let step = ends[me].step(&unread[me]);
                    unread[me].drain(..step.consumed);
                    wires[me].extend(&step.send);
                    found[me] = step.progress;
                    if step.consumed == 0 {
                        break;
                    }
                }
            }
        }
        found
    }

    #[test]
    fn the_right_answer_lets_in_and_others_are_told_why() {
        use Progress::{Done, Rejected, Waiting};
        let (right, wrong) = (code("otter-lamp"), code("otter-lamb"));
        let rejected = |refusal: Refusal| Rejected(refusal);
        for (access, answer, dialler, acceptor) in [
            (right.clone(), Some(right.clone()), Done, Done),
            (Access::Open, Some(Access::Open), Done, Done),
            (
                right.clone(),
                Some(wrong),
                rejected(Refusal::WrongCode),
                rejected(Refusal::WrongCode),
            ),
            (right.clone(), None, rejected(Refusal::CodeNeeded), Waiting),
            (
                right.clone(),
                Some(Access::Open),
                rejected(Refusal::CodeNeeded),
                Waiting,
            ),
            (
                Access::Open,
                Some(right),
                rejected(Refusal::HasCodeButOpen),
                Waiting,
            ),
            (
                Access::Open,
                None,
                rejected(Refusal::SessionIsOpen),
                Waiting,
            ),
        ] {
            for piece in [1, 7, 100] {
                let ends = [
                    PlainChannel::dialler(1, answer.clone()),
                    PlainChannel::acceptor(1, access.clone()),
                ];
                assert_eq!(shake(ends, piece), [dialler.clone(), acceptor.clone()]);
            }
        }
    }

    #[test]
    fn versions_name_each_other() {
        let ends = [
            PlainChannel::dialler(2, Some(Access::Open)),
            PlainChannel::acceptor(1, Access::Open),
        ];
        let mismatch = |theirs, ours| Progress::Rejected(Refusal::VersionMismatch { theirs, ours });
        assert_eq!(shake(ends, 1), [mismatch(1, 2), mismatch(2, 1)]);
    }

    #[test]
    fn other_protocols_are_known_by_their_first_bytes() {
        for greeting in [
            &b"SSH-2.0-"[..],
            b"HTTP/1.1 400",
            b"collabex",
            b"c0",
            b"\x16\x03\x01",
        ] {
            let mut dialler = PlainChannel::dialler(1, None);
            dialler.step(&[]);
            let found = dialler.step(greeting).progress;
            assert_eq!(found, Progress::Rejected(Refusal::NotOurProtocol));
            let found = PlainChannel::acceptor(1, Access::Open)
                .step(greeting)
                .progress;
            assert_eq!(found, Progress::Rejected(Refusal::NotOurProtocol));
        }
    }
}
