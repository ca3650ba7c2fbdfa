//! The roster: everyone who ever was in the session, and whose the authors are.
//!
//! Invariants:
//! 1. Entries are never removed, an entry's revision never falls, and it keeps every author that it ever
//!    had: no member can take back a key that others need to check what it wrote.
//! 2. Only we change our own entry; each change raises its revision, and is signed before it is told.
//! 3. Every change has a stamp of its own, greater than all before, so that a link needs one number
//!    to know what it has been told.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::limits::{MAX_KNOWN_AUTHORS, MAX_MEMBERS, MAX_OBSERVED_ADDRS, MAX_RECLAIMS};
use crate::crdt::AuthorId;
use crate::security::{MemberKeys, SIGNATURE_BYTES, Signature, author_id};
use crate::wire::limits::{MAX_ADDRS, MAX_AUTHORS_PER_MEMBER, MAX_ENTRIES, MAX_REVISION};
use crate::wire::{AuthorKey, MemberEntry, MemberId, Name, SessionId};

/// Everyone who ever was in the session, ourselves included.
#[derive(Debug)]
pub(super) struct Roster {
    me: MemberId,
    /// The key under which we write now.
    author: AuthorKey,
    /// `None` for a newcomer that has not been let in.
    session: Option<SessionId>,
    entries: BTreeMap<MemberId, Known>,
    /// Whose the authors are, and their keys.
    authors: BTreeMap<AuthorId, (MemberId, [u8; 32])>,
    /// Whether our own entry lacks its signature.
    unsigned: bool,
    stamp: Stamp,
    listening: Vec<SocketAddr>,
    observed: Vec<SocketAddr>,
    reclaimed: u8,
}

/// An entry.
#[derive(Debug)]
struct Known {
    entry: MemberEntry,
    changed: Stamp,
    /// The ids of its authors, in their order.
    authors: Vec<AuthorId>,
}

/// When an entry was last changed here, as a count of changes.
pub(super) type Stamp = u64;

/// What taking in an entry came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Merge {
    /// It is not newer than what was known.
    Old,
    /// It has changed.
    Changed,
    /// A member is new.
    New,
    /// There is no room for another member.
    Full,
}

impl Roster {
    /// The roster of the member with these keys, with the entries `kept` from an earlier process.
    pub(super) fn new(
        session: Option<SessionId>,
        author: AuthorKey,
        name: Name,
        keys: MemberKeys,
        kept: Vec<MemberEntry>,
    ) -> Self {
        let me = MemberId(keys.id());
        let mut new = Self {
            me,
            author,
            session,
            entries: BTreeMap::new(),
            authors: BTreeMap::new(),
            unsigned: true,
            stamp: 0,
            listening: Vec::new(),
            observed: Vec::new(),
            reclaimed: 0,
        };
        let mut mine = MemberEntry {
            member: me,
            link_key: keys.link,
            signing_key: keys.signing,
            name,
            addrs: Vec::new(),
            authors: Vec::new(),
            left: false,
            revision: 0,
            signature: [0; SIGNATURE_BYTES],
        };
        for entry in kept {
            if entry.member == me {
                mine.authors = entry.authors;
                mine.revision = entry.revision;
            } else {
                new.put(entry);
            }
        }
        mine.authors = together(&mine.authors, &[author]);
        mine.revision = raised(mine.revision);
        new.put(mine);
        new
    }

    /// Sets an entry, and learns whose its authors are.
    fn put(&mut self, entry: MemberEntry) {
        self.stamp += 1;
        let authors = self
            .session
            .map(|session| ids(&entry, &session).collect::<Vec<_>>());
        let authors = authors.unwrap_or_default();
        for (id, author) in authors.iter().zip(&entry.authors) {
            if self.authors.len() < MAX_KNOWN_AUTHORS {
                self.authors.insert(*id, (entry.member, author.key));
            }
        }
        let known = Known {
            changed: self.stamp,
            authors,
            entry,
        };
        self.entries.insert(known.entry.member, known);
    }

    pub(super) fn me(&self) -> &MemberEntry {
        &self.entries[&self.me].entry
    }

