//! A session: the protocol as a state machine.
//!
//! It decides everything about members, links, synchronisation, presence and liveness, and does
//! nothing itself: no IO, no clock, no randomness but from its seed.
//!
//! The contract:
//! - What happens is told with [`Session::handle`], with the time, which never goes back, and the
//!   authors' logs as they are then.
//! - After each `handle`, [`Session::poll`] is drained, and what it gives is done in order.
//! - At [`Session::next_deadline`], which may change with each `handle`, it wants
//!   [`Input::Deadline`].
//! - Equal seeds and equal inputs give equal outputs.
//!
//! Invariants:
//! 1. The logs are the send queue: a link holds cursors, never messages. What is on its way to one
//!    socket is bounded, and no link waits for another.
//! 2. Nothing that comes on a link can harm more than that link.
//! 3. Once up, at most one link leads to each member.
//!
//! The inside, in the order in which a link lives: `io` (what goes in and out), `reconnect` (when a member is
//! dialled), `links` (how links come about and end), `door` (who comes in; wrong codes), `link` (one connection,
//! with its cursors), `membership` (the roster), `hear` (what each message brings about), `vouch` (who wrote what
//! came), `sync` (what is missing, and whom it is asked from), `catch_up` (everything at once), `proof` (whether
//! texts are equal), `ledger` (who has what on disk), `pump` (what a link says next). [`limits`] has every bound;
//! `time` and `rng` are the two arguments.
//!
//! Deliberately not here: text, files, sockets. Batches are opaque bytes; whether they are valid
//! is told back with [`Input::Merged`].

mod catch_up;
mod door;
mod hear;
mod io;
mod ledger;
pub mod limits;
mod link;
mod links;
mod membership;
mod proof;
mod pump;
mod reconnect;
mod rng;
mod sync;
#[cfg(test)]
mod tests;
mod time;
mod vouch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

pub use io::{
    Command, Event, Input, LinkId, MemberState, MemberView, Output, Refused, Target, Verdict,
};
pub use ledger::{OnDisk, behind};
pub use time::Time;
pub use vouch::{NewSeals, Vouched};

use crate::crdt::{AuthorId, LogSource, Seals, Stretch, Version};
use crate::security::{Access, Crypto, Grant, Keys, author_id};
use crate::wire::{MemberEntry, MemberId, Name, Presence, Properties, SessionId, Vouchers};
use catch_up::{Fetch, Served};
use door::{Watch, author_key};
use ledger::SavedTexts;
use link::{HeadsDue, Link, Purpose};
use membership::Roster;
use proof::Proofs;
use reconnect::Redial;
use rng::SplitMix64;
use sync::Chases;
use vouch::Vouch;

/// What a session starts with.
pub struct Config {
    /// What we are called.
    pub name: Name,
    /// Our keys, which also say who we are.
    pub crypto: Box<dyn Crypto>,
    /// The session, founded or kept. `None` for a newcomer.
    pub inside: Option<Inside>,
    /// The entries of a kept session, from [`Session::entries`].
    pub kept: Vec<MemberEntry>,
    /// Where jitter comes from.
    pub seed: u64,
    /// From how many missing operations on the history is fetched as a whole:
    /// [`limits::HISTORY_OPS`], but for those who try that out with little.
    pub history_ops: u64,
}

/// What is known of a session by those who are in it.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Its id and its secret: random bytes, for a session that is founded.
    pub grant: Grant,
    /// Who may come in.
    pub access: Access,
    /// The stamp of that: 0 for a session that is founded; see [`Session::keys`].
    pub stamp: u64,
    /// What its members share beside the text.
    pub properties: Properties,
}

#[cfg(test)]
impl Config {
    /// Member `number`, who founds an open session or is a newcomer.
    pub(crate) fn for_test(number: u8, founded: bool, properties: Properties) -> Self {
        use crate::security::{Entropy, Identity, Secret};
        let secret = Secret::new([number; 32]);
        Self {
            name: Name::new("m"),
            crypto: Box::new(Identity::new(secret.clone(), Entropy::new(&secret))),
            inside: founded.then_some(Inside {
                grant: Grant {
                    session: [1; 16],
                    secret,
                },
                access: Access::Open,
                stamp: 0,
                properties,
            }),
            kept: Vec::new(),
            seed: number.into(),
            history_ops: u64::MAX,
        }
    }
}

