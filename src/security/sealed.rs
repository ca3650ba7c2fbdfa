//! The channel of the program: SPAKE2 turns a code into a key, Noise does the rest.
//!
//! ```text
//! dialler  → "collabed" version:u16 knock:u8               0 a newcomer, 1 a member
//!
//! a newcomer:
//! acceptor → "collabed" version:u16 access:u8              0 open, 1 a code is needed
//! dialler  → SPAKE2 (33 bytes)                             only with a code
//! acceptor → SPAKE2 (33 bytes)                             only with a code
//! dialler  → Noise message 1 (48 bytes)
//! acceptor → verdict:u8, Noise message 2 (144 bytes)       0 come in, 1 wrong code: nothing follows
//! dialler  → Noise message 3 (64 bytes)
//!
//! a member:
//! dialler  → Noise message 1 (48 bytes)                    at once
//! acceptor → "collabed" version:u16 verdict:u8             0 come in, 1 another session: nothing follows
//! acceptor → Noise message 2 (96 bytes)
//! dialler  → Noise message 3 (64 bytes)
//! ```
//!
//! Numbers are big-endian. Magic and version keep their places in every version to come, so that
//! two versions can always name each other; an acceptor of another version says nothing more.
//!
//! Noise is `Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s`; its prologue is everything that was said
//! before. The key that is mixed in first is, for newcomers, made of the key that SPAKE2 gave, or in
//! an open session of nothing secret; for members, of the session's secret. So message 1 proves
//! that the dialler has the code or is a member, message 2 that the acceptor does, and each side's
//! member key is bound to that. A newcomer finds the session in the payload of message 2.
//!
//! A code must never be the key of Noise itself: what is recorded could then be tried against all
//! codes. With SPAKE2, each attempt tries one.

use std::borrow::Cow;

use snow::resolvers::{CryptoResolver, DefaultResolver, FallbackResolver};
use snow::{HandshakeState, TransportState};
use spake2::{Ed25519Group, Identity, Password, Spake2};
use zeroize::{Zeroize, Zeroizing};

use super::channel::{Channel, Door, Grant, Knock, Peer, Progress, Refusal, Step};
use super::code::{Access, Code};
use super::secret::{Entropy, Secret};

/// What every connection begins with.
pub const MAGIC: [u8; 8] = *b"collabed";

const PATTERN: &str = "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s";
const GREETING_BYTES: usize = MAGIC.len() + 2;
const PAKE_BYTES: usize = 33;
const GRANT_BYTES: usize = 48;
/// The first Noise message: an ephemeral key and the tag of an empty payload.
const FIRST_BYTES: usize = 48;
/// The second, without its payload: an ephemeral key, a sealed member key, a tag.
const SECOND_BYTES: usize = 96;
/// The third: a sealed member key and a tag.
const THIRD_BYTES: usize = 64;
/// The longest Noise message, and how much of it is its tag.
const PART_BYTES: usize = 65_535;
const TAG_BYTES: usize = 16;

const NEWCOMER: u8 = 0;
const MEMBER: u8 = 1;
const OPEN: u8 = 0;
const CODE: u8 = 1;
const COME_IN: u8 = 0;
const TURNED_AWAY: u8 = 1;

/// See the module.
pub struct SealedChannel {
    version: u16,
    link: Secret,
    entropy: Entropy,
    /// Everything that was said before Noise, in its order.
    said: Vec<u8>,
    state: State,
}

enum State {
    /// The dialler, before it has said anything.
    Dialled(Knock),
    /// The newcomer awaits greeting and access.
    Asking(Option<Access>),
    /// The newcomer awaits the other half of SPAKE2.
    Guessing(Box<Spake2<Ed25519Group>>),
    /// The newcomer awaits verdict and message 2.
    Proving(Box<HandshakeState>),
    /// The member awaits greeting, verdict and message 2.
    Returning(Box<HandshakeState>),
    /// The acceptor awaits greeting and knock.
    Accepted(Door),
    /// The acceptor awaits the newcomer's half of SPAKE2.
    Asked(Door, Code),
    /// The acceptor awaits message 1. Whether it comes from a member.
    First(Door, Box<HandshakeState>, bool),
    /// The acceptor awaits message 3.
    Third(Box<HandshakeState>),
    /// The channel stands.
    Up(Box<TransportState>),
    /// The handshake has failed.
    Over,
}

impl SealedChannel {
    /// The dialling end, of protocol `version`, of the member whose link key is this.
    pub(super) const fn dialler(
        version: u16,
        knock: Knock,
        link: Secret,
        entropy: Entropy,
    ) -> Self {
        Self {
            version,
            link,
            entropy,
            said: Vec::new(),
            state: State::Dialled(knock),
        }
    }

