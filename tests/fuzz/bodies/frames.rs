//! Frames out of a stream, however it is cut.

use collab_edit::wire::Inbox;
use collab_edit::wire::limits::MAX_FRAME_BYTES;

/// The first byte says into pieces of which lengths the others are cut. The inbox finds what a reader finds
/// who has all of them at once, and keeps no more room than came.
pub(crate) fn frames(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else {
        return;
    };
    let mut expected = Vec::new();
    let mut rest = stream;
    let mut too_long = false;
    while let Some((prefix, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*prefix) as usize;
        too_long = length > MAX_FRAME_BYTES;
        if too_long || behind.len() < length {
            break;
        }
        expected.push(&behind[..length]);
        rest = &behind[length..];
    }
    let mut inbox = Inbox::default();
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut refused = false;
    let mut at = 0;
    let mut piece = usize::from(*cut);
    while at < stream.len() && !refused {
        // Pieces of one length, or growing ones.
        let end = stream.len().min(at + 1 + piece % 128);
        piece = piece * if *cut > 127 { 3 } else { 1 } % 1024;
        inbox.extend(&stream[at..end]);
        at = end;
        loop {
            match inbox.next_frame() {
                Ok(Some(body)) => found.push(body.to_vec()),
                Ok(None) => break,
                Err(error) => {
                    assert!(error.announced > MAX_FRAME_BYTES);
                    refused = true;
                    break;
                }
            }
        }
    }
    assert_eq!(found, expected);
    assert_eq!(refused, too_long);
    if !refused {
        assert_eq!(inbox.unread(), rest);
    }
}
