//! The glue of document and session, without IO: driven alike by the screen, by headless members
//! and by simulations.
//!
//! One road: an edit changes the document; [`Core::flush`], once per turn of the event loop, makes
//! a batch of the turn's edits and lets the session send it; what the network brings goes through
//! the session, which asks for batches to be merged; the verdict goes back to it. The session reads
//! batches from the document's log when it sends, and owns no text.

mod keeping;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::kept::Past;
use crate::crdt::limits::MAX_OPERATIONS;
use crate::crdt::{Anchor, AuthorId, OpId, Rejected, Replica, Source, Verdict, Version};
use crate::document::authorship::Effect;
use crate::document::format::text_hash;
use crate::document::{CharPos, Document, EditKind, Rope, TextChange};
use crate::security::Access;
use crate::session::{
    Command, Config, Event, Input, MemberState, OnDisk, Output, Refused, Session, Time,
    Verdict as Outcome,
};
use crate::wire::MemberId;
use keeping::Keeping;

/// How often the address that was given is dialled again by one who is in the session already.
const REJOIN: Duration = Duration::from_secs(5);

/// A member's text was found to be another one than ours, or is bound to be.
pub struct Divergence {
    /// What the member is called.
    pub name: String,
    /// Our text as it was.
    pub text: Rope,
    /// How it came to that.
    pub cause: Cause,
}

/// Why texts differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A program or a machine is at fault. Whether our text came out as another one when it was made
    /// from the logs again.
    Fault {
        /// See there.
        repaired: bool,
    },
    /// The member has signed different edits under one name.
    Fork,
}

/// See the module.
pub struct Core {
    document: Document,
    session: Session,
    commands: VecDeque<Command>,
    events: VecDeque<Event>,
    divergences: VecDeque<Divergence>,
    /// Whether the text has changed since somebody asked.
    changed: bool,
    /// The wall clock as of the last flush, in whole minutes since 1970.
    minutes: u32,
    keeping: Keeping,
    /// [`MAX_OPERATIONS`], but for those who try that out with little.
    most_operations: u64,
    /// The join that is tried again, by one who is in the session already, and when.
    rejoin: Option<(Time, String, Option<Access>)>,
}

impl Core {
    /// A member with an empty document.
    pub fn new(config: Config, now: Time) -> Self {
        let session = Session::new(config, now);
        let document = Document::new(session.author());
        Self::with(session, document)
    }

    /// A member that was in the session before, as its journal left it. `access` opens it from now on, if
    /// given; what `config` says of the session does not count.
    ///
    /// # Errors
    /// In words, when this program cannot read what was kept.
    pub fn resumed(
        config: Config,
        past: &Past,
        access: Option<Access>,
        now: Time,
    ) -> Result<Self, String> {
        let me = MemberId(config.crypto.member().id());
        let mut session = Session::new(past.resumed(config, access), now);
        session.take_up(past.seals(), past.note.forked.iter().copied());
        let document = past.document(session.author(), me)?;
        Ok(Self::with(session, document))
    }

    /// A member with a document whose edits are the session's author's.
    pub(super) fn with(session: Session, document: Document) -> Self {
        Self {
            document,
            session,
            keeping: Keeping::default(),
            most_operations: MAX_OPERATIONS,
            rejoin: None,
            commands: VecDeque::new(),
            events: VecDeque::new(),
            divergences: VecDeque::new(),
            changed: false,
            minutes: 0,
        }
    }

    /// The text and its log.
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// Members, presence, delivery.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Puts a file's first content into the document of a session that begins here.
    pub fn load(&mut self, text: &str, minutes: u32) {
        self.document.load(text, minutes);
    }

    /// Replaces `range` by `text`.
    pub fn edit(&mut self, range: Range<CharPos>, text: &str, kind: EditKind, now: Time) {
        self.document.edit(range, text, kind, now.0);
        self.changed = true;
    }

    /// Makes several replacements as one step of undo; see [`Document::edit_all`].
    pub fn edit_all(&mut self, edits: &[(Range<CharPos>, String)], now: Time) {
        self.document.edit_all(edits, now.0);
        self.changed = true;
    }

    /// Adds a note to our log; it goes out with the turn's edits. See [`Document::note`].
    pub fn note(&mut self, bytes: &[u8]) {
        self.document.note(bytes);
        self.changed = true;
    }

    /// Takes back the newest own edits; where the caret goes, if anything changed.
    pub fn undo(&mut self) -> Option<CharPos> {
        self.changed = true;
        self.document.undo()
    }

