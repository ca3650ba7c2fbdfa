//! The keys of a member, what it signs with them, and what it keeps to come back.
//!
//! A member has one secret, kept with the session; two keys are made of it: one by which links know
//! it, one with which it signs its entry in the roster. Each process start has a signing key of its
//! own besides, the author's, which is never kept. All names are hashes of keys: nobody can take
//! another's.

use std::cell::RefCell;
use std::collections::HashMap;

use ed25519_dalek::{Signer as _, SigningKey, Verifier as _, VerifyingKey};
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};
use zeroize::Zeroizing;

use super::channel::{Channel, Door, Grant, Knock};
use super::code::{Access, Code};
use super::sealed::SealedChannel;
use super::secret::{Entropy, Secret};

/// A signature (Ed25519), in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// How many keys of others are kept ready for checking. More than a session has members at once.
const MAX_READY_KEYS: usize = 256;

/// A signature.
pub type Signature = [u8; SIGNATURE_BYTES];

/// The cryptography of one process of one member. The session takes it as an argument, so that
/// simulations can take one that costs nothing.
pub trait Crypto: Send {
    /// What everybody may know of the member.
    fn member(&self) -> MemberKeys;

    /// The key under which this process writes.
    fn author(&self) -> [u8; 32];

    /// What is to be kept for the next process of this member.
    fn member_secret(&self) -> Secret;

    /// A session code that nobody can foresee.
    fn make_code(&mut self) -> Code;

    /// The dialling end of a connection.
    fn dialler(&mut self, version: u16, knock: Knock) -> Box<dyn Channel>;

    /// The accepting end of a connection.
    fn acceptor(&mut self, version: u16, door: Door) -> Box<dyn Channel>;

    /// Signs as the member.
    fn sign_as_member(&self, bytes: &[u8]) -> Signature;

    /// Signs as the author.
    fn sign_as_author(&self, bytes: &[u8]) -> Signature;

    /// Whether the owner of `key` signed this.
    fn verify(&self, key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool;
}

/// A member's public keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberKeys {
    /// By which links know it (X25519).
    pub link: [u8; 32],
    /// With which it signs its entry (Ed25519).
    pub signing: [u8; 32],
}

impl MemberKeys {
    /// The name of the member that has these keys.
    pub fn id(&self) -> [u8; 16] {
        hash16("collab-edit 1 member id", &[&self.link, &self.signing])
    }
}

/// The name of the author that has this key and is this member, in this session. So nobody can give
/// another's author out as its own.
pub fn author_id(session: &[u8; 16], member: &[u8; 16], key: &[u8; 32]) -> [u8; 16] {
    hash16("collab-edit 1 author id", &[session, member, key])
}

fn hash16(purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(purpose);
    for part in parts {
        hasher.update(part);
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    id
}

/// The cryptography of the program: SPAKE2, Noise and Ed25519.
pub struct Identity {
    member: Secret,
    link: Secret,
    keys: MemberKeys,
    member_signing: SigningKey,
    author_signing: SigningKey,
    entropy: Entropy,
    /// Keys of others as points, which a tenth of a check goes into.
    ready: RefCell<HashMap<[u8; 32], VerifyingKey>>,
}

impl Identity {
    /// The member with this secret, in a process with this randomness.
    pub fn new(member: Secret, mut entropy: Entropy) -> Self {
        let link = member.derive("collab-edit 1 member link key", &[]);
        let signing = member.derive("collab-edit 1 member signing key", &[]);
        let member_signing = SigningKey::from_bytes(signing.expose());
        let author_signing = SigningKey::from_bytes(entropy.secret().expose());
        let keys = MemberKeys {
            link: public_of(&link),
            signing: member_signing.verifying_key().to_bytes(),
        };
        Self {
            member,
            link,
            keys,
            member_signing,
            author_signing,
            entropy,
            ready: RefCell::default(),
        }
    }

    /// The key that these bytes are, unless it is one under which a signature may fit any text (of small order).
    fn ready_key(&self, bytes: &[u8; 32]) -> Option<VerifyingKey> {
        let mut ready = self.ready.borrow_mut();
        if let Some(key) = ready.get(bytes) {
            return Some(*key);
        }
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        if key.is_weak() {
            return None;
        }
        if ready.len() == MAX_READY_KEYS {
            ready.clear();
        }
        ready.insert(*bytes, key);
        Some(key)
    }
}

impl Crypto for Identity {
    fn member(&self) -> MemberKeys {
        self.keys
    }

    fn author(&self) -> [u8; 32] {
        self.author_signing.verifying_key().to_bytes()
    }

    fn member_secret(&self) -> Secret {
        self.member.clone()
    }

    fn make_code(&mut self) -> Code {
        Code::make(&mut self.entropy)
    }

    fn dialler(&mut self, version: u16, knock: Knock) -> Box<dyn Channel> {
        let entropy = Entropy::new(&self.entropy.secret());
        Box::new(SealedChannel::dialler(
            version,
            knock,
            self.link.clone(),
            entropy,
        ))
    }

    fn acceptor(&mut self, version: u16, door: Door) -> Box<dyn Channel> {
        let entropy = Entropy::new(&self.entropy.secret());
        Box::new(SealedChannel::acceptor(
            version,
            door,
            self.link.clone(),
            entropy,
        ))
    }

    fn sign_as_member(&self, bytes: &[u8]) -> Signature {
        self.member_signing.sign(bytes).to_bytes()
    }

    fn sign_as_author(&self, bytes: &[u8]) -> Signature {
        self.author_signing.sign(bytes).to_bytes()
    }

    fn verify(&self, key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        // With weak keys out of the way a signature binds its key and its text, whatever its R is: Chalkias,
        // Garillot, Nikolaenko, "Taming the many EdDSAs" (2020). So no strict check, which takes a sixth more.
        self.ready_key(key)
            .is_some_and(|key| key.verify(bytes, &signature).is_ok())
    }
}

/// The public half of an X25519 key.
fn public_of(private: &Secret) -> [u8; 32] {
    let mut key = DefaultResolver
        .resolve_dh(&DHChoice::Curve25519)
        .expect("this build has X25519");
    key.set(private.expose());
    let mut public = [0; 32];
    public.copy_from_slice(key.pubkey());
    public
}

/// What a member keeps, in a file that nobody else may read, to come back to its session without a
/// code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// The member's own secret.
    pub member: Secret,
    /// The session, and what its members share.
    pub grant: Grant,
    /// Who may come in.
    pub access: Access,
    /// The stamp of that.
    pub stamp: u64,
}

