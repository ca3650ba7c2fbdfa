//! A session across runs of the program: what is kept of it beside its operations, and how it is
//! taken up again.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::crdt::{AuthorId, Corrupt, OpId, Seals, Source, Version};
use crate::document::format::{Format, text_hash};
use crate::document::{Document, Patch, Preview, Rope, patched};
use crate::security::{Access, Code, Crypto as _, Entropy, Identity, Keys, Secret};
use crate::session::{Config, Inside, Session, authors};
use crate::storage::journal::Content;
use crate::storage::kept::{Kept, NOTES};
use crate::storage::{Loaded, TextFile};
use crate::wire::limits::MAX_AUTHORS_PER_MEMBER;
use crate::wire::{MemberEntry, MemberId, Properties, SessionId};

/// The notes that are kept, by their kinds.
pub(super) const SESSION: u8 = NOTES;
pub(super) const DISK: u8 = NOTES + 1;

/// Who we are in which session, as MessagePack with names, so that later versions may add to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SessionNote {
    /// The session's secrets and ours, as [`Keys`] makes them bytes.
    keys: Vec<u8>,
    pub(super) properties: Properties,
    pub(super) place: OurPlace,
    /// Every member's entry, ours with our earlier authors among them.
    pub(super) entries: Vec<MemberEntry>,
    /// The authors who have signed two batches under one name.
    #[serde(default)]
    pub(super) forked: Vec<AuthorId>,
}

/// Where this member is reached, and what it made of the session.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OurPlace {
    /// Whether the code was made here, so that it may be shown by a headless member.
    pub made_code: bool,
    /// Where members were accepted last; no port if nowhere.
    pub ips: Vec<IpAddr>,
    /// See `ips`.
    pub port: u16,
    /// The file, once there is one, unless its name is no UTF-8: a session that was joined without naming one is
    /// found without it.
    #[serde(default)]
    pub file: Option<String>,
    /// The digest of the code that was given last, so that the same one, given again, undoes no change of
    /// the code.
    #[serde(default)]
    pub given: Option<[u8; 32]>,
}

impl OurPlace {
    /// A file's path as it is kept here: absolute.
    pub(super) fn file(path: &Path) -> Option<String> {
        let path = std::path::absolute(path).ok()?;
        Some(path.to_str()?.to_owned())
    }
}

/// What is known to be on disk.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct DiskNote {
    /// BLAKE3 of the text that was loaded or saved last, and heads of operations that it has.
    known: Option<([u8; 32], Heads)>,
    /// What leads to it from the text with other heads, where it is not simply the one with these.
    #[serde(default)]
    way_back: Option<(Heads, Patch)>,
    /// The text that all this is about, as far as this run knows.
    #[serde(skip)]
    text: Option<Rope>,
    /// The heads of the text that was on its way to the file.
    saving: Option<Heads>,
    #[serde(skip)]
    changed: bool,
}

type Heads = Vec<(AuthorId, u32)>;

/// A session that was kept.
pub struct Past {
    /// Who we are, and what opens the session.
    pub keys: Keys,
    pub(super) note: SessionNote,
    pub(super) disk: DiskNote,
    content: Content,
}

/// How a session goes on that was kept.
pub(super) struct Continued {
    pub(super) format: Format,
    /// The file's name as the founder gave it.
    pub(super) file_name: String,
    /// What the file holds; nothing if it is not there, or there is none.
    pub(super) on_disk: Option<OnDisk>,
    /// What of ours the file lacks, and how many edits that are.
    pub(super) unsaved: Vec<Range<OpId>>,
    edits: u64,
    /// The others who were in the session.
    pub(super) others: Vec<String>,
    /// Whether another member on this machine has the file open.
    pub(super) open_elsewhere: bool,
}

/// What FILE has to do with the session that is taken up again.
pub(super) enum OnDisk {
    /// It holds a text that the session had, with these heads.
    Known(Rope, Version),
    /// It was changed since it held this text of the session, with these heads, to that one.
    Changed(Rope, Version, String),
    /// It never held a text of the session, as far as is known.
    Foreign,
}