/// Who we are.
#[derive(Clone, Debug)]
struct Me {
    member: MemberId,
    /// New with this process. Before a newcomer knows the session, a name that nobody sees.
    author: AuthorId,
}

/// The session as one member takes part in it. See the module's documentation for its contract.
pub struct Session {
    me: Me,
    crypto: Box<dyn Crypto>,
    session: Option<SessionId>,
    properties: Option<Properties>,
    /// The session's secret; a newcomer has it before it is welcomed.
    grant: Option<Grant>,
    access: Option<Access>,
    access_stamp: u64,
    /// Counts the changes of who may come in, so that a link needs one number.
    access_changes: u64,
    watch: Watch,
    roster: Roster,
    peers: BTreeMap<MemberId, Peer>,
    /// Members of the kept roster of whom nothing has been heard since the start. Those who left are
    /// dialled all the same: we were away, and they may be back.
    unheard: BTreeSet<MemberId>,
    links: BTreeMap<LinkId, Link>,
    vouch: Vouch,
    chases: Chases,
    /// From how many missing operations on the history is fetched as a whole.
    history_ops: u64,
    fetch: Option<Fetch>,
    served: Served,
    proofs: Proofs,
    joining: Option<Joining>,
    presence: Presence,
    on_disk: Option<OnDisk>,
    /// Raised with every change of `on_disk`.
    on_disk_clock: u64,
    saved_texts: SavedTexts,
    /// Addresses that turned out to be our own.
    selves: BTreeSet<SocketAddr>,
    rng: SplitMix64,
    next_link: u64,
    own_next: u32,
    left: bool,
    outputs: VecDeque<Output>,
}

/// Another member, beside its entry in the roster.
#[derive(Debug)]
struct Peer {
    /// The one link that leads to it.
    link: Option<LinkId>,
    /// The dial to it that is under way.
    dialling: Option<LinkId>,
    redial: Redial,
    /// Since when it is connected, or not.
    since: Time,
    presence: Option<Presence>,
    /// What it said last that it has on its disk.
    on_disk: Option<OnDisk>,
    /// The author that wrote at the other end of its last link.
    author: Option<AuthorId>,
    /// How many operations of each of our authors it was known to have at last.
    acked: Vec<(AuthorId, u32)>,
    /// How many operations we had made when its first link came up; it has come in once it has them.
    entering: Option<u32>,
    /// Whether it has had what was there when it came.
    entered: bool,
    /// Why the last dial to it came to nothing, in words.
    trouble: Option<String>,
    /// When there was an alarm about its text.
    alarmed: Option<Time>,
    delay: Option<Duration>,
    /// What the user was told last.
    shown: Option<(MemberState, String)>,
}

impl Peer {
    /// A link to it stands; `author` writes at its other end. We have made `own` operations.
    fn linked(&mut self, link: LinkId, author: Option<AuthorId>, own: u32, now: Time) {
        if self.link.is_none() {
            self.since = now;
        }
        self.link = Some(link);
        if std::mem::replace(&mut self.author, author).is_some_and(|old| Some(old) != author) {
            // It was started anew, and may have lost what it had said it has.
            self.acked.clear();
            (self.entering, self.entered) = (None, false);
        }
        self.entering.get_or_insert(own);
        self.trouble = None;
        self.presence = None;
    }

    /// How many of `author`'s operations, who is us, it is known to have.
    fn acked_of(&self, author: AuthorId) -> u32 {
        let has = |(of, has): &(AuthorId, u32)| (*of == author).then_some(*has);
        self.acked.iter().find_map(has).unwrap_or(0)
    }
}

/// The attempt to join.
#[derive(Debug)]
struct Joining {
    access: Option<Access>,
    /// The link we join through; `None` once it has been lost, until there is another.
    link: Option<LinkId>,
    /// What the member we join through had and we lack; `None` before its first heads.
    goal: Option<Version>,
}

/// The authors that the member of an entry has been in a session, the last one the newest.
pub fn authors(entry: &MemberEntry, session: &SessionId) -> Vec<AuthorId> {
    membership::ids(entry, session).collect()
}

