//! Every bound and every period of the session. Those without a source are estimates for a local
//! network of up to 64 members.

use std::time::Duration;

pub use crate::wire::limits::HISTORY_PIECE_BYTES;

/// The most links at once. With oneself that makes a mesh of 64 members.
pub const MAX_LINKS: usize = 63;

/// The most dials to members that are under way at once: as many as there can be links. A list of members
/// that somebody made up is dialled a few at a time.
pub const MAX_DIALS: usize = MAX_LINKS;

/// The most accepted connections at once that have not said who they are. The oldest goes when
/// there is one more: whoever may come in is not kept out by those who only knock.
pub const MAX_STRANGERS: usize = 64;

/// Of those, the most from one place. This machine itself is not counted: whoever runs here has
/// nearer ways.
pub const MAX_STRANGERS_PER_PLACE: usize = 16;

/// How many wrong codes cost no waiting.
pub const FREE_GUESSES: u32 = 5;

/// How far apart answers are after one more; each further one doubles it, up to the most.
pub const GUESS_PAUSE_FIRST: Duration = Duration::from_millis(125);

/// How far apart answers are at the most. At that pace 40 bits last 17,000 years on average.
pub const GUESS_PAUSE_MOST: Duration = Duration::from_secs(1);

/// After how long without a wrong code the earlier ones are forgotten.
pub const GUESS_MEMORY: Duration = Duration::from_secs(600);

/// How often at most people are told of wrong codes.
pub const GUESSES_TOLD: Duration = Duration::from_secs(10);

/// How many warnings for the log strangers may cause in each [`GUESSES_TOLD`]. Those that are left out are
/// counted.
pub const MAX_STRANGER_WARNINGS: u32 = 16;

/// How far the stamp of who may come in may be ahead of what is known: nobody changes a code so often, and
/// no member can use up all stamps, after which nobody could change it any more.
pub const MAX_ACCESS_STEP: u64 = 1 << 20;

/// The most places for which wrong codes are counted one by one.
pub const MAX_GUESSING_PLACES: usize = 1024;

/// The most members that one session can have known.
pub const MAX_MEMBERS: usize = 1024;

/// The most authors whose heads one link may name.
pub const MAX_REMOTE_AUTHORS: usize = 65_536;

/// What may be on its way to the socket of one link, in bytes; one message may pass it.
pub const MAX_IN_FLIGHT_BYTES: usize = 256 << 10;

/// Where one `Ops` message ends, in bytes of batches, unless a single batch is longer.
pub const OPS_BYTES: usize = 64 << 10;

/// How far one author's stamps may be ahead of the others' while a link is sent several authors'
/// logs: as many batches may have to wait for their causes there. (A guess: far below what may
/// wait, and enough for long messages.)
pub const TURN_STAMPS: u64 = 256;

/// From how many missing operations on the history is fetched as a whole instead of as batches. (Half
/// an hour of fast typing; as batches 50 kB.)
pub const HISTORY_OPS: u64 = 10_000;

/// … if they are at least this part of all: one in so many. (A history takes half a byte an operation
/// and a tenth of a microsecond to build, batches five bytes and a microsecond.)
pub const HISTORY_PART: u64 = 8;

/// … and if there is a batch in so many of them. Long texts that were put in at once are better off as
/// batches.
pub const HISTORY_BATCH_OPS: u64 = 10;

/// How many histories may be kept at once for the links that are being sent them.
pub const MAX_ENCODED: usize = 2;

/// What may be on its way to the socket of one link when a piece of a history is added, in bytes: keys
/// that are typed meanwhile wait behind no more.
pub const HISTORY_IN_FLIGHT_BYTES: usize = 2 * HISTORY_PIECE_BYTES;

/// How long fetching a history may take in all before batches are asked for instead: nobody can hold up
/// the others' edits for longer. (At 20 kB/s these are some million edits.)
pub const FETCH_LONGEST: Duration = Duration::from_secs(120);

/// How many heads the texts that others had on their disks are remembered with, and one more for each text:
/// a megabyte or two. Of a few members these are hours of saves.
pub const MAX_SAVED_HEADS: usize = 1 << 16;

/// How long the logs are at rest before the text is hashed for comparison: at most so often is it
/// hashed, and never while somebody types.
pub const PROOF_CALM: Duration = Duration::from_secs(1);

/// How many hashes of our own text are kept, to compare with what comes late.
pub const MAX_PROOFS: usize = 8;

/// How long there is no other alarm about the same member, since each keeps a text on disk.
pub const ALARM_PERIOD: Duration = Duration::from_secs(60);

/// The most addresses of ours that others have told us they see us at.
pub const MAX_OBSERVED_ADDRS: usize = 4;

/// How often one process takes its own entry back from others who claim a later one. Two processes
/// that took themselves for one member would otherwise outbid each other for ever.
pub const MAX_RECLAIMS: u8 = 16;

/// How long a connection may take from standing to the other end's `Hello`. Together with
/// [`DIAL_TIMEOUT`] for two addresses it keeps the answer to a joiner within ten seconds.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(4);

/// How long `net` tries one address.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(3);

/// How often each link is pinged.
pub const PING_PERIOD: Duration = Duration::from_secs(3);

/// After how long without a byte a link counts as dead.
pub const DEAD_AFTER: Duration = Duration::from_secs(8);

/// After how long without taking a byte, though some wait, a link counts as stalled.
pub const STALLED_AFTER: Duration = Duration::from_secs(30);

/// The shortest time between two `Heads` on one link.
pub const HEADS_PERIOD: Duration = Duration::from_millis(100);

/// The same for the heads of others than the member at the other end, for each link that we have: so
/// what heads cost a link does not grow with the session.
pub const OTHERS_PERIOD: Duration = Duration::from_millis(12);

/// The shortest time between two `Presence` on one link: two frames of a screen.
pub const PRESENCE_PERIOD: Duration = Duration::from_millis(33);

/// For how much time's presences may come at once, at twice the rate at which they are sent: a line may
/// stick for [`STALLED_AFTER`], and what was sent meanwhile comes then.
pub const PRESENCE_ALLOWANCE: Duration = STALLED_AFTER;

/// How long operations of an author with a link of its own may be missing before they are asked
/// for elsewhere.
pub const PUSH_PATIENCE: Duration = Duration::from_millis(200);

/// How long something asked for may make no progress before it is asked for elsewhere.
pub const WANT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many times over a link may let [`WANT_TIMEOUT`] pass while a frame is arriving on it.
pub const WANT_EXTENSIONS: u8 = 12;

/// The longest first wait before dialling again.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(100);

/// The longest wait before dialling again.
pub const BACKOFF_MOST: Duration = Duration::from_secs(2);

/// The longest wait before dialling a member again that has been away for [`LONG_AWAY`].
pub const BACKOFF_LONG_AWAY: Duration = Duration::from_secs(30);

/// After how long a member counts as away for long.
pub const LONG_AWAY: Duration = Duration::from_secs(600);

/// How long a link must have been up to count as a good one, after which dialling starts afresh.
pub const GOOD_LINK: Duration = Duration::from_secs(5);

/// How long the member with the greater id leaves dialling a new member to the one with the
/// smaller.
pub const COURTESY: Duration = Duration::from_millis(300);

/// How long someone just met may take to come in before dials in vain mean that it is away.
pub const ENTERING: Duration = Duration::from_secs(1);