impl Continued {
    /// What becomes of `document`, as member `me` left it, with what is in the file now.
    pub(super) fn of(
        past: &Past,
        document: &Document,
        me: MemberId,
        file: Option<&(TextFile, Loaded)>,
    ) -> Self {
        let note = &past.note;
        let found = file.map(|(_, found)| found).filter(|found| found.exists);
        let on_disk = found.map(|found| past.disk.compare(document, &found.text));
        let nothing = Version::new();
        let heads = match &on_disk {
            Some(OnDisk::Known(_, heads) | OnDisk::Changed(_, heads, _)) => heads,
            Some(OnDisk::Foreign) | None => &nothing,
        };
        let others = note.entries.iter().filter(|entry| entry.member != me);
        let unsaved = unsaved(document, &past.authors(me), heads);
        let (log, edits) = (document.log(), unsaved.iter());
        let edits =
            edits.map(|ops| log.batches_between(&ops.start.author, ops.start.seq, ops.end.seq));
        Self {
            format: Format::from_bytes(&note.properties.format).unwrap_or_default(),
            file_name: note.properties.file_name.clone(),
            edits: edits.sum(),
            unsaved,
            on_disk,
            others: others.map(|entry| entry.name.to_string()).collect(),
            open_elsewhere: found.is_some_and(|found| found.open_elsewhere),
        }
    }

    /// In one line, what is continued and recovered; `discard` is how that is taken back.
    pub(super) fn sentence(&self, discard: &str) -> Option<String> {
        let recovered = match self.edits {
            0 => None,
            1 => Some(("1 edit that was".to_owned(), "it")),
            edits => Some((format!("{edits} edits that were"), "them")),
        };
        let with = match &*self.others {
            [] => None,
            [one] => Some(one.clone()),
            [names @ .., last] => Some(format!("{} and {last}", names.join(", "))),
        };
        match (with, recovered) {
            (None, None) => None,
            (Some(with), None) => Some(format!("Continuing the session with {with}")),
            (None, Some((edits, them))) => Some(format!(
                "Recovered {edits} not saved; {discard} takes {them} back"
            )),
            (Some(with), Some((edits, them))) => Some(format!(
                "Continuing the session with {with}; recovered {edits} not saved, {discard} takes {them} back"
            )),
        }
    }
}

impl SessionNote {
    /// The note of a session in its present state; `None` before it has been entered.
    pub(super) fn of(session: &Session, place: &OurPlace) -> Option<Self> {
        Some(Self {
            keys: session.keys()?.to_bytes().to_vec(),
            properties: session.properties()?.clone(),
            place: place.clone(),
            entries: session.entries().cloned().collect(),
            forked: session.forked().collect(),
        })
    }
}

impl DiskNote {
    /// Whether it says already that `text` is on disk, with these heads.
    pub(super) fn says(&self, text: &Rope, heads: &Version) -> bool {
        let same = |(_, known): &([u8; 32], Heads)| known.iter().copied().eq(heads.iter());
        self.known.as_ref().is_some_and(same)
            && self
                .text
                .as_ref()
                .is_some_and(|known| known.is_instance(text))
    }

    /// `text` is on disk, with these heads, and where they do not say which text that is, this leads to it from the
    /// one with those. O(n).
    pub(super) fn is(&mut self, text: &Rope, heads: &Version, way_back: Option<(Version, Patch)>) {
        let hash: [u8; 32] = text_hash(text.chunks()).into();
        self.text = Some(text.clone());
        let known = Some((hash, heads.iter().collect()));
        if self.known != known {
            let way_back = way_back.map(|(from, patch)| (from.iter().collect(), patch));
            *self = Self {
                known,
                way_back,
                saving: None,
                changed: true,
                text: self.text.take(),
            };
        }
    }

    /// The text with these heads is about to be written.
    pub(super) fn is_saving(&mut self, heads: &Version) {
        self.saving = Some(heads.iter().collect());
        self.changed = true;
    }

    /// What the file, which holds `text`, has to do with the session. O(n), or as building the document
    /// if it was changed.
    fn compare(&self, document: &Document, text: &str) -> OnDisk {
        let now = document.log().version();
        if document.rope() == text {
            return OnDisk::Known(document.rope().clone(), now.clone());
        }
        let hash: [u8; 32] = text_hash([text]).into();
        let heads = |heads: &Heads| {
            let heads: Version = heads.iter().copied().collect();
            now.covers(&heads).then_some(heads)
        };
        let known = self.known.as_ref();
        let known = known.and_then(|(hash, at)| Some((hash, heads(at)?)));
        if let Some((_, heads)) = known.clone().filter(|(known, _)| **known == hash) {
            return OnDisk::Known(Rope::from_str(text), heads);
        }
        if let Some(heads) = self.saving.as_ref().and_then(heads)
            && document.text_at(&heads) == text
        {
            return OnDisk::Known(Rope::from_str(text), heads);
        }
        let before = known.and_then(|(hash, at)| {
            let before = match &self.way_back {
                Some((from, patch)) => patched(&document.text_at(&heads(from)?), patch)?,
                None => document.text_at(&at),
            };
            // With a wrong one, what is not in the file would count as taken out of it.
            (text_hash(before.chunks()) == *hash).then_some((before, at))
        });
        match before {
            Some((before, heads)) => OnDisk::Changed(before, heads, text.to_owned()),
            None => OnDisk::Foreign,
        }
    }