/// Why bytes are no kept keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the kept keys are damaged, or another version of the program wrote them")]
pub struct NoKeys;

/// The version of the form in which keys are kept.
const KEPT: u8 = 1;

impl Keys {
    /// The keys as bytes: a version, the two secrets and the session's id, the stamp, the code.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let code = match &self.access {
            Access::Open => "",
            Access::Code(code) => code.reveal(),
        };
        Zeroizing::new(
            [
                &[KEPT][..],
                self.member.expose(),
                &self.grant.session,
                self.grant.secret.expose(),
                &self.stamp.to_be_bytes(),
                code.as_bytes(),
            ]
            .concat(),
        )
    }

    /// What [`to_bytes`](Self::to_bytes) made.
    ///
    /// # Errors
    ///
    /// If it did not make these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NoKeys> {
        let rest = bytes.strip_prefix(&[KEPT]).ok_or(NoKeys)?;
        let (member, rest) = rest.split_first_chunk().ok_or(NoKeys)?;
        let (session, rest) = rest.split_first_chunk().ok_or(NoKeys)?;
        let (secret, rest) = rest.split_first_chunk().ok_or(NoKeys)?;
        let (stamp, code) = rest.split_first_chunk().ok_or(NoKeys)?;
        let access = if code.is_empty() {
            Access::Open
        } else {
            let code = std::str::from_utf8(code).map_err(|_error| NoKeys)?;
            Access::Code(Code::new(code).map_err(|_error| NoKeys)?)
        };
        Ok(Self {
            member: Secret::new(*member),
            grant: Grant {
                session: *session,
                secret: Secret::new(*secret),
            },
            access,
            stamp: u64::from_be_bytes(*stamp),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(member: u8, process: u8) -> Identity {
        let entropy = Entropy::new(&Secret::new([process; 32]));
        Identity::new(Secret::new([member; 32]), entropy)
    }

    #[test]
    fn a_member_is_the_same_after_a_restart_and_its_author_another() {
        let (before, after, other) = (identity(1, 1), identity(1, 2), identity(2, 1));
        assert_eq!(before.member(), after.member());
        assert_ne!(before.author(), after.author());
        assert_ne!(before.member().id(), other.member().id());
        let id = |session, member: &Identity| {
            author_id(&[session; 16], &member.member().id(), &before.author())
        };
        assert_ne!(id(1, &before), id(2, &before));
        assert_ne!(id(1, &before), id(1, &other));
    }

    #[test]
    fn a_signature_holds_for_its_text_and_its_key_alone() {
        let (one, other) = (identity(1, 1), identity(2, 2));
        let signature = one.sign_as_member(b"text");
        let key = one.member().signing;
        assert!(other.verify(&key, b"text", &signature));
        assert!(!other.verify(&key, b"texT", &signature));
        assert!(!other.verify(&other.member().signing, b"text", &signature));
        assert!(!other.verify(&one.author(), b"text", &signature));
        let mut flipped = signature;
        flipped[40] ^= 1;
        assert!(!other.verify(&key, b"text", &flipped));
        // A key of small order "signs" everything.
        assert!(!other.verify(&[0; 32], b"text", &[0; 64]));
    }

    #[test]
    fn any_number_of_keys_is_checked_and_a_bounded_one_kept() {
        let one = identity(1, 1);
        for number in 0..MAX_READY_KEYS as u32 + 10 {
            let mut seed = [0; 32];
            seed[..4].copy_from_slice(&number.to_le_bytes());
            let signing = SigningKey::from_bytes(&seed);
            let key = signing.verifying_key().to_bytes();
            let signature = signing.sign(b"text").to_bytes();
            assert!(one.verify(&key, b"text", &signature));
            assert!(one.verify(&key, b"text", &signature));
            assert!(!one.verify(&key, b"texT", &signature));
            assert!(one.ready.borrow().len() <= MAX_READY_KEYS);
        }
    }

    #[test]
    fn kept_keys_come_back_and_nothing_else_does() {
        for access in [
            Access::Open,
            Access::Code(Code::new("otter-lamp-river-moon").unwrap()),
        ] {
            let keys = Keys {
                member: Secret::new([1; 32]),
                grant: Grant {
                    session: [2; 16],
                    secret: Secret::new([3; 32]),
                },
                access,
                stamp: 7,
            };
            let bytes = keys.to_bytes();
            assert_eq!(Keys::from_bytes(&bytes), Ok(keys.clone()));
            let shown = format!("{keys:?}");
            assert!(
                !shown.contains("otter") && !shown.contains("1, 1"),
                "{shown}"
            );
        }
        for bad in [&[][..], &[2; 89], &[1; 88], &[1; 90]] {
            assert_eq!(Keys::from_bytes(bad), Err(NoKeys));
        }
    }
}
