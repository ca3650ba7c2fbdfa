//! Which text each member has on its disk.
//!
//! Told on every link, never passed on; what a member said last stays known when it is away. Earlier texts are
//! remembered too, up to a limit: one may come back, as by a `git pull`, and is no news then.

use std::collections::VecDeque;

use super::Session;
use super::io::{Event, LinkId};
use super::limits::MAX_SAVED_HEADS;
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
        behind(&self.heads, log)
    }
}

/// How many of the operations in `log` a text with these heads lacks; notes do not count. O(authors, and the
/// notes that it lacks).
pub fn behind(heads: &Version, log: &Log) -> u64 {
    let lacking =
        |(author, next): (_, u32)| u64::from(log.edits_between(&author, heads.next(&author), next));
    log.version().iter().map(lacking).sum()
}

/// Texts that others have said were on their disks.
#[derive(Default)]
pub(super) struct SavedTexts {
    /// Oldest first.
    texts: VecDeque<OnDisk>,
    /// How many heads they have together, and one more for each.
    size: usize,
}

impl SavedTexts {
    fn push(&mut self, on_disk: OnDisk) {
        self.size += on_disk.heads.len() + 1;
        self.texts.push_back(on_disk);
        while self.size > MAX_SAVED_HEADS
            && let Some(oldest) = self.texts.pop_front()
        {
            self.size -= oldest.heads.len() + 1;
        }
    }
}

impl Session {
    /// Texts that others have said were on their disks, newest first; of those that are long ago not all.
    pub fn saved_texts(&self) -> impl Iterator<Item = &OnDisk> {
        self.saved_texts.texts.iter().rev()
    }

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
        let heads: Version = saved.heads.iter().copied().collect();
        let on_disk = OnDisk {
            hash: saved.hash,
            heads,
        };
        if let Some(peer) = self.peers.get_mut(&member)
            && peer.on_disk.as_ref() != Some(&on_disk)
        {
            peer.on_disk = Some(on_disk.clone());
            self.saved_texts.push(on_disk);
            self.event(Event::MemberSaved { member });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::AuthorId;

    #[test]
    fn the_newest_texts_are_remembered_and_no_more_than_there_is_room_for() {
        let mut texts = SavedTexts::default();
        let heads: Version = (0..99u8).map(|n| (AuthorId([n; 16]), 1)).collect();
        for n in 0..=255u8 {
            for m in 0..=15u8 {
                let mut hash = [n; 32];
                hash[0] = m;
                texts.push(OnDisk {
                    hash,
                    heads: heads.clone(),
                });
            }
        }
        assert_eq!(texts.texts.len(), MAX_SAVED_HEADS / 100);
        assert_eq!(texts.size, texts.texts.len() * 100);
        assert_eq!(texts.texts.back().map(|text| text.hash[1]), Some(255));
    }
}