    pub(super) fn entry(&self, member: &MemberId) -> Option<&MemberEntry> {
        self.entries.get(member).map(|known| &known.entry)
    }

    /// The authors that a member has been; the last one writes now.
    pub(super) fn authors(&self, member: &MemberId) -> &[AuthorId] {
        self.entries.get(member).map_or(&[], |known| &known.authors)
    }

    /// Whose an author is.
    pub(super) fn member_of(&self, author: &AuthorId) -> Option<MemberId> {
        self.authors.get(author).map(|(member, _)| *member)
    }

    /// The key under which an author writes.
    pub(super) fn key_of(&self, author: &AuthorId) -> Option<&[u8; 32]> {
        self.authors.get(author).map(|(_, key)| key)
    }

    /// When an entry was last changed.
    pub(super) const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// All entries, ours among them, in the order of member ids.
    pub(super) fn entries(&self) -> impl Iterator<Item = &MemberEntry> {
        self.entries.values().map(|known| &known.entry)
    }

    /// Whether there is room for `member`.
    pub(super) fn has_room_for(&self, member: &MemberId) -> bool {
        self.entries.len() < MAX_MEMBERS || self.entries.contains_key(member)
    }

    /// Whether an entry says something new, so that it is worth checking.
    pub(super) fn is_news(&self, theirs: &MemberEntry) -> bool {
        let Some(ours) = self.entry(&theirs.member) else {
            return true;
        };
        // Of two with one revision, one is not of this process.
        let other_me = theirs.member == self.me
            && ours.revision == theirs.revision
            && ours.signature != theirs.signature;
        other_me || ours.revision < theirs.revision || adds_author(ours, theirs)
    }

    /// Signs our own entry if it has changed.
    pub(super) fn sign(&mut self, sign: impl FnOnce(&MemberEntry) -> Signature) {
        if std::mem::take(&mut self.unsigned)
            && let Some(known) = self.entries.get_mut(&self.me)
        {
            known.entry.signature = sign(&known.entry);
        }
    }

    /// We are a newcomer and know the session now, so that we can say which author we are there.
    pub(super) fn enter(&mut self, session: SessionId, author: AuthorKey) {
        self.session = Some(session);
        self.author = author;
        self.change_me(|me| me.authors = vec![author]);
    }

    /// Takes in what another member says of a member.
    pub(super) fn merge(&mut self, theirs: &MemberEntry) -> Merge {
        if theirs.member == self.me {
            return self.reclaim(theirs);
        }
        if !self.has_room_for(&theirs.member) {
            return Merge::Full;
        }
        let Some(ours) = self.entry(&theirs.member) else {
            self.put(theirs.clone());
            return Merge::New;
        };
        let later = ours.revision < theirs.revision;
        if !later && !adds_author(ours, theirs) {
            return Merge::Old;
        }
        let (base, more) = if later {
            (theirs, ours)
        } else {
            (ours, theirs)
        };
        let mut authors = together(&more.authors, &base.authors);
        if authors.len() > MAX_AUTHORS_PER_MEMBER {
            // Only one who breaks the rules can get here.
            if !later {
                return Merge::Old;
            }
            authors.clone_from(&base.authors);
        }
        let entry = MemberEntry {
            authors,
            ..base.clone()
        };
        self.put(entry);
        Merge::Changed
    }

    /// Others remember more of us than we do, from before a restart: we learn it and say so.
    fn reclaim(&mut self, theirs: &MemberEntry) -> Merge {
        if !self.is_news(theirs) || self.reclaimed == MAX_RECLAIMS {
            return Merge::Old;
        }
        self.reclaimed += 1;
        let author = self.author;
        self.change_me(|me| {
            let others = together(&theirs.authors, &me.authors);
            me.authors = together(&others, &[author]);
            me.revision = me.revision.max(raised(theirs.revision));
        });
        Merge::Changed
    }

    fn change_me(&mut self, change: impl FnOnce(&mut MemberEntry)) {
        let mut me = self.me().clone();
        change(&mut me);
        me.revision = raised(me.revision);
        self.put(me);
        self.unsigned = true;
    }

