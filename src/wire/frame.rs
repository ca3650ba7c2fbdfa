//! Frames: a big-endian `u32` length, then that many bytes.

use super::limits::MAX_FRAME_BYTES;

/// The bytes of a frame's length.
pub const PREFIX_BYTES: usize = 4;

/// Appends one frame to `out`; `fill` appends its body.
///
/// # Panics
///
/// If the body passes [`MAX_FRAME_BYTES`]: what is sent is ours, and within the limits.
pub fn write(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; PREFIX_BYTES]);
    fill(out);
    let length = out.len() - start - PREFIX_BYTES;
    assert!(length <= MAX_FRAME_BYTES, "a frame of {length} bytes");
    out[start..start + PREFIX_BYTES].copy_from_slice(&(length as u32).to_be_bytes());
}

/// A frame was announced that is longer than any may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a frame of {announced} bytes was announced; {MAX_FRAME_BYTES} is the limit")]
pub struct FrameTooLong {
    /// The length that was announced, in bytes.
    pub announced: usize,
}

/// What has been received on one connection and not been read yet.
///
/// Holds at most one incomplete frame and what came with one read: a length is checked before
/// anything waits for the frame, and room is taken as bytes come, not as they are announced.
#[derive(Default, Debug)]
pub struct Inbox {
    bytes: Vec<u8>,
    read: usize,
}

impl Inbox {
    /// Takes in received bytes. O(bytes), plus O(rest) for moving an unread rest.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.read > 0 {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
        if self.bytes.is_empty() && self.bytes.capacity() > MAX_IDLE_BYTES {
            self.bytes = Vec::new();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What has not been read.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.read..]
    }

    /// Marks the first `count` unread bytes as read.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn consume(&mut self, count: usize) {
        assert!(
            count <= self.unread().len(),
            "consumed {count} of {}",
            self.unread().len()
        );
        self.read += count;
    }

    /// The body of the next frame, or `None` if it is not all here.
    ///
    /// # Errors
    ///
    /// If its announced length passes [`MAX_FRAME_BYTES`].
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameTooLong> {
        let Some((prefix, rest)) = self.unread().split_first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let announced = u32::from_be_bytes(*prefix) as usize;
        if announced > MAX_FRAME_BYTES {
            return Err(FrameTooLong { announced });
        }
        if rest.len() < announced {
            return Ok(None);
        }
        let start = self.read + PREFIX_BYTES;
        self.read = start + announced;
        Ok(Some(&self.bytes[start..self.read]))
    }
}

/// The room that an inbox keeps when nothing is in it, in bytes.
const MAX_IDLE_BYTES: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_however_they_are_cut() {
        let bodies: [&[u8]; 4] = [b"", b"a", b"hello", &[7; 300]];
        let mut stream = Vec::new();
        for body in bodies {
            write(&mut stream, |out| out.extend_from_slice(body));
        }
        for piece in 1..stream.len() {
            let mut inbox = Inbox::default();
            let mut found = Vec::new();
            for bytes in stream.chunks(piece) {
                inbox.extend(bytes);
                while let Some(body) = inbox.next_frame().unwrap() {
                    found.push(body.to_vec());
                }
            }
            assert_eq!(found, bodies, "pieces of {piece}");
        }
    }

    #[test]
    fn an_absurd_length_is_refused_before_it_is_awaited() {
        let mut inbox = Inbox::default();
        inbox.extend(&u32::MAX.to_be_bytes());
        assert_eq!(
            inbox.next_frame(),
            Err(FrameTooLong {
                announced: u32::MAX as usize
            })
        );
        assert!(inbox.bytes.capacity() < 64);
    }
}
