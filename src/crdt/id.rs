//! Names of authors and operations.
//!
//! Two forms of the same thing: [`OpId`] names an operation anywhere in the world, `Id` names it
//! inside one replica, where authors are interned to small numbers. Only `OpId` and [`AuthorId`]
//! leave a replica.

use std::fmt;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

/// An author: one process start of one member. Never used twice.
///
/// Ordered by its bytes; the order breaks ties between inserts of equal stamps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AuthorId(#[serde(with = "bin")] pub [u8; 16]);

impl AuthorId {
    /// The first eight hex digits, for logs and messages.
    pub fn short(&self) -> String {
        self.0[..4].iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The bytes as a number: numbers compare quicker than bytes, and big-endian ones in the same order.
    pub(crate) const fn number(&self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl fmt::Debug for AuthorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Author({})", self.short())
    }
}

/// The name of one operation, the same in every replica: its author and its sequence number.
///
/// An author's operations are numbered from 0 without gaps; every inserted character, every
/// delete, undo and note takes one number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct OpId {
    /// Who made the operation.
    pub author: AuthorId,
    /// Its number among the author's operations.
    pub seq: u32,
}

/// An author inside one replica: the index at which it was interned.
///
/// Stored plus one, so that `Option<Id>` takes no more room than `Id`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct AuthorIx(NonZeroU16);

impl AuthorIx {
    /// Author number `index` of a replica, below [`super::limits::MAX_AUTHORS`].
    pub(crate) const fn new(index: usize) -> Self {
        match NonZeroU16::new(index as u16 + 1) {
            Some(n) => Self(n),
            None => panic!("too many authors"),
        }
    }

    pub(crate) const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// The name of one operation inside one replica.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Id {
    pub(crate) author: AuthorIx,
    pub(crate) seq: u32,
}

impl Id {
    pub(crate) const fn new(author: AuthorIx, seq: u32) -> Self {
        Self { author, seq }
    }

    /// The id of the operation before by the same author, if there is one.
    pub(crate) fn before(self) -> Option<Self> {
        let seq = self.seq.checked_sub(1)?;
        Some(Self { seq, ..self })
    }

    /// The id `n` operations later by the same author.
    pub(crate) const fn plus(self, n: u32) -> Self {
        Self {
            author: self.author,
            seq: self.seq + n,
        }
    }
}

/// `#[serde(with)]` for exactly `N` bytes (an id, a key, a digest, a signature): one MessagePack `bin`, not an
/// array of numbers.
pub(crate) mod bin {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<const N: usize, S>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
    {
        to.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, const N: usize, D>(from: D) -> Result<[u8; N], D::Error>
    where
        D: Deserializer<'de>,
    {
        struct Bin<const N: usize>;
        impl<const N: usize> Visitor<'_> for Bin<N> {
            type Value = [u8; N];
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{N} bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<[u8; N], E> {
                bytes
                    .try_into()
                    .map_err(|_slice| E::invalid_length(bytes.len(), &self))
            }
        }
        from.deserialize_bytes(Bin)
    }
}
