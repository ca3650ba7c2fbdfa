//! The roster: everyone who ever was in the session.
//!
//! Invariants:
//! 1. Entries are never removed, and an entry's revision never falls.
//! 2. Only we change our own entry; each change raises its revision, and is signed before it is told.
//! 3. Every change has a stamp of its own, greater than all before, so that a link needs one number
//!    to know what it has been told.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::limits::{MAX_MEMBERS, MAX_OBSERVED_ADDRS, MAX_RECLAIMS};
use crate::crdt::AuthorId;
use crate::security::{MemberKeys, SIGNATURE_BYTES, Signature};
use crate::wire::limits::{MAX_ADDRS, MAX_AUTHORS_PER_MEMBER, MAX_ENTRIES, MAX_REVISION};
use crate::wire::{MemberEntry, MemberId, Name};

/// Everyone who ever was in the session, ourselves included.
#[derive(Debug)]
pub(super) struct Roster {
    me: MemberId,
    author: AuthorId,
    entries: BTreeMap<MemberId, (MemberEntry, Stamp)>,
    /// Whether our own entry lacks its signature.
    unsigned: bool,
    stamp: Stamp,
    listening: Vec<SocketAddr>,
    observed: Vec<SocketAddr>,
    reclaimed: u8,
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
        author: AuthorId,
        name: Name,
        keys: MemberKeys,
        kept: Vec<MemberEntry>,
    ) -> Self {
        let me = MemberId(keys.id());
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
        let mut entries = BTreeMap::new();
        let mut stamp = 0;
        for entry in kept {
            if entry.member == me {
                mine.authors = entry.authors;
                mine.revision = entry.revision;
            } else {
                stamp += 1;
                entries.insert(entry.member, (entry, stamp));
            }
        }
        push_author(&mut mine.authors, author);
        mine.revision = raised(mine.revision);
        stamp += 1;
        entries.insert(me, (mine, stamp));
        Self {
            me,
            author,
            entries,
            unsigned: true,
            stamp,
            listening: Vec::new(),
            observed: Vec::new(),
            reclaimed: 0,
        }
    }

    pub(super) fn me(&self) -> &MemberEntry {
        &self.entries[&self.me].0
    }

    pub(super) fn entry(&self, member: &MemberId) -> Option<&MemberEntry> {
        self.entries.get(member).map(|(entry, _)| entry)
    }

    /// When an entry was last changed.
    pub(super) const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// All entries, ours among them, in the order of member ids.
    pub(super) fn entries(&self) -> impl Iterator<Item = &MemberEntry> {
        self.entries.values().map(|(entry, _)| entry)
    }

    /// Whether there is room for `member`.
    pub(super) fn has_room_for(&self, member: &MemberId) -> bool {
        self.entries.len() < MAX_MEMBERS || self.entries.contains_key(member)
    }

    /// Whether an entry says something new, so that it is worth checking.
    pub(super) fn is_news(&self, theirs: &MemberEntry) -> bool {
        match self.entry(&theirs.member) {
            None => true,
            Some(me) if theirs.member == self.me => me.revision <= theirs.revision && me != theirs,
            Some(ours) => ours.revision < theirs.revision,
        }
    }

    /// Signs our own entry if it has changed.
    pub(super) fn sign(&mut self, sign: impl FnOnce(&MemberEntry) -> Signature) {
        if std::mem::take(&mut self.unsigned)
            && let Some((me, _)) = self.entries.get_mut(&self.me)
        {
            me.signature = sign(me);
        }
    }

    /// We are a newcomer and know now under which name we write.
    pub(super) fn rename_author(&mut self, author: AuthorId) {
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
        let stamp = self.stamp + 1;
        let merge = match self.entries.get_mut(&theirs.member) {
            None => {
                self.entries.insert(theirs.member, (theirs.clone(), stamp));
                Merge::New
            }
            Some((ours, changed)) if ours.revision < theirs.revision => {
                *ours = theirs.clone();
                *changed = stamp;
                Merge::Changed
            }
            Some(_) => return Merge::Old,
        };
        self.stamp = stamp;
        merge
    }

    /// Others remember more of us than we do, from before a restart: we learn it and say so.
    fn reclaim(&mut self, theirs: &MemberEntry) -> Merge {
        let old = theirs.revision < self.me().revision || theirs == self.me();
        if old || self.reclaimed == MAX_RECLAIMS {
            return Merge::Old;
        }
        self.reclaimed += 1;
        let (revision, author) = (raised(theirs.revision), self.author);
        self.change_me(|me| {
            let mut authors = theirs.authors.clone();
            for author in &me.authors {
                push_author(&mut authors, *author);
            }
            authors.retain(|other| *other != author);
            push_author(&mut authors, author);
            me.authors = authors;
            me.revision = revision;
        });
        Merge::Changed
    }

    fn change_me(&mut self, change: impl FnOnce(&mut MemberEntry)) {
        self.stamp += 1;
        let stamp = self.stamp;
        if let Some((me, changed)) = self.entries.get_mut(&self.me) {
            change(me);
            me.revision = raised(me.revision);
            *changed = stamp;
            self.unsigned = true;
        }
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
        let mut news: Vec<&(MemberEntry, Stamp)> = self
            .entries
            .values()
            .filter(|(_, changed)| *changed > told)
            .collect();
        news.sort_by_key(|(_, changed)| *changed);
        news.truncate(MAX_ENTRIES);
        let told = news.last().map_or(self.stamp, |(_, changed)| *changed);
        Some((
            news.into_iter().map(|(entry, _)| entry.clone()).collect(),
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
            .filter(|(_, (other, _))| other.name == entry.name)
            .count();
        if before == 0 {
            entry.name.to_string()
        } else {
            format!("{} {}", entry.name, before + 1)
        }
    }
}

/// Adds an author; the oldest is forgotten when there are too many.
fn push_author(authors: &mut Vec<AuthorId>, author: AuthorId) {
    if !authors.contains(&author) {
        if authors.len() >= MAX_AUTHORS_PER_MEMBER {
            authors.remove(0);
        }
        authors.push(author);
    }
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