    /// Takes back the newest undo; where the caret goes, if anything changed.
    pub fn redo(&mut self) -> Option<CharPos> {
        self.changed = true;
        self.document.redo()
    }

    /// Brings in what has changed on disk; see [`Document::merge_disk`].
    pub fn merge_disk(&mut self, disk: &str, deadline: Option<Instant>, now: Time) -> usize {
        self.commit(now);
        let places = self.document.merge_disk(disk, deadline, now.0);
        self.commit_disk(now);
        places
    }

    /// Brings in the lines of a file that nobody here knows; see [`Document::bring_in`].
    pub fn bring_in(&mut self, disk: &str, deadline: Option<Instant>, now: Time) -> usize {
        self.commit(now);
        let places = self.document.bring_in(disk, deadline, now.0);
        self.commit_disk(now);
        places
    }

    fn commit_disk(&mut self, now: Time) {
        if self.document.commit(self.minutes, Source::Disk).is_some() {
            self.changed = true;
            self.session_handle(Input::LocalChange, now);
        }
    }

    /// The present text is on disk.
    pub fn is_on_disk(&mut self) {
        self.document.is_on_disk();
    }

    /// Tells the others what is on disk. O(n).
    pub fn tell_of_disk(&mut self, now: Time) {
        if let Some((text, heads)) = self.document.on_disk() {
            let hash = *text_hash(text.chunks()).as_bytes();
            let heads = heads.clone();
            self.handle(Input::Saved(OnDisk { hash, heads }), now);
        }
    }

    /// What is known to be on disk; see [`Document::was_on_disk`].
    pub fn was_on_disk(&mut self, text: Rope, heads: Version, deadline: Option<Instant>) {
        self.document.was_on_disk(text, heads, deadline);
    }

    /// The present text is about to be written.
    pub fn start_save(&mut self) {
        self.keeping.disk.is_saving(self.document.log().version());
        self.document.start_save();
    }

    /// The text that was to be written is on disk (`done`), or the file is as it was.
    pub fn end_save(&mut self, done: bool) {
        self.document.end_save(done);
    }

    /// Sends what was edited since the last flush, as one batch, and where our cursor is; whether there was
    /// anything. `minutes` is the wall clock, in whole minutes since 1970.
    pub fn flush(
        &mut self,
        presence: Option<(Anchor, Option<(Anchor, Anchor)>)>,
        now: Time,
        minutes: u32,
    ) -> bool {
        self.minutes = minutes;
        let edited = self.commit(now);
        if let Some((cursor, selection)) = presence {
            self.handle(
                Input::Cursor {
                    cursor: Some(cursor),
                    selection,
                },
                now,
            );
        }
        edited
    }

    /// Takes in what has happened to the session.
    pub fn handle(&mut self, input: Input, now: Time) {
        // What was edited in this turn comes before what others did: a merge needs a complete log.
        self.commit(now);
        if let Some((at, ..)) = &self.rejoin
            && *at <= now
            && let Some((_, target, access)) = self.rejoin.take()
        {
            self.session_handle(Input::Join { target, access }, now);
        }
        if let Input::Listening { addrs } = &input {
            self.keeping.place.port = addrs.first().map_or(0, SocketAddr::port);
            self.keeping.noted = None;
        }
        self.session_handle(input, now);
    }

    /// Makes a batch of what was edited since the last one; whether there was anything.
    pub(super) fn commit(&mut self, now: Time) -> bool {
        let edited = self.document.commit(self.minutes, Source::Typed).is_some();
        if edited {
            self.session_handle(Input::LocalChange, now);
        }
        edited
    }

    fn session_handle(&mut self, input: Input, now: Time) {
        self.session.handle(input, now, self.document.replica());
        if self.session.author() != self.document.me() {
            // A newcomer knows its session now; until then there was nothing to be written in.
            self.document = Document::new(self.session.author());
        }
        while let Some(output) = self.session.poll() {
            match output {
                Output::Net(command) => self.commands.push_back(command),
                Output::Event(event) => self.event(event, now),
                Output::Adopt {
                    link,
                    vouchers,
                    history,
                } => {
                    let mut seals = None;
                    let check = |new: &Replica| {
                        seals = self.session.check_history(&vouchers, new);
                        seals.is_some()
                    };
                    let adopted = self.document.adopt_if(&history, check);
                    let adopted = adopted.map(|()| seals.unwrap_or_default());
                    self.changed = true;
                    self.tell_of_rejected();
                    let adopted = Input::Adopted { link, adopted };
                    self.session.handle(adopted, now, self.document.replica());
                }
                Output::Hash => {
                    let hash = *self.document.hash().as_bytes();
                    let hashed = Input::Hashed { hash };
                    self.session.handle(hashed, now, self.document.replica());
                }
                Output::Diverged { member, .. } => {
                    self.diverged(member);
                    // What is found now is to be compared again.
                    let again = Input::LocalChange;
                    self.session.handle(again, now, self.document.replica());
                }
                Output::Forked { author } => self.forked(author),
                Output::Merge { link, batches } => {
                    let author = batches.author();
                    let verdict = self.merge(author, batches.seq(), batches.batches());
                    let merged = Input::Merged {
                        link,
                        author,
                        verdict,
                    };
                    self.session.handle(merged, now, self.document.replica());
                }
            }
        }
    }