    /// The accepting end.
    pub(super) const fn acceptor(version: u16, door: Door, link: Secret, entropy: Entropy) -> Self {
        Self {
            version,
            link,
            entropy,
            said: Vec::new(),
            state: State::Accepted(door),
        }
    }

    fn greeting(&self, last: u8) -> Vec<u8> {
        [&MAGIC[..], &self.version.to_be_bytes(), &[last]].concat()
    }

    /// The byte behind the other end's greeting, once that is whole and of our version.
    fn greeted(&self, received: &[u8]) -> Result<Option<u8>, Refusal> {
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
        Ok(rest.first().copied())
    }

    /// Noise, with a key of this secret, from here on.
    fn noise(&mut self, psk: &Secret, dials: bool) -> Box<HandshakeState> {
        let entropy = Entropy::new(&self.entropy.secret());
        let resolver = FallbackResolver::new(Box::new(Chance(entropy)), Box::new(DefaultResolver));
        let params = PATTERN.parse().expect("snow knows the pattern");
        let builder = snow::Builder::with_resolver(params, Box::new(resolver))
            .local_private_key(self.link.expose())
            .and_then(|builder| builder.prologue(&self.said))
            .and_then(|builder| builder.psk(0, psk.expose()));
        let built = builder.and_then(|builder| match dials {
            true => builder.build_initiator(),
            false => builder.build_responder(),
        });
        Box::new(built.expect("each part is given once"))
    }

    fn dial(&mut self, knock: Knock) -> Step {
        match knock {
            Knock::Newcomer(answer) => {
                let send = self.say(self.greeting(NEWCOMER));
                self.state = State::Asking(answer);
                wait(0, send)
            }
            Knock::Member(grant) => {
                let mut send = self.say(self.greeting(MEMBER));
                let mut noise = self.noise(&member_key(&grant), true);
                send.extend(write(&mut noise, &[], FIRST_BYTES));
                self.state = State::Returning(noise);
                wait(0, send)
            }
        }
    }

    /// Notes what is said before Noise.
    fn say(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.said.extend(&bytes);
        bytes
    }

    fn hear_access(&mut self, received: &[u8], answer: Option<Access>) -> Step {
        let access = match self.greeted(received) {
            Err(refusal) => return reject(refusal),
            Ok(None) => {
                self.state = State::Asking(answer);
                return wait(0, Vec::new());
            }
            Ok(Some(access)) => access,
        };
        let consumed = GREETING_BYTES + 1;
        self.said.extend(&received[..consumed]);
        match (access, answer) {
            (OPEN, Some(Access::Open)) => {
                let mut noise = self.noise(&open_key(), true);
                let send = write(&mut noise, &[], FIRST_BYTES);
                self.state = State::Proving(noise);
                wait(consumed, send)
            }
            (CODE, Some(Access::Code(code))) => {
                let (pake, send) = Spake2::start_a_with_rng(
                    &Password::new(code.password().as_bytes()),
                    &joiner(),
                    &member(),
                    &mut self.entropy,
                );
                let send = self.say(send);
                self.state = State::Guessing(Box::new(pake));
                wait(consumed, send)
            }
            (OPEN, Some(Access::Code(_))) => reject(Refusal::HasCodeButOpen),
            (OPEN, None) => reject(Refusal::SessionIsOpen),
            (CODE, Some(Access::Open) | None) => reject(Refusal::CodeNeeded),
            _ => reject(Refusal::Malformed),
        }
    }

    fn hear_pake(&mut self, received: &[u8], pake: Box<Spake2<Ed25519Group>>) -> Step {
        let Some(half) = received.get(..PAKE_BYTES) else {
            self.state = State::Guessing(pake);
            return wait(0, Vec::new());
        };
        self.said.extend(half);
        let Ok(key) = pake.finish(half) else {
            return reject(Refusal::Malformed);
        };
        let mut noise = self.noise(&code_key(key), true);
        let send = write(&mut noise, &[], FIRST_BYTES);
        self.state = State::Proving(noise);
        wait(PAKE_BYTES, send)
    }

    fn hear_verdict(&mut self, received: &[u8], noise: Box<HandshakeState>) -> Step {
        match received.split_first() {
            Some((&COME_IN, rest)) if rest.len() >= SECOND_BYTES + GRANT_BYTES => {
                let second = &rest[..SECOND_BYTES + GRANT_BYTES];
                self.finish_dialling(noise, second, 1 + second.len())
            }
            None | Some((&COME_IN, _)) => {
                self.state = State::Proving(noise);
                wait(0, Vec::new())
            }
            Some((&TURNED_AWAY, _)) => reject(Refusal::WrongCode),
            Some(_) => reject(Refusal::Malformed),
        }
    }