impl Session {
    /// A session that has not begun to talk.
    pub fn new(config: Config, now: Time) -> Self {
        let Config {
            name,
            crypto,
            inside,
            kept,
            seed,
            history_ops,
        } = config;
        let session = inside.as_ref().map(|inside| inside.grant.session);
        let member = crypto.member().id();
        let me = Me {
            member: MemberId(member),
            author: AuthorId(author_id(
                &session.unwrap_or_default(),
                &member,
                &crypto.author(),
            )),
        };
        let unheard = kept.iter().map(|entry| entry.member).collect();
        // A newcomer does not know yet what it signs.
        let author = author_key(crypto.as_ref(), &SessionId(session.unwrap_or_default()));
        let session = session.map(SessionId);
        let roster = Roster::new(session, author, name, crypto.member(), kept);
        let access_stamp = inside.as_ref().map_or(0, |inside| inside.stamp);
        let mut new = Self {
            me,
            crypto,
            session,
            properties: inside.as_ref().map(|inside| inside.properties.clone()),
            grant: inside.as_ref().map(|inside| inside.grant.clone()),
            access: inside.map(|inside| inside.access),
            access_stamp,
            access_changes: access_stamp.min(1),
            watch: Watch::default(),
            roster,
            peers: BTreeMap::new(),
            unheard,
            links: BTreeMap::new(),
            vouch: Vouch::default(),
            chases: Chases::default(),
            history_ops,
            fetch: None,
            served: Served::default(),
            proofs: Proofs::new(now),
            joining: None,
            presence: Presence::default(),
            on_disk: None,
            on_disk_clock: 0,
            saved_texts: SavedTexts::default(),
            selves: BTreeSet::new(),
            rng: SplitMix64::new(seed),
            next_link: 0,
            own_next: 0,
            left: false,
            outputs: VecDeque::new(),
        };
        let others: Vec<MemberId> = new.roster.entries().map(|entry| entry.member).collect();
        for member in others {
            new.meet(member, now);
        }
        new.sign_entry();
        // Those that are kept were in the session before.
        new.peers.values_mut().for_each(|peer| peer.entered = true);
        new
    }

