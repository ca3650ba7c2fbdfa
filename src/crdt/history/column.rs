//! Columns: integers and bytes in a row, some of them packed on their way out, and bounded on their way in.

use std::borrow::Cow;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::super::limits::MAX_HISTORY_BYTES;
use super::Corrupt;

/// DEFLATE makes of one byte at most this many (RFC 1951: 258 bytes from two bits).
pub(super) const MAX_RATIO: usize = 1032;

const CUT: Corrupt = Corrupt::Malformed("a column ends too early");

pub(super) fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_sint(out: &mut Vec<u8>, value: i64) {
    put_uint(out, zigzag(value));
}

/// Differences as small numbers: 0, −1, 1, −2, …
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Appends a column as it is.
pub(super) fn put_column(out: &mut Vec<u8>, raw: &[u8]) {
    put_uint(out, raw.len() as u64);
    put_uint(out, raw.len() as u64);
    out.extend_from_slice(raw);
}

/// Appends a column, packed.
pub(super) fn put_packed(out: &mut Vec<u8>, raw: &[u8]) {
    let mut packed = Vec::with_capacity(raw.len() + 64);
    let status = Compress::new(Compression::default(), false).compress_vec(
        raw,
        &mut packed,
        FlushCompress::Finish,
    );
    if !matches!(status, Ok(Status::StreamEnd)) || packed.len() >= raw.len() {
        put_column(out, raw);
        return;
    }
    put_uint(out, raw.len() as u64);
    put_uint(out, packed.len() as u64);
    out.extend_from_slice(&packed);
}

/// A column as it was found.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a> {
    bytes: &'a [u8],
    raw: usize,
}

impl<'a> Packed<'a> {
    /// How many bytes it unpacks to.
    pub(super) const fn raw(&self) -> usize {
        self.raw
    }

    pub(super) fn unpack(self) -> Result<Cow<'a, [u8]>, Corrupt> {
        if self.raw == self.bytes.len() {
            return Ok(Cow::Borrowed(self.bytes));
        }
        let mut raw = Vec::with_capacity(self.raw);
        let mut reader = Decompress::new(false);
        let status = reader.decompress_vec(self.bytes, &mut raw, FlushDecompress::Finish);
        let whole = matches!(status, Ok(Status::StreamEnd))
            && raw.len() == self.raw
            && reader.total_in() == self.bytes.len() as u64;
        whole
            .then_some(Cow::Owned(raw))
            .ok_or(Corrupt::Malformed("a column does not unpack"))
    }
}

/// Reads integers and bytes one after the other.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(super) fn uint(&mut self) -> Result<u64, Corrupt> {
        // Most numbers are one byte or two.
        match self.0 {
            [byte @ 0..0x80, rest @ ..] => {
                self.0 = rest;
                Ok((*byte).into())
            }
            [low, high @ 0..0x80, rest @ ..] => {
                self.0 = rest;
                Ok(u64::from(*high) << 7 | u64::from(low & 0x7f))
            }
            _ => self.long_uint(),
        }
    }

    #[inline(never)]
    fn long_uint(&mut self) -> Result<u64, Corrupt> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(CUT)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Corrupt::Malformed("a number is too great"))
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, Corrupt> {
        u32::try_from(self.uint()?).map_err(|_great| Corrupt::Malformed("a number is too great"))
    }

    pub(super) fn sint(&mut self) -> Result<i64, Corrupt> {
        self.uint().map(unzigzag)
    }

    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Corrupt> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(CUT)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The next column; its promised size is bounded before memory is spent on it.
    pub(super) fn column(&mut self) -> Result<Packed<'a>, Corrupt> {
        let (raw, packed) = (self.uint()?, self.uint()?);
        let packed = usize::try_from(packed).map_err(|_great| CUT)?;
        let bytes = self.bytes(packed)?;
        match usize::try_from(raw) {
            Ok(raw) if raw > packed.saturating_mul(MAX_RATIO) => {
                Err(Corrupt::Malformed("a column promises too much"))
            }
            Ok(raw) if raw <= MAX_HISTORY_BYTES => Ok(Packed { bytes, raw }),
            _ => Err(Corrupt::TooLarge),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back() {
        let values = [0, 1, -1, 63, 64, -65, 1 << 31, i64::MAX, i64::MIN];
        let mut bytes = Vec::new();
        values.iter().for_each(|value| put_sint(&mut bytes, *value));
        let mut reader = Reader(&bytes);
        for value in values {
            assert_eq!(reader.sint(), Ok(value));
        }
        assert!(reader.is_empty());
        assert_eq!(reader.uint(), Err(CUT));
        assert!(Reader(&[0xff; 11]).uint().is_err());
    }

    #[test]
    fn columns_come_back_and_cannot_promise_too_much() {
        for raw in [&b""[..], b"a", &[7; 10_000]] {
            for put in [put_column, put_packed] {
                let mut bytes = Vec::new();
                put(&mut bytes, raw);
                let column = Reader(&bytes).column().unwrap();
                assert_eq!(column.unpack().unwrap(), raw);
            }
        }
        let mut bytes = Vec::new();
        put_uint(&mut bytes, 1 << 40);
        put_uint(&mut bytes, 1);
        bytes.push(0);
        assert!(Reader(&bytes).column().is_err());
    }
}