    fn diverged(&mut self, member: MemberId) {
        let text = self.document.rope().clone();
        let repaired = self.document.resynchronise();
        self.changed |= repaired;
        let name = self.session.name_of(&member);
        self.divergences.push_back(Divergence {
            name,
            text,
            cause: Cause::Fault { repaired },
        });
    }

    /// An author has signed different edits under one name.
    fn forked(&mut self, author: AuthorId) {
        if author == self.document.me() {
            let text = "other edits than yours were signed with this program's key, so the others \
                        take no more of yours: close it and open the file again";
            self.events.push_back(Event::Notice(text.to_owned()));
            return;
        }
        self.document.freeze(author);
        self.divergences.push_back(Divergence {
            name: self.name_of(author),
            text: self.document.rope().clone(),
            cause: Cause::Fork,
        });
    }

    /// What the member is called that an author is.
    fn name_of(&self, author: AuthorId) -> String {
        let whose = self.session.member_of(&author);
        whose.map_or_else(|| author.short(), |member| self.session.name_of(&member))
    }

    fn event(&mut self, event: Event, now: Time) {
        match event {
            // One who is in the session already goes on without whoever it was to be joined through.
            Event::Refused(
                Refused::Unreachable { target, .. } | Refused::Broken { target, .. },
            ) if self.keeping.begun => {
                let access = self.session.access().cloned();
                self.rejoin = Some((now + REJOIN, target, access));
            }
            event => {
                self.keeping.begun |= event == Event::Joined;
                self.events.push_back(event);
            }
        }
    }

    fn merge(
        &mut self,
        author: crate::crdt::AuthorId,
        mut seq: u32,
        batches: &[crate::wire::Batch],
    ) -> Outcome {
        if self.document.log().version().total() >= self.most_operations {
            return Outcome::Full;
        }
        let mut outcome = Outcome::Duplicate;
        for batch in batches {
            let first = OpId { author, seq };
            let verdict = self.document.merge_sized(first, batch.width, &batch.bytes);
            outcome = match (verdict, outcome) {
                (Verdict::Invalid(why), _) => Outcome::Rejected(why.to_string()),
                (_, Outcome::Rejected(why)) => Outcome::Rejected(why),
                // That the log has grown is to be told, whatever becomes of the rest.
                (Verdict::Applied, _) | (_, Outcome::Applied) => Outcome::Applied,
                (Verdict::Frozen, _) => Outcome::Frozen,
                (Verdict::Waiting, _) | (_, Outcome::Parked) => Outcome::Parked,
                (Verdict::Duplicate, _) => Outcome::Duplicate,
            };
            seq = seq.saturating_add(batch.width);
        }
        self.changed |= outcome != Outcome::Duplicate;
        self.tell_of_rejected();
        outcome
    }

    fn tell_of_rejected(&mut self) {
        for Rejected { author, why, .. } in self.document.take_rejected() {
            let whose = self.name_of(author);
            let text = format!("edits of {whose} are no longer taken: {why}");
            self.events.push_back(Event::Notice(text));
        }
    }

    /// The next thing for the network to do.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// The next thing to tell the user.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front().inspect(log)
    }

    /// The next text that was found to differ from another member's, to be kept.
    pub fn next_divergence(&mut self) -> Option<Divergence> {
        self.divergences.pop_front()
    }

    /// Whether the text may have changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What taking back these edits would do.
    pub fn preview_take_back(&mut self, edits: &[Range<OpId>]) -> Vec<Effect> {
        self.document.preview_take_back(edits)
    }

    /// Takes back edits of any author; where the caret goes, if anything changed.
    pub fn take_back(&mut self, edits: &[Range<OpId>]) -> Option<CharPos> {
        self.changed = true;
        self.document.take_back(edits)
    }

    /// What has changed in the text since this was last asked; `None` if that is not known.
    pub const fn take_text_changes(&mut self) -> Option<Vec<TextChange>> {
        self.document.take_text_changes()
    }

    /// When [`Input::Deadline`] is wanted.
    pub fn next_deadline(&self) -> Option<Time> {
        let rejoin = self.rejoin.as_ref().map(|(at, ..)| *at);
        self.session.next_deadline().into_iter().chain(rejoin).min()
    }
}