    /// Whether it has changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

/// A note's bytes.
pub(super) fn to_bytes(note: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(note).expect("plain data")
}

impl Past {
    /// The session that a journal holds; `None` if it holds none that was ever complete. O(n).
    ///
    /// # Errors
    /// In words, when there is one that this program cannot read.
    pub fn of(content: Content) -> Result<Option<Self>, String> {
        let kept = Kept::of(&content);
        let Some(note) = kept.notes.get(&SESSION) else {
            return Ok(None);
        };
        let note: SessionNote = rmp_serde::from_slice(note).map_err(|why| why.to_string())?;
        let keys = Keys::from_bytes(&note.keys).map_err(|why| why.to_string())?;
        let disk = kept
            .notes
            .get(&DISK)
            .map(|note| rmp_serde::from_slice(note));
        let disk = disk.and_then(Result::ok).unwrap_or_default();
        Ok(Some(Self {
            keys,
            note,
            disk,
            content,
        }))
    }

    /// Who may come in from now on, when the person has `given` a code. One who `joins` only answers with
    /// it; for others it takes the place of the present one if it is not the one that was given before.
    pub(super) fn access(&self, given: Option<&Code>, joins: bool) -> Access {
        let present = &self.keys.access;
        let before = match (self.note.place.given, present) {
            (Some(digest), _) => Some(digest),
            (None, Access::Code(code)) => Some(code.digest()),
            (None, Access::Open) => None,
        };
        match given.filter(|code| !joins && Some(code.digest()) != before) {
            Some(code) => Access::Code(code.clone()),
            None => present.clone(),
        }
    }

    /// What a session starts with that goes on. A code that was given takes the place of another one.
    pub(super) fn resumed(&self, config: Config, access: Option<Access>) -> Config {
        let Keys {
            grant,
            access: before,
            stamp,
            ..
        } = self.keys.clone();
        let access = access.unwrap_or_else(|| before.clone());
        let stamp = stamp + u64::from(access != before);
        Config {
            inside: Some(Inside {
                grant,
                access,
                stamp,
                properties: self.note.properties.clone(),
            }),
            kept: self.note.entries.clone(),
            ..config
        }
    }

    /// The document, its further edits being `author`'s, of member `me`. O(n log n).
    ///
    /// # Errors
    /// In words, when this program cannot read it.
    pub(super) fn document(&self, author: AuthorId, me: MemberId) -> Result<Document, String> {
        let kept = Kept::of(&self.content);
        let mut document = match kept.history {
            Some(history) => Preview::open(history)
                .and_then(|preview| preview.build(author))
                .map_err(|why: Corrupt| why.to_string())?,
            None => Document::new(author),
        };
        kept.merge(|batch| document.merge_sized(batch.first(), batch.width, batch.bytes));
        for author in &self.note.forked {
            document.freeze(*author);
        }
        document.resume_undo(&self.authors(me));
        Ok(document)
    }

    /// The authors' seals.
    pub(super) fn seals(&self) -> BTreeMap<AuthorId, Seals> {
        Kept::of(&self.content).seals
    }

    /// The member's secret; `None` if it has been as many authors as a member can be: then another member
    /// goes on with the session.
    pub(super) fn secret(&self) -> Option<Secret> {
        let keys = Identity::new(self.keys.member.clone(), Entropy::new(&self.keys.member));
        let me = MemberId(keys.member().id());
        let mine = self.note.entries.iter().find(|entry| entry.member == me);
        let worn_out = mine.is_some_and(|mine| mine.authors.len() >= MAX_AUTHORS_PER_MEMBER);
        (!worn_out).then(|| self.keys.member.clone())
    }

    /// The authors that member `me` has been.
    fn authors(&self, me: MemberId) -> Vec<AuthorId> {
        let mine = self.note.entries.iter().find(|entry| entry.member == me);
        let session = SessionId(self.keys.grant.session);
        mine.map_or_else(Vec::new, |entry| authors(entry, &session))
    }
}

/// The operations of these authors, but for those that came from a file, that a text with these heads lacks.
fn unsaved(document: &Document, authors: &[AuthorId], heads: &Version) -> Vec<Range<OpId>> {
    let (log, mut unsaved) = (document.log(), Vec::new());
    for author in authors {
        let op = |seq| OpId {
            author: *author,
            seq,
        };
        let mut at = heads.next(author);
        while let Some(batch) = log.batch_info(author, at) {
            match unsaved.last_mut() {
                _ if batch.source == Source::Disk => {}
                Some(Range { end, .. }) if *end == op(at) => *end = op(batch.end),
                _ => unsaved.push(op(at)..op(batch.end)),
            }
            at = batch.end;
        }
    }
    unsaved
}

#[cfg(test)]
mod tests;
