//! How large anything on the wire may be. Passing a limit costs the sender its link.

use crate::crdt::MAX_BATCH_BYTES;

/// The longest payload, in bytes: one batch of the greatest size and its envelope.
pub const MAX_PAYLOAD_BYTES: usize = MAX_BATCH_BYTES + (64 << 10);

/// The longest frame body, in bytes: a payload, and 4 KiB for what a channel adds to it
/// (16 bytes for each 65,519, with Noise).
pub const MAX_FRAME_BYTES: usize = MAX_PAYLOAD_BYTES + (4 << 10);

/// The deepest nesting of MessagePack values in a message.
pub const MAX_DEPTH: usize = 8;

/// The longest name of a member, in Unicode scalar values.
pub const MAX_NAME_CHARS: usize = 32;

/// The longest file name, in bytes (as on the common file systems).
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// The longest description of a file's format, in bytes.
pub const MAX_FORMAT_BYTES: usize = 256;

/// The longest session code, in bytes: 128 characters.
pub const MAX_CODE_BYTES: usize = 512;

/// The most addresses of one member.
pub const MAX_ADDRS: usize = 16;

/// The most authors of one member: how often it can be restarted in one session.
pub const MAX_AUTHORS_PER_MEMBER: usize = 1024;

/// The most entries of one `Members` message. The longest entries make about 830 KiB.
pub const MAX_ENTRIES: usize = 8;

/// The greatest revision of a member's entry, so that it can always be raised by its owner.
pub const MAX_REVISION: u64 = 1 << 53;

/// The most entries of one `Heads` message, and ranges of one `Want`.
pub const MAX_HEADS: usize = 16_384;

/// The longest history that is sent as a whole, in bytes: more than a hundred million typed
/// characters. Who has a longer one is asked for its batches.
pub const MAX_HISTORY_BYTES: usize = 64 << 20;

/// The length of each piece of a history but the last, in bytes: what a slow line (20 kB/s) takes a
/// second for, so that a typed key does not wait longer behind it.
pub const HISTORY_PIECE_BYTES: usize = 16 << 10;

/// The most authors whose seals travel with one history.
pub const MAX_VOUCHERS: usize = 65_536;

/// The most seals of one author that travel with one history: more than its batches can have.
pub const MAX_SEALS: usize = 1 << 22;

/// The most batches of one `Ops` message.
pub const MAX_BATCHES: usize = 8_192;