/// Writes an event to the log, if it belongs there. It says who, where and what became of it, never text or code.
fn log(event: &Event) {
    match event {
        Event::Welcomed { .. } => tracing::info!("let in; the text is on its way"),
        Event::Joined => tracing::info!("joined"),
        Event::Refused(why) => tracing::warn!("not joined: {why}"),
        Event::MemberChanged { name, state, .. } => match state {
            MemberState::Connected => tracing::info!("{name} is connected"),
            MemberState::Away => tracing::info!("{name} is away"),
            MemberState::Left => tracing::info!("{name} has left"),
        },
        Event::AccessChanged { by: None } => tracing::info!("the session code was changed here"),
        Event::AccessChanged { by: Some(name) } => {
            tracing::info!("the session code was changed by {name}");
        }
        Event::Notice(text) => tracing::info!("{text}"),
        Event::Warning(text) => tracing::warn!("{text}"),
        Event::PresenceChanged { .. } | Event::AskedToLook { .. } | Event::MemberSaved { .. } => {}
    }
}

#[cfg(test)]
impl Core {
    /// Takes over a history that holds all that is here.
    pub(super) fn restore(&mut self, history: &[u8]) -> Result<(), crate::crdt::NotAdopted> {
        self.document.adopt(history)
    }

    /// Merges what another author, who knows all that is here, does to the text.
    pub(super) fn merge_by(
        &mut self,
        author: crate::crdt::AuthorId,
        edit: impl FnOnce(&mut Document),
    ) {
        self.commit(Time(0));
        let history = self.document.encode_history();
        let mut other = crate::document::Preview::open(&history)
            .and_then(|preview| preview.build(author))
            .expect("an own history");
        edit(&mut other);
        if let Some(seq) = other.commit(0, Source::Typed) {
            let mut bytes = Vec::new();
            let width = other.log().batch_at(&author, seq, &mut bytes);
            let width = width.expect("the batch just made") - seq;
            let batches = [crate::wire::Batch { width, bytes }];
            assert_eq!(self.merge(author, seq, &batches), Outcome::Applied);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crdt::AuthorId;
    use crate::security::Access;
    use crate::session::LinkId;
    use crate::wire::{Name, Properties};

    #[test]
    fn an_edit_and_what_comes_in_the_same_turn_do_not_disturb_each_other() {
        let config = Config::for_test(1, true, Properties::default());
        let mut core = Core::new(config, Time(0));
        core.edit(CharPos(0)..CharPos(0), "typed", EditKind::Whole, Time(1));
        core.handle(Input::Deadline, Time(1));
        let log = core.document().log();
        assert_eq!(
            log.next(&core.document().me()),
            5,
            "the edit is in the log before anything else"
        );
        let mut other = Document::new(AuthorId([2; 16]));
        other.edit(CharPos(0)..CharPos(0), "merged ", EditKind::Whole, 1);
        let seq = other.commit(0, Source::Typed).expect("an edit");
        let mut bytes = Vec::new();
        let width = other
            .log()
            .batch_at(&other.me(), seq, &mut bytes)
            .expect("a batch");
        core.edit(CharPos(5)..CharPos(5), "!", EditKind::Whole, Time(2));
        core.handle(Input::Deadline, Time(2));
        let batches = [crate::wire::Batch { width, bytes }];
        assert_eq!(core.merge(other.me(), seq, &batches), Outcome::Applied);
        assert_eq!(core.document().len(), "typed!merged ".len());
    }

    #[test]
    fn a_log_that_has_grown_is_told_of_though_something_waits() {
        let mut core = Core::new(Config::for_test(1, true, Properties::default()), Time(0));
        let mut documents = [2, 3].map(|n| Document::new(AuthorId([n; 16])));
        let batch = |document: &Document, seq| {
            let mut bytes = Vec::new();
            let me = document.me();
            let next = document.log().batch_at(&me, seq, &mut bytes);
            let width = next.expect("a batch") - seq;
            crate::wire::Batch { width, bytes }
        };
        let [ann, ben] = &mut documents;
        ann.edit(CharPos(0)..CharPos(0), "here", EditKind::Whole, 0);
        ann.commit(0, Source::Typed);
        ben.edit(CharPos(0)..CharPos(0), "cause", EditKind::Whole, 0);
        ben.commit(0, Source::Typed);
        assert_eq!(
            ann.merge(ben.me(), 0, &batch(ben, 0).bytes),
            Verdict::Applied
        );
        ann.edit(CharPos(0)..CharPos(9), "", EditKind::Whole, 0);
        let seq = ann.commit(0, Source::Typed).expect("an edit");
        let batches = [batch(ann, 0), batch(ann, seq)];
        assert_eq!(core.merge(ann.me(), 0, &batches), Outcome::Applied);
        assert_eq!(core.document().rope(), "here");
    }

    #[test]
    fn a_document_that_is_as_large_as_it_may_be_takes_no_more() {
        let config = Config::for_test(1, true, Properties::default());
        let mut core = Core::new(config, Time(0));
        core.most_operations = 10;
        let mut other = Document::new(AuthorId([2; 16]));
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            other.edit(CharPos(0)..CharPos(0), "12345", EditKind::Whole, 1);
            let seq = other.commit(0, Source::Typed).expect("an edit");
            let mut bytes = Vec::new();
            let next = other.log().batch_at(&other.me(), seq, &mut bytes);
            let width = next.expect("a batch") - seq;
            let batches = [crate::wire::Batch { width, bytes }];
            outcomes.push(core.merge(other.me(), seq, &batches));
        }
        assert_eq!(outcomes[..2], [Outcome::Applied, Outcome::Applied]);
        assert_eq!(outcomes[2], Outcome::Full);
        assert_eq!(core.document().len(), 10);
        assert!(!core.document().log().is_frozen(&other.me()));
    }

    /// Two cores joined by a line without delay; the second may lie about its text.
    #[test]
    fn a_text_that_differs_is_set_aside_and_made_from_the_logs_again() {
        let config = |n: u8, founded: bool| Config {
            name: Name::new(if n == 1 { "Ann" } else { "Ben" }),
            ..Config::for_test(n, founded, Properties::default())
        };
        let mut ann = Core::new(config(1, true), Time(0));
        ann.edit(CharPos(0)..CharPos(0), "the text", EditKind::Whole, Time(0));
        ann.flush(None, Time(0), 0);
        // Ben's memory has been damaged: his rope is not what his log says.
        let damaged = |ben: &mut Core| ben.document.damage(0..3);
        let mut ben = Core::new(config(2, false), Time(0));
        let target = "10.0.0.1:1".to_owned();
        let access = Some(Access::Open);
        ben.handle(Input::Join { target, access }, Time(0));
        let (from, to) = ("10.0.0.2:1".parse().unwrap(), "10.0.0.1:1".parse().unwrap());
        let links = [LinkId::Accepted(0), LinkId::Dialled(0)];
        ann.handle(
            Input::Accepted {
                link: links[0],
                from,
            },
            Time(0),
        );
        ben.handle(
            Input::Dialled {
                link: links[1],
                addr: to,
            },
            Time(0),
        );
        let mut cores = [ann, ben];
        for now in (0..10_000).step_by(50) {
            let now = Time(now);
            if now == Time(500) {
                damaged(&mut cores[1]);
            }
            for n in [0, 1, 0, 1, 0, 1] {
                cores[n].handle(Input::Deadline, now);
                while let Some(command) = cores[n].next_command() {
                    if let Command::Transmit { link, bytes } = command {
                        let flushed = bytes.len();
                        cores[n].handle(
                            Input::Flushed {
                                link,
                                bytes: flushed,
                            },
                            now,
                        );
                        let link = links[1 - n];
                        cores[1 - n].handle(Input::Received { link, bytes }, now);
                    }
                }
            }
        }
        let [ann, ben] = &mut cores;
        let found = |core: &mut Core| {
            let found = core.next_divergence().expect("an alarm");
            assert!(core.next_divergence().is_none(), "one alarm");
            (found.name, found.text.to_string(), found.cause)
        };
        assert_eq!(
            found(ann),
            (
                "Ben".to_owned(),
                "the text".to_owned(),
                Cause::Fault { repaired: false }
            )
        );
        assert_eq!(
            found(ben),
            (
                "Ann".to_owned(),
                " text".to_owned(),
                Cause::Fault { repaired: true }
            )
        );
        assert_eq!(ben.document().rope(), "the text");
        ben.document().check_invariants();
        for core in [ann, ben] {
            assert!(
                core.session().members()[0].identical,
                "and all is well again"
            );
        }
    }
}
