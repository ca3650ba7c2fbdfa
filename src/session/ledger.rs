//! Which text each member has on its disk.
//!
//! Told on every link, never passed on; what a member said last stays known when it is away.

use super::Session;
use super::io::{Event, LinkId};
use crate::crdt::{Log, Version};
use crate::wire::{MemberId, Saved, limits::MAX_HEADS};

/// A text on a member's disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OnDisk {
    /// BLAKE3 of the text in UTF-8.
    pub hash: [u8; 32],
    /// The operations that are in it.
    pub heads: Version,
}

impl OnDisk {
    /// How many of the operations in `log` are not on this disk; notes, which no file holds, do not count.
    /// O(authors, and the notes that are not in it).
    pub fn behind(&self, log: &Log) -> u64 {
        let lacking = |(author, next): (_, u32)| {
            u64::from(log.edits_between(&author, self.heads.next(&author), next))
        };
        log.version().iter().map(lacking).sum()
    }
}

impl Session {
    /// What each other member, by its own word, has on its disk.
    pub fn ledger(&self) -> impl Iterator<Item = (MemberId, &OnDisk)> {
        self.peers
            .iter()
            .filter_map(|(member, peer)| Some((*member, peer.on_disk.as_ref()?)))
    }

    /// We have this on our disk now.
    pub(super) fn saved(&mut self, on_disk: OnDisk) {
        if self.on_disk.as_ref() != Some(&on_disk) {
            self.on_disk = Some(on_disk);
            self.on_disk_clock += 1;
        }
    }

    /// What the other ends are to be told of our disk.
    pub(super) fn ledger_entry(&self) -> Option<Saved> {
        let OnDisk { hash, heads } = self.on_disk.as_ref()?;
        (heads.len() <= MAX_HEADS).then(|| Saved {
            hash: *hash,
            heads: heads.iter().collect(),
        })
    }

    pub(super) fn hear_saved(&mut self, id: LinkId, saved: &Saved) {
        let up = self.links.get(&id).and_then(|link| link.up());
        let Some(member) = up.map(|up| up.member) else {
            return;
        };
        let mut heads = Version::new();
        for (author, next) in &saved.heads {
            heads.advance(*author, *next);
        }
        let on_disk = OnDisk {
            hash: saved.hash,
            heads,
        };
        if let Some(peer) = self.peers.get_mut(&member)
            && peer.on_disk.as_ref() != Some(&on_disk)
        {
            peer.on_disk = Some(on_disk);
            self.event(Event::MemberSaved { member });
        }
    }
}
