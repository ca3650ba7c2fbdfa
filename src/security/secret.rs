//! Secret bytes, and random ones.

use std::fmt;

use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Thirty-two secret bytes: wiped when dropped, never shown, compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// These bytes, as a secret.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Never for a log or a screen.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Another secret, made of this one for one purpose (BLAKE3's key derivation mode).
    pub fn derive(&self, purpose: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        hasher.update(&self.0);
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        // Hashes of this library compare in constant time.
        blake3::Hash::from(self.0) == blake3::Hash::from(other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// An endless stream of unpredictable bytes from one secret seed (BLAKE3 in its extendable-output
/// mode). Equal seeds give equal streams, so that whoever starts a member decides about chance.
#[derive(Clone)]
pub struct Entropy(blake3::OutputReader);

impl Entropy {
    /// The stream of `seed`.
    pub fn new(seed: &Secret) -> Self {
        let hasher = blake3::Hasher::new_keyed(seed.expose());
        Self(hasher.finalize_xof())
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// The next secret.
    pub fn secret(&mut self) -> Secret {
        Secret::new(self.bytes())
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(…)")
    }
}

impl CryptoRng for Entropy {}

impl RngCore for Entropy {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        self.0.fill(to);
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(to);
        Ok(())
    }
}

impl snow::types::Random for Entropy {
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), snow::Error> {
        self.0.fill(to);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new([0xab; 32]);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(
            format!("{:?}", Entropy::new(&secret)),
            "Entropy(…)",
            "nor what comes of it"
        );
    }

    #[test]
    fn a_secret_is_wiped() {
        let mut secret = Secret::new([0xab; 32]);
        secret.zeroize();
        assert_eq!(secret.expose(), &[0; 32]);
        // This is what dropping one does, or the test does not compile.
        fn is_wiped_when_dropped(_: &impl ZeroizeOnDrop) {}
        is_wiped_when_dropped(&secret);
    }

    #[test]
    fn each_purpose_has_its_own_secret() {
        let secret = Secret::new([1; 32]);
        let one = secret.derive("one", &[b"a"]);
        assert_eq!(one, secret.derive("one", &[b"a"]));
        for other in [secret.derive("two", &[b"a"]), secret.derive("one", &[b"b"])] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn equal_seeds_give_equal_bytes() {
        let mut one = Entropy::new(&Secret::new([1; 32]));
        let mut again = Entropy::new(&Secret::new([1; 32]));
        let mut other = Entropy::new(&Secret::new([2; 32]));
        let first: [u8; 40] = one.bytes();
        assert_eq!(first, again.bytes());
        assert_ne!(first, other.bytes());
        assert_ne!(first, one.bytes());
    }
}