    /// We accept members at `addrs` now.
    pub(super) fn listen(&mut self, addrs: &[SocketAddr]) {
        self.listening = addrs
            .iter()
            .copied()
            .map(canonical)
            .filter(is_usable)
            .collect();
        self.relist();
    }

    /// Another member sees us at `ip`.
    pub(super) fn observe(&mut self, ip: IpAddr) {
        let Some(first) = self.listening.first() else {
            return;
        };
        let addr = canonical(SocketAddr::new(ip, first.port()));
        // Nobody comes in by another interface than those we listen on.
        let local = self.listening.iter().all(|addr| addr.ip().is_loopback());
        if (!local || addr.ip().is_loopback())
            && is_usable(&addr)
            && !self.listening.contains(&addr)
            && !self.observed.contains(&addr)
            && self.observed.len() < MAX_OBSERVED_ADDRS
        {
            self.observed.push(addr);
            self.relist();
        }
    }

    /// Lists our addresses anew: those that have led to us already, then those we listen at.
    fn relist(&mut self) {
        let mut addrs: Vec<SocketAddr> = Vec::new();
        for addr in self.observed.iter().chain(&self.listening) {
            if !addrs.contains(addr) && addrs.len() < MAX_ADDRS {
                addrs.push(*addr);
            }
        }
        if addrs != self.me().addrs {
            self.change_me(|me| me.addrs = addrs);
        }
    }

    /// We say goodbye.
    pub(super) fn leave(&mut self) {
        self.change_me(|me| me.left = true);
    }

    /// The entries changed after `told`, at most one message full, and the stamp to remember once
    /// they are sent. O(members).
    pub(super) fn news_since(&self, told: Stamp) -> Option<(Vec<MemberEntry>, Stamp)> {
        if told >= self.stamp {
            return None;
        }
        let mut news: Vec<&Known> = self
            .entries
            .values()
            .filter(|known| known.changed > told)
            .collect();
        news.sort_by_key(|known| known.changed);
        news.truncate(MAX_ENTRIES);
        let told = news.last().map_or(self.stamp, |known| known.changed);
        Some((
            news.into_iter().map(|known| known.entry.clone()).collect(),
            told,
        ))
    }

    /// What `member` is called here: its name, numbered if members before it have the same.
    /// O(members).
    pub(super) fn display_name(&self, member: &MemberId) -> String {
        let Some(entry) = self.entry(member) else {
            return member.to_string();
        };
        let before = self
            .entries
            .range(..member)
            .filter(|(_, other)| other.entry.name == entry.name)
            .count();
        if before == 0 {
            entry.name.to_string()
        } else {
            format!("{} {}", entry.name, before + 1)
        }
    }
}

/// The ids of an entry's authors, in their order.
pub(super) fn ids(entry: &MemberEntry, session: &SessionId) -> impl Iterator<Item = AuthorId> {
    let id = |author: &AuthorKey| AuthorId(author_id(&session.0, &entry.member.0, &author.key));
    entry.authors.iter().map(id)
}

/// Whether an entry names an author that the known one does not.
fn adds_author(known: &MemberEntry, theirs: &MemberEntry) -> bool {
    let is_new = |author: &AuthorKey| !known.authors.iter().any(|old| old.key == author.key);
    theirs.authors.iter().any(is_new)
}

/// All authors of both lists, each once, the second list's at the end and in its order.
fn together(others: &[AuthorKey], last: &[AuthorKey]) -> Vec<AuthorKey> {
    let is_other = |author: &&AuthorKey| !last.iter().any(|one| one.key == author.key);
    others
        .iter()
        .filter(is_other)
        .chain(last)
        .copied()
        .collect()
}

fn raised(revision: u64) -> u64 {
    (revision + 1).min(MAX_REVISION - 1)
}

/// The one form of an address: IPv4-mapped ones become IPv4.
fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

/// Whether an address can lead to a member at all.
pub(super) fn is_usable(addr: &SocketAddr) -> bool {
    let ip = addr.ip();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    addr.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}