    fn hear_return(&mut self, received: &[u8], noise: Box<HandshakeState>) -> Step {
        let second = received.get(GREETING_BYTES + 1..GREETING_BYTES + 1 + SECOND_BYTES);
        match (self.greeted(received), second) {
            (Err(refusal), _) => reject(refusal),
            (Ok(Some(COME_IN)), Some(second)) => {
                self.finish_dialling(noise, second, GREETING_BYTES + 1 + SECOND_BYTES)
            }
            (Ok(None | Some(COME_IN)), _) => {
                self.state = State::Returning(noise);
                wait(0, Vec::new())
            }
            (Ok(Some(TURNED_AWAY)), _) => reject(Refusal::OtherSession),
            (Ok(Some(_)), _) => reject(Refusal::Malformed),
        }
    }

    /// The dialler's last step: reads message 2, writes message 3.
    fn finish_dialling(
        &mut self,
        mut noise: Box<HandshakeState>,
        second: &[u8],
        consumed: usize,
    ) -> Step {
        let Some(payload) = read(&mut noise, second) else {
            return reject(Refusal::Impostor);
        };
        let granted = grant_from(&payload);
        let send = write(&mut noise, &[], THIRD_BYTES);
        self.stand(noise, granted, consumed, send)
    }

    fn stand(
        &mut self,
        noise: Box<HandshakeState>,
        granted: Option<Grant>,
        consumed: usize,
        send: Vec<u8>,
    ) -> Step {
        let key = noise
            .get_remote_static()
            .and_then(|key| key.try_into().ok());
        match (noise.into_transport_mode(), key) {
            (Ok(up), Some(key)) => {
                self.state = State::Up(Box::new(up));
                Step {
                    consumed,
                    send,
                    progress: Progress::Done(Peer { key, granted }),
                }
            }
            _ => reject(Refusal::Malformed),
        }
    }

    fn accept(&mut self, received: &[u8], door: Door) -> Step {
        let knock = match self.greeted(received) {
            Err(refusal @ Refusal::VersionMismatch { .. }) => {
                let mut send = self.greeting(0);
                send.truncate(GREETING_BYTES);
                return Step {
                    send,
                    ..reject(refusal)
                };
            }
            Err(refusal) => return reject(refusal),
            Ok(None) => {
                self.state = State::Accepted(door);
                return wait(0, Vec::new());
            }
            Ok(Some(knock)) => knock,
        };
        let consumed = GREETING_BYTES + 1;
        self.said.extend(&received[..consumed]);
        match (knock, door.access.clone()) {
            (NEWCOMER, Access::Open) => {
                let send = self.say(self.greeting(OPEN));
                let noise = self.noise(&open_key(), false);
                self.state = State::First(door, noise, false);
                wait(consumed, send)
            }
            (NEWCOMER, Access::Code(code)) => {
                let send = self.say(self.greeting(CODE));
                self.state = State::Asked(door, code);
                wait(consumed, send)
            }
            (MEMBER, _) => {
                let noise = self.noise(&member_key(&door.grant), false);
                self.state = State::First(door, noise, true);
                wait(consumed, Vec::new())
            }
            _ => reject(Refusal::Malformed),
        }
    }

    fn answer_guess(&mut self, received: &[u8], door: Door, code: Code) -> Step {
        let Some(half) = received.get(..PAKE_BYTES) else {
            self.state = State::Asked(door, code);
            return wait(0, Vec::new());
        };
        self.said.extend(half);
        let (pake, send) = Spake2::<Ed25519Group>::start_b_with_rng(
            &Password::new(code.password().as_bytes()),
            &joiner(),
            &member(),
            &mut self.entropy,
        );
        let send = self.say(send);
        let Ok(key) = pake.finish(half) else {
            return reject(Refusal::Malformed);
        };
        let noise = self.noise(&code_key(key), false);
        self.state = State::First(door, noise, false);
        Step {
            consumed: PAKE_BYTES,
            send,
            progress: Progress::Guess,
        }
    }

    fn hear_first(
        &mut self,
        received: &[u8],
        door: Door,
        mut noise: Box<HandshakeState>,
        is_member: bool,
    ) -> Step {
        let Some(first) = received.get(..FIRST_BYTES) else {
            self.state = State::First(door, noise, is_member);
            return wait(0, Vec::new());
        };
        let proven = read(&mut noise, first).is_some();
        let mut send = match (is_member, proven) {
            (true, true) => self.greeting(COME_IN),
            (true, false) => self.greeting(TURNED_AWAY),
            (false, true) => vec![COME_IN],
            (false, false) => vec![TURNED_AWAY],
        };
        if !proven {
            let refusal = if is_member {
                Refusal::OtherSession
            } else {
                Refusal::WrongCode
            };
            return Step {
                send,
                ..reject(refusal)
            };
        }
        if is_member {
            send.extend(write(&mut noise, &[], SECOND_BYTES));
        } else {
            let grant = [&door.grant.session[..], door.grant.secret.expose()].concat();
            send.extend(write(
                &mut noise,
                &Zeroizing::new(grant),
                SECOND_BYTES + GRANT_BYTES,
            ));
        }
        self.state = State::Third(noise);
        wait(FIRST_BYTES, send)
    }