    /// Takes in what has happened, and decides.
    ///
    /// O(links + members) and the size of the input.
    pub fn handle(&mut self, mut input: Input, now: Time, log: &impl LogSource) {
        if self.left {
            return;
        }
        if let Input::Adopted {
            adopted: Ok(seals), ..
        } = &mut input
        {
            self.vouch.adopted(seals);
        }
        self.vouch.sign(self.me.author, self.crypto.as_ref(), log);
        self.vouch.follow(log);
        self.own_next = log.version().next(&self.me.author);
        match input {
            Input::Listening { addrs } => self.roster.listen(&addrs),
            Input::Join { target, access } => self.join(target, access, now),
            Input::Dialled { link, addr } => self.dialled(link, addr, now, log),
            Input::DialFailed { link, why } => self.dial_failed(link, why, now),
            Input::Accepted { link, from } => self.accepted(link, from, now, log),
            Input::Received { link, bytes } => self.received(link, &bytes, now, log),
            Input::Flushed { link, bytes } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.flushed(bytes, now);
                }
            }
            Input::Closed { link, why } => self.closed(link, why, now),
            Input::LocalChange => self.heads_changed(now),
            Input::Hashed { hash } => self.hashed(hash, now),
            Input::Merged {
                link,
                author,
                verdict,
            } => {
                self.merged(link, author, verdict, now, log);
            }
            Input::Adopted { link, adopted } => {
                self.adopted(link, adopted.map(|new| new.waiting), now, log);
            }
            Input::Cursor { cursor, selection } => {
                if (self.presence.cursor, self.presence.selection) != (cursor, selection) {
                    self.presence = Presence {
                        cursor,
                        selection,
                        ..self.presence.next()
                    };
                }
            }
            Input::LookHere => {
                self.presence = self.presence.next();
                self.presence.calls = self.presence.calls.wrapping_add(1);
            }
            Input::NewCode => self.new_code(now),
            Input::Saved(on_disk) => self.saved(on_disk),
            Input::RetryNow => self.retry_now(now),
            Input::Leave => {
                self.leave(now);
                return;
            }
            Input::Deadline => {}
        }
        self.close_overdue(now);
        self.fetch_overdue(now, log);
        self.answer_guesses(now);
        self.tell_of_guesses(now);
        self.chase_overdue(now, log);
        self.check_goal(log);
        self.prove_due(now, log);
        self.dial_due(now);
        self.sign_entry();
        self.pump(now, log);
    }

    /// Takes up the seals of a kept session, and who had signed two batches under one name, before
    /// anything is handled.
    pub fn take_up(
        &mut self,
        seals: impl IntoIterator<Item = (AuthorId, Seals)>,
        forked: impl IntoIterator<Item = AuthorId>,
    ) {
        for (author, seals) in seals {
            self.vouch.take_up(author, seals);
        }
        for author in forked {
            self.vouch.is_forked(author);
        }
    }

    /// The authors who have signed two batches under one name.
    pub fn forked(&self) -> impl Iterator<Item = AuthorId> {
        self.vouch.forked()
    }

    /// Every author's seals, to be kept for the next start.
    pub fn seals(&self) -> impl Iterator<Item = (AuthorId, &Seals)> {
        self.vouch.seals()
    }

    /// The batches of `author` from `from` on, as many as a message takes, and the seal behind them;
    /// `None` if there are none that can be passed on.
    pub fn stretch(&self, author: AuthorId, from: u32, log: &impl LogSource) -> Option<Stretch> {
        let to = log.version().next(&author);
        let stretch = |to| self.vouch.stretch(author, from, to, u64::MAX, log);
        (from < to).then_some(to).and_then(stretch)
    }

    /// Holds a history that is to be adopted against its authors' signatures, given what it makes the
    /// logs; what it is to be adopted with, or `None` if it does not stand. O(n).
    pub fn check_history(&self, vouchers: &Vouchers, new: &impl LogSource) -> Option<NewSeals> {
        let key_of = |author: &AuthorId| self.roster.key_of(author);
        self.vouch
            .check_history(vouchers, new, key_of, self.crypto.as_ref())
    }

    /// The next thing to do.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Deadline`] is wanted, if nothing happens before. O(links + members).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        if self.left {
            return None;
        }
        let others = self.others_period();
        let links = self
            .links
            .values()
            .map(|link| link.wake(self.presence.clock, others));
        let may_dial = self.is_inside() && self.dials_left() > 0;
        let dials = self
            .peers
            .values()
            .filter(|_| may_dial)
            .filter_map(|p| p.redial.at());
        let guesses = self.guess_due().into_iter().chain(self.watch.tell_at());
        links
            .chain(dials)
            .chain(guesses)
            .chain(self.chases.next_due())
            .chain(self.fetch.as_ref().map(Fetch::due))
            .chain(self.proofs.due().filter(|_| !self.links.is_empty()))
            .filter(|at| at.0 < u64::MAX)
            .min()
    }

    /// Which session this is; `None` for a newcomer that has not been let in.
    pub const fn id(&self) -> Option<SessionId> {
        self.session
    }

    /// Under which name we write. It changes once, when a newcomer gets to know the session, before
    /// anything is written.
    pub const fn author(&self) -> AuthorId {
        self.me.author
    }

    /// What is to be kept, in a file that nobody else can read, to come back without a code; `None`
    /// for a newcomer that has not been let in. It changes with [`Event::AccessChanged`].
    pub fn keys(&self) -> Option<Keys> {
        Some(Keys {
            member: self.crypto.member_secret(),
            grant: self.grant.clone().filter(|_| self.session.is_some())?,
            access: self.access.clone()?,
            stamp: self.access_stamp,
        })
    }

    /// Who may come in.
    pub const fn access(&self) -> Option<&Access> {
        self.access.as_ref()
    }

    /// What all members share beside the text, once known.
    pub const fn properties(&self) -> Option<&Properties> {
        self.properties.as_ref()
    }

    /// Every member's entry, ours included, to be kept for the next start.
    pub fn entries(&self) -> impl Iterator<Item = &MemberEntry> {
        self.roster.entries()
    }

    /// Whose an author is.
    pub fn member_of(&self, author: &AuthorId) -> Option<MemberId> {
        self.roster.member_of(author)
    }

    /// What `member` is called here.
    pub fn name_of(&self, member: &MemberId) -> String {
        self.roster.display_name(member)
    }

    /// Changes whenever the entries do.
    pub const fn roster_stamp(&self) -> u64 {
        self.roster.stamp()
    }

    /// What we ourselves are called here.
    pub fn own_name(&self) -> String {
        self.roster.display_name(&self.me.member)
    }

    /// Every other member, in the order of member ids. O(members²) for the names.
    pub fn members(&self) -> Vec<MemberView> {
        let view = |(member, peer): (&MemberId, &Peer)| {
            let entry = self.roster.entry(member)?;
            let link = peer.link.and_then(|link| self.links.get(&link));
            let leads = link.and_then(|link| link.addr);
            // Of an accepted link the port says nothing; the member listens at another.
            let dialled = link
                .filter(|link| !matches!(link.purpose, Purpose::Accepted))
                .and(leads);
            let first = entry.addrs.first().copied();
            let listed = entry
                .addrs
                .iter()
                .find(|addr| leads.is_none_or(|leads| leads.ip() == addr.ip()));
            let me = self.me.author;
            let has = peer.acked_of(me);
            let old = peer.acked.iter().filter(|(author, _)| *author != me);
            Some(MemberView {
                member: *member,
                name: self.roster.display_name(member),
                state: self.state(member),
                since: peer.since,
                addr: listed.copied().or(dialled).or(first),
                delay: peer.delay,
                undelivered: self.own_next.saturating_sub(has),
                acked: old.copied().chain([(me, has)]).collect(),
                // One without a link of ours is in, unless it is only just being met.
                entered: peer.entered || (link.is_none() && peer.shown.is_some()),
                identical: self.is_identical(member),
                trouble: peer.trouble.clone(),
                authors: self.roster.authors(member).to_vec(),
            })
        };
        self.peers.iter().filter_map(view).collect()
    }

    /// How many of the operations that we made in this process `member` is known to have. O(log n).
    pub fn acked(&self, member: &MemberId) -> u32 {
        let peer = self.peers.get(member);
        peer.map_or(0, |peer| peer.acked_of(self.me.author))
    }

    /// The author that writes at the other end of the link to `member`, if there is one. O(log n).
    pub fn linked_author(&self, member: &MemberId) -> Option<AuthorId> {
        let link = self.peers.get(member)?.link?;
        Some(self.links.get(&link)?.up()?.author)
    }

    /// Every cursor that is known: whose, the author that now writes there, and where.
    pub fn presences(&self) -> impl Iterator<Item = (MemberId, AuthorId, &Presence)> {
        self.peers.iter().filter_map(|(member, peer)| {
            let presence = peer.presence.as_ref()?;
            Some((*member, self.linked_author(member)?, presence))
        })
    }

    /// How much of what is being received at once is here, and how much there is: bytes of a history,
    /// or else, while joining, operations that the member we join through had. `None` before that is
    /// known, and afterwards.
    pub fn progress(&self, log: &impl LogSource) -> Option<(u64, u64)> {
        if let Some(progress) = self.fetch.as_ref().and_then(Fetch::progress) {
            return Some(progress);
        }
        let goal = self.joining.as_ref()?.goal.as_ref()?;
        let all = goal.iter().map(|(_, next)| u64::from(next)).sum();
        let have = |(author, next): (AuthorId, u32)| next.min(log.version().next(&author));
        Some((goal.iter().map(|entry| u64::from(have(entry))).sum(), all))
    }

    /// Whether `member` is connected, has said what it has, and all of that is here. O(authors).
    pub fn has_all_of(&self, member: &MemberId, log: &impl LogSource) -> bool {
        let link = self.peers.get(member).and_then(|peer| peer.link);
        let up = link.and_then(|id| self.links.get(&id)?.up());
        let theirs = up.and_then(|up| up.theirs.as_ref());
        theirs.is_some_and(|theirs| theirs.iter().all(|entry| self.is_here(entry, log)))
    }

    /// Whether everything that the links' other ends are known to have is here. O(links × authors).
    pub fn is_caught_up(&self, log: &impl LogSource) -> bool {
        self.joining.is_none()
            && self
                .links
                .values()
                .filter_map(Link::up)
                .filter_map(|up| up.theirs.as_ref())
                .all(|theirs| theirs.iter().all(|entry| self.is_here(entry, log)))
    }

    /// Whether we are in a session, so that we dial and accept its members.
    const fn is_inside(&self) -> bool {
        self.session.is_some() && self.access.is_some() && self.grant.is_some()
    }

    /// What is on its way to the socket for which most is, in bytes.
    pub fn in_flight(&self) -> usize {
        self.links.values().map(Link::in_flight).max().unwrap_or(0)
    }

    fn state(&self, member: &MemberId) -> MemberState {
        if self
            .peers
            .get(member)
            .is_some_and(|peer| peer.link.is_some())
        {
            MemberState::Connected
        } else if self.roster.entry(member).is_some_and(|entry| entry.left) {
            MemberState::Left
        } else {
            MemberState::Away
        }
    }

    /// Our logs have grown: every link's other end is to hear of it.
    fn heads_changed(&mut self, now: Time) {
        self.proofs.outdated(now);
        for up in self.links.values_mut().filter_map(Link::up_mut) {
            up.heads = up.heads.max(HeadsDue::Changes);
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
