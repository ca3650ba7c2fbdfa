//! Forms of fields on the wire: bounded lists and texts, bytes, addresses.

use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list of at most `MAX` elements. Grows as they come, whatever length was announced.
pub(super) fn list<'de, const MAX: usize, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct List<const MAX: usize, T>(PhantomData<T>);
    impl<'de, const MAX: usize, T: Deserialize<'de>> Visitor<'de> for List<MAX, T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX}")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            if let Some(announced) = seq.size_hint().filter(|announced| *announced > MAX) {
                return Err(A::Error::invalid_length(announced, &self));
            }
            let mut elements = Vec::new();
            while let Some(element) = seq.next_element()? {
                if elements.len() == MAX {
                    return Err(A::Error::invalid_length(MAX + 1, &self));
                }
                elements.push(element);
            }
            Ok(elements)
        }
    }
    from.deserialize_seq(List::<MAX, T>(PhantomData))
}

/// A text of at most `MAX` bytes.
pub(super) fn text<'de, const MAX: usize, D>(from: D) -> Result<String, D::Error>
where
    D: Deserializer<'de>,
{
    struct Text<const MAX: usize>;
    impl<const MAX: usize> Visitor<'_> for Text<MAX> {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a text of at most {MAX} bytes")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
            if text.len() > MAX {
                return Err(E::invalid_length(text.len(), &self));
            }
            Ok(text.to_owned())
        }
    }
    from.deserialize_str(Text::<MAX>)
}

/// Bytes as one MessagePack `bin`, at most `MAX` of them.
pub(super) fn bytes<'de, const MAX: usize, D>(from: D) -> Result<Vec<u8>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Bin<const MAX: usize>;
    impl<const MAX: usize> Visitor<'_> for Bin<MAX> {
        type Value = Vec<u8>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MAX} bytes")
        }
        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            if bytes.len() > MAX {
                return Err(E::invalid_length(bytes.len(), &self));
            }
            Ok(bytes.to_vec())
        }
    }
    from.deserialize_bytes(Bin::<MAX>)
}

/// The other direction of [`bytes`].
pub(super) fn to_bin<S: Serializer>(bytes: impl AsRef<[u8]>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes.as_ref())
}

/// A text of at most `MAX` bytes, or nothing.
pub(super) fn optional_text<'de, const MAX: usize, D>(from: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Optional<const MAX: usize>;
    impl<'de, const MAX: usize> Visitor<'de> for Optional<MAX> {
        type Value = Option<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a text of at most {MAX} bytes, or nothing")
        }
        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
            text::<MAX, D>(from).map(Some)
        }
    }
    from.deserialize_option(Optional::<MAX>)
}

/// An IP address as `bin` of 4 or 16 bytes. IPv4-mapped ones become IPv4.
#[derive(Clone, Copy)]
pub(super) struct Ip(pub(super) IpAddr);

impl Ip {
    fn read(bytes: &[u8]) -> Option<IpAddr> {
        if let Ok(four) = <[u8; 4]>::try_from(bytes) {
            return Some(IpAddr::from(four));
        }
        <[u8; 16]>::try_from(bytes)
            .ok()
            .map(|sixteen| IpAddr::from(sixteen).to_canonical())
    }

    fn write(self, out: &mut Vec<u8>) {
        match self.0.to_canonical() {
            IpAddr::V4(ip) => out.extend(ip.octets()),
            IpAddr::V6(ip) => out.extend(ip.octets()),
        }
    }
}

/// `#[serde(with)]` for an [`IpAddr`].
pub(super) mod ip {
    use super::{Deserializer, Error, Ip, IpAddr, Serializer, bytes};

    pub(in crate::wire) fn serialize<S: Serializer>(ip: &IpAddr, to: S) -> Result<S::Ok, S::Error> {
        let mut out = Vec::with_capacity(16);
        Ip(*ip).write(&mut out);
        to.serialize_bytes(&out)
    }

    pub(in crate::wire) fn deserialize<'de, D>(from: D) -> Result<IpAddr, D::Error>
    where
        D: Deserializer<'de>,
    {
        let found = bytes::<16, D>(from)?;
        Ip::read(&found).ok_or_else(|| D::Error::invalid_length(found.len(), &"4 or 16 bytes"))
    }
}

/// A socket address as `bin`: the IP address, then the port as two big-endian bytes.
struct Addr(SocketAddr);

impl Serialize for Addr {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut out = Vec::with_capacity(18);
        Ip(self.0.ip()).write(&mut out);
        out.extend(self.0.port().to_be_bytes());
        to.serialize_bytes(&out)
    }
}

impl<'de> Deserialize<'de> for Addr {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = bytes::<18, D>(from)?;
        found
            .split_last_chunk::<2>()
            .and_then(|(ip, port)| {
                Some(Self(SocketAddr::new(
                    Ip::read(ip)?,
                    u16::from_be_bytes(*port),
                )))
            })
            .ok_or_else(|| D::Error::invalid_length(found.len(), &"6 or 18 bytes"))
    }
}

/// `#[serde(with)]` for at most [`MAX_ADDRS`](super::limits::MAX_ADDRS) socket addresses.
pub(super) mod addrs {
    use super::{Addr, Deserializer, Serializer, SocketAddr, list};
    use crate::wire::limits::MAX_ADDRS;

    pub(in crate::wire) fn serialize<S: Serializer>(
        addrs: &[SocketAddr],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(addrs.iter().map(|addr| Addr(*addr)))
    }

    pub(in crate::wire) fn deserialize<'de, D>(from: D) -> Result<Vec<SocketAddr>, D::Error>
    where
        D: Deserializer<'de>,
    {
        let found = list::<MAX_ADDRS, Addr, D>(from)?;
        Ok(found.into_iter().map(|addr| addr.0).collect())
    }
}