    fn hear_third(&mut self, received: &[u8], mut noise: Box<HandshakeState>) -> Step {
        let Some(third) = received.get(..THIRD_BYTES) else {
            self.state = State::Third(noise);
            return wait(0, Vec::new());
        };
        match read(&mut noise, third) {
            Some(_) => self.stand(noise, None, THIRD_BYTES, Vec::new()),
            None => reject(Refusal::Malformed),
        }
    }
}

impl Channel for SealedChannel {
    fn step(&mut self, received: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Dialled(knock) => self.dial(knock),
            State::Asking(answer) => self.hear_access(received, answer),
            State::Guessing(pake) => self.hear_pake(received, pake),
            State::Proving(noise) => self.hear_verdict(received, noise),
            State::Returning(noise) => self.hear_return(received, noise),
            State::Accepted(door) => self.accept(received, door),
            State::Asked(door, code) => self.answer_guess(received, door, code),
            State::First(door, noise, member) => self.hear_first(received, door, noise, member),
            State::Third(noise) => self.hear_third(received, noise),
            State::Up(_) | State::Over => reject(Refusal::Malformed),
        }
    }

    fn seal(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let State::Up(noise) = &mut self.state else {
            return;
        };
        for part in payload.chunks(PART_BYTES - TAG_BYTES) {
            let start = out.len();
            out.resize(start + part.len() + TAG_BYTES, 0);
            noise
                .write_message(part, &mut out[start..])
                .expect("a part fits, and 2⁶⁴ are never sent");
        }
    }

    fn open<'a>(&mut self, sealed: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        let State::Up(noise) = &mut self.state else {
            return Err(Refusal::Malformed);
        };
        if sealed.is_empty() {
            return Err(Refusal::Malformed);
        }
        let mut payload = Vec::with_capacity(sealed.len());
        for part in sealed.chunks(PART_BYTES) {
            let start = payload.len();
            let length = part.len().checked_sub(TAG_BYTES);
            let length = length.ok_or(Refusal::Malformed)?;
            payload.resize(start + length, 0);
            noise
                .read_message(part, &mut payload[start..])
                .map_err(|_error| Refusal::Malformed)?;
        }
        Ok(Cow::Owned(payload))
    }
}

/// Where Noise takes its ephemeral keys from.
struct Chance(Entropy);

impl CryptoResolver for Chance {
    fn resolve_rng(&self) -> Option<Box<dyn snow::types::Random>> {
        Some(Box::new(self.0.clone()))
    }

    fn resolve_dh(&self, _: &snow::params::DHChoice) -> Option<Box<dyn snow::types::Dh>> {
        None
    }

    fn resolve_hash(&self, _: &snow::params::HashChoice) -> Option<Box<dyn snow::types::Hash>> {
        None
    }

    fn resolve_cipher(
        &self,
        _: &snow::params::CipherChoice,
    ) -> Option<Box<dyn snow::types::Cipher>> {
        None
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

/// The two ends have different names, so that none can be answered with its own words.
fn joiner() -> Identity {
    Identity::new(b"collab-edit joiner")
}

fn member() -> Identity {
    Identity::new(b"collab-edit member")
}

fn code_key(mut key: Vec<u8>) -> Secret {
    let secret = Secret::new(blake3::derive_key("collab-edit 1 key of a code", &key));
    key.zeroize();
    secret
}

/// No secret: whoever finds an open session may come in. What follows is sealed all the same.
fn open_key() -> Secret {
    Secret::new(blake3::derive_key(
        "collab-edit 1 key of an open session",
        &[],
    ))
}

fn member_key(grant: &Grant) -> Secret {
    let purpose = "collab-edit 1 key of links between members";
    grant.secret.derive(purpose, &[&grant.session])
}

fn grant_from(bytes: &[u8]) -> Option<Grant> {
    let (session, secret) = bytes.split_first_chunk()?;
    Some(Grant {
        session: *session,
        secret: Secret::new(secret.try_into().ok()?),
    })
}

/// A handshake message of exactly this length.
fn write(noise: &mut HandshakeState, payload: &[u8], length: usize) -> Vec<u8> {
    let mut message = vec![0; length];
    let written = noise.write_message(payload, &mut message);
    assert_eq!(written.ok(), Some(length), "Noise messages have one length");
    message
}

/// The payload of a handshake message, if it is a good one.
fn read(noise: &mut HandshakeState, message: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut payload = Zeroizing::new(vec![0; message.len()]);
    let length = noise.read_message(message, &mut payload).ok()?;
    payload.truncate(length);
    Some(payload)
}

#[cfg(test)]
mod tests;
