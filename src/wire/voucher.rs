//! What vouches for a history, and travels in front of it: each author's seals.

use rmp_serde::{Deserializer, Serializer};
use serde::{Deserialize, Serialize};

use super::limits::{MAX_BATCHES, MAX_DEPTH, MAX_SEALS, MAX_VOUCHERS};
use super::message::Batch;
use super::serde_forms;
use crate::crdt::AuthorId;
use crate::crdt::id::bin;

/// An author's signatures that cover what a history holds of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Voucher {
    /// Whose.
    pub author: AuthorId,
    /// Its seals, by their ends.
    #[serde(deserialize_with = "serde_forms::list::<MAX_SEALS, _, _>")]
    pub seals: Vec<Signed>,
    /// The batches between the history's last of this author and the last seal, which wait for
    /// their causes or are invalid.
    #[serde(deserialize_with = "serde_forms::list::<MAX_BATCHES, _, _>")]
    pub waiting: Vec<Batch>,
}

/// Up to where an author has signed, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Signed {
    /// The number after the last operation.
    pub end: u32,
    /// The signature.
    #[serde(with = "bin")]
    pub signature: [u8; 64],
}

/// All that vouches for one history.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Vouchers {
    /// One for each author in the history.
    #[serde(deserialize_with = "serde_forms::list::<MAX_VOUCHERS, _, _>")]
    pub authors: Vec<Voucher>,
}

impl Vouchers {
    /// The vouchers and a history as one: the length of the vouchers (4 bytes), these, the history.
    pub fn before(&self, history: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        self.serialize(&mut Serializer::new(&mut bytes))
            .expect("our own types are encodable into memory");
        let length = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(history);
        bytes
    }

    /// Takes both apart again; `None` if they are not made like that.
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (mut vouchers, history) = rest.split_at_checked(length)?;
        let mut from = Deserializer::new(&mut vouchers);
        from.set_max_depth(MAX_DEPTH);
        let read = Self::deserialize(&mut from).ok()?;
        vouchers.is_empty().then_some((read, history))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vouchers_come_back_and_cut_ones_do_not() {
        let voucher = |n: u8| Voucher {
            author: AuthorId([n; 16]),
            seals: vec![
                Signed {
                    end: 5,
                    signature: [n; 64],
                };
                n.into()
            ],
            waiting: vec![Batch {
                width: 3,
                bytes: vec![n; 9],
            }],
        };
        let vouchers = Vouchers {
            authors: (0..20).map(voucher).collect(),
        };
        let whole = vouchers.before(b"the history");
        assert_eq!(
            Vouchers::split(&whole),
            Some((vouchers, &b"the history"[..]))
        );
        for end in 0..whole.len() - b"the history".len() {
            assert_eq!(Vouchers::split(&whole[..end]), None);
        }
        let mut longer = whole;
        longer[3] += 1;
        assert_eq!(Vouchers::split(&longer), None);
        assert_eq!(Vouchers::split(&[0xff; 40]), None);
    }
}
