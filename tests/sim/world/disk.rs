//! A member's disk: its journal, as the program writes it.
//!
//! What was appended outlives the process, but for the last moments, in which the thread that writes
//! may not have come to it. What was appended long enough ago to be synced outlives the machine; of the
//! rest some does, and its last record may be torn.

use std::collections::VecDeque;
use std::time::Duration;

use collab_edit::app::core::Core;
use collab_edit::app::keeper::News;
use collab_edit::app::kept::Past;
use collab_edit::crdt::Version;
use collab_edit::session::Time;
use collab_edit::storage::journal::{Chain, Content};
use collab_edit::storage::kept::NOTES;

/// How soon what is handed over is appended.
const APPENDED: Duration = Duration::from_millis(5);

/// How soon it is durable.
const SYNCED: Duration = Duration::from_millis(500);

/// See the module.
pub(crate) struct Disk {
    bytes: Vec<u8>,
    chain: Chain,
    /// Whether it says which session that is. Before, it counts for nothing.
    begun: bool,
    /// What was handed over lately: when, where the journal ended before, and what was known then that is
    /// in it.
    recent: VecDeque<(Time, usize, Version)>,
    /// What is durable.
    durable: Version,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            bytes: Chain::header(),
            chain: Chain::default(),
            begun: false,
            recent: VecDeque::new(),
            durable: Version::new(),
        }
    }
}

impl Disk {
    /// Writes what a member wants to be kept.
    pub(crate) fn write(&mut self, core: &mut Core, now: Time) {
        while let Some(portion) = core.next_portion() {
            let (bytes, generation) = (portion.bytes, portion.generation);
            self.begun |= portion
                .entries
                .iter()
                .any(|entry| entry.record().kind >= NOTES);
            let known = match portion.whole && self.begun {
                true => core.document().log().version().clone(),
                false => Version::new(),
            };
            self.recent.push_back((now, self.bytes.len(), known));
            let records = portion.entries.iter().map(|entry| entry.record());
            self.chain
                .encode(records, &mut self.bytes)
                .expect("short records");
            core.kept(News::Written { bytes, generation });
        }
        while let Some((at, ..)) = self.recent.front()
            && *at + SYNCED <= now
            && let Some((_, _, known)) = self.recent.pop_front()
        {
            self.durable.join(&known);
        }
    }

    /// What is left when the process, or the machine, ends now.
    pub(crate) fn crash(&mut self, machine: bool, now: Time, rng: &mut fastrand::Rng) {
        let safe = if machine { SYNCED } else { APPENDED };
        let mut at_risk = self.recent.iter().filter(|(at, ..)| *at + safe > now);
        let Some((_, start, _)) = at_risk.next() else {
            return;
        };
        let end = if machine {
            rng.usize(*start..=self.bytes.len())
        } else {
            // Records are appended as a whole.
            let ends = at_risk.map(|(_, start, _)| *start);
            let ends: Vec<usize> = ends.chain([*start, self.bytes.len()]).collect();
            rng.choice(ends).expect("some")
        };
        self.bytes.truncate(end);
    }

    /// What the next process finds, and the disk that it goes on with; `None` if there is no session.
    pub(crate) fn open(&self) -> Option<(Past, Self)> {
        let content = Content::of(self.bytes.clone()).expect("a journal");
        let end = self.bytes.len() - content.torn();
        let chain = content.chain();
        let past = Past::of(content).expect("our own notes")?;
        let disk = Self {
            bytes: self.bytes[..end].to_vec(),
            chain,
            begun: true,
            ..Self::default()
        };
        Some((past, disk))
    }

    /// Panics if something durable is not in what was found.
    pub(crate) fn check_found(&self, found: &Version) {
        assert!(found.covers(&self.durable), "something durable is gone");
    }
}
