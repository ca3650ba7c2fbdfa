//! A member in a session, and another one that may say anything at any time.

use std::net::SocketAddr;
use std::time::Duration;

use collab_edit::app::core::Core;
use collab_edit::crdt::AuthorId;
use collab_edit::document::{CharPos, EditKind};
use collab_edit::security::{Access, Crypto, Grant, Knock, Secret, author_id};
use collab_edit::session::limits::{MAX_IN_FLIGHT_BYTES, OPS_BYTES};
use collab_edit::session::{Command, Config, Input, Inside, LinkId, Time};
use collab_edit::wire::{Hello, MemberEntry, MemberId, Message, Name, SessionId, frame};

#[path = "../../sim/toy.rs"]
#[allow(dead_code, reason = "the simulator's")]
mod toy;

use toy::Toy;

/// What a byte means that is no message.
const WAIT: u8 = 32;
const STUCK: u8 = 33;
const EDIT: u8 = 34;
const RAW: u8 = 35;
const AGAIN: u8 = 36;

/// How often a member may want to be called at one moment.
const MOST_CALLS: usize = 1000;

/// A byte that says what happens, a byte that says how many belong to it, and those, again and again. A byte
/// without a meaning of its own is the kind of a message, whose fields follow.
pub(crate) fn session(bytes: &[u8]) {
    let mut member = Member::new();
    member.meet();
    let mut rest = bytes;
    while let [what, length, behind @ ..] = rest {
        let (with, behind) = behind.split_at(behind.len().min((*length).into()));
        rest = behind;
        match *what {
            WAIT => {
                let most = with.first().copied().unwrap_or(1);
                member.wait(Duration::from_millis(40 * u64::from(most)));
            }
            STUCK => member.stuck = !member.stuck,
            EDIT => member.edit(with),
            RAW => member.hear(with.to_vec()),
            AGAIN => member.meet(),
            kind => {
                let mut bytes = Vec::new();
                frame::write(&mut bytes, |out| {
                    out.push(kind);
                    out.extend(with);
                });
                member.hear(bytes);
            }
        }
    }
    member.wait(Duration::from_secs(3));
    member.core.document().check_invariants();
}

struct Member {
    core: Core,
    now: Time,
    links: u64,
    /// Whether the other end takes nothing.
    stuck: bool,
}

impl Member {
    fn new() -> Self {
        let grant = Grant {
            session: [1; 16],
            secret: Secret::new([2; 32]),
        };
        let config = Config {
            name: Name::new("a member"),
            crypto: Box::new(Toy {
                member: [1; 32],
                author: [1; 32],
            }),
            inside: Some(Inside {
                grant,
                access: Access::Open,
                stamp: 0,
                properties: Default::default(),
            }),
            kept: Vec::new(),
            seed: 1,
            history_ops: 20,
        };
        let mut member = Self {
            core: Core::new(config, Time(0)),
            now: Time(0),
            links: 0,
            stuck: false,
        };
        let addrs = vec![SocketAddr::from(([10, 0, 0, 1], 4700))];
        member.input(Input::Listening { addrs });
        member.core.load("a text, é日x\n", 0);
        member.core.flush(None, member.now, 0);
        member.after();
        member
    }

    /// The other one dials, is let in and says who it is.
    fn meet(&mut self) {
        let from = SocketAddr::from(([10, 0, 0, 2], 4700));
        self.links += 1;
        let link = self.link();
        self.input(Input::Accepted { link, from });
        let mut other = Toy {
            member: [2; 32],
            author: [3; 32],
        };
        let knock = Knock::Newcomer(Some(Access::Open));
        let knocks = other.dialler(2, knock).step(&[]).send;
        self.hear(knocks);
        let keys = other.member();
        let mut me = MemberEntry {
            member: MemberId(keys.id()),
            link_key: keys.link,
            signing_key: keys.signing,
            name: Name::new("another"),
            addrs: vec![from],
            authors: vec![AuthorId(author_id(&other.author, &[1; 16]))],
            left: false,
            revision: 1,
            signature: [0; 64],
        };
        me.signature = other.sign_as_member(&me.signed_bytes(&SessionId([1; 16])));
        let hello = Hello {
            session: None,
            me,
            you: [10, 0, 0, 1].into(),
        };
        let mut bytes = Vec::new();
        frame::write(&mut bytes, |out| Message::Hello(hello).encode(out));
        self.hear(bytes);
    }

    const fn link(&self) -> LinkId {
        LinkId::Accepted(self.links)
    }

    fn hear(&mut self, bytes: Vec<u8>) {
        let link = self.link();
        self.input(Input::Received { link, bytes });
    }

    fn input(&mut self, input: Input) {
        self.core.handle(input, self.now);
        self.after();
    }

    fn edit(&mut self, with: &[u8]) {
        let length = self.core.document().len();
        let at = |byte: u8| CharPos(usize::from(byte) % (length + 1));
        let [from, to, text @ ..] = with else { return };
        let (from, to) = (at(*from), at(*to));
        let text = String::from_utf8_lossy(text).replace('\0', " ");
        let range = from.min(to)..from.max(to);
        self.core.edit(range, &text, EditKind::Type, self.now);
        self.core.flush(None, self.now, 0);
        self.after();
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        let mut calls = 0;
        while let Some(at) = self.core.next_deadline().filter(|at| *at <= end) {
            calls = if at > self.now { 0 } else { calls + 1 };
            assert!(calls < MOST_CALLS, "it wants to be called for ever");
            self.now = self.now.max(at);
            self.input(Input::Deadline);
        }
        self.now = end;
    }

    /// What it wants done: what is sent arrives, and who is dialled does not answer.
    fn after(&mut self) {
        while let Some(command) = self.core.next_command() {
            match command {
                Command::Transmit { link, bytes } if !self.stuck => {
                    let bytes = bytes.len();
                    self.core.handle(Input::Flushed { link, bytes }, self.now);
                }
                Command::Dial { link, .. } => {
                    let why = "nobody".to_owned();
                    self.core.handle(Input::DialFailed { link, why }, self.now);
                }
                _ => {}
            }
        }
        while self.core.next_event().is_some() {}
        while self.core.next_divergence().is_some() {}
        let session = self.core.session();
        let most = (self.links as usize + 1) * (MAX_IN_FLIGHT_BYTES + 4 * OPS_BYTES);
        assert!(session.in_flight() <= most, "{} bytes", session.in_flight());
    }
}
