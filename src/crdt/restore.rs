//! A replica put together from a history instead of from batches.
//!
//! All operations are known beforehand, so the order is made once and in one pass: characters are cut into
//! [`atoms`], these are linked in the order of the document ([`tree`]), and the order tree is filled
//! from left to right. What a history claims is checked as batches are, so that nobody can
//! have read the same operations and hold another order. The text comes last, when the order
//! tells which part of what shows is whose.

mod atoms;
mod cuts;
mod tree;

pub(crate) use atoms::{Atoms, Right, cuts};
pub(crate) use cuts::Cuts;

use super::id::{AuthorId, AuthorIx, Id};
use super::integrate::Crowds;
use super::op::{BatchInfo, Invalid};
use super::order::{Fill, Order};
use super::replica::Replica;
use super::text::{AppendText, chars_len};
use atoms::{EDGE, HIDDEN};

/// An author's next characters, and where they are in the text that shows.
struct Stretch {
    author: AuthorIx,
    len: u32,
    shown: u32,
}

/// Appends characters to what is there already, if they go on in both texts.
#[inline]
fn push_stretch(stretches: &mut Vec<Stretch>, author: AuthorIx, len: u32, shown: u32) {
    if let Some(last) = stretches.last_mut()
        && last.author == author
        && shown
            == if last.shown == HIDDEN {
                HIDDEN
            } else {
                last.shown + last.len
            }
    {
        last.len += len;
        return;
    }
    stretches.push(Stretch { author, len, shown });
}

/// Text that is given out from its start.
struct Source<'a> {
    rest: &'a str,
    is_ascii: bool,
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            is_ascii: text.is_ascii(),
        }
    }

    /// The next `chars` characters, if there are so many.
    #[inline]
    fn take(&mut self, chars: usize) -> Option<&'a str> {
        let (text, rest) = self.rest.split_at_checked(self.bytes(chars))?;
        // Where the text ends there may be fewer than were asked for.
        if rest.is_empty() && text.chars().count() != chars {
            return None;
        }
        self.rest = rest;
        Some(text)
    }

    #[inline]
    fn bytes(&self, chars: usize) -> usize {
        let is_ascii = || {
            let bytes = self.rest.as_bytes().get(..chars);
            bytes.is_some_and(<[u8]>::is_ascii)
        };
        if self.is_ascii || is_ascii() {
            chars
        } else {
            chars_len(self.rest, chars)
        }
    }
}

impl Replica {
    /// The author's index; makes an empty log for one that is new.
    pub(crate) fn restore_author(&mut self, author: AuthorId) -> Result<AuthorIx, Invalid> {
        self.log.intern(author)
    }

    /// Notes that `author` made `count` batches like `first`, one after the other. The version learns of them in
    /// [`restore_version`](Self::restore_version).
    pub(crate) fn restore_batches(&mut self, author: AuthorIx, first: BatchInfo, count: u32) {
        let last = first.lamport + u64::from(count) - 1;
        self.clock = self.clock.max(last);
        self.log.push_batches(author, first, count);
    }

    /// Brings the version up to the author's last batch.
    pub(crate) fn restore_version(&mut self, author: AuthorIx) {
        self.log.advance(author);
    }

    /// Builds the order of all characters in the log, whose `atoms` know which deletes name them. `undos` are
    /// all undos, in an order in which causes come first. O(n), and O(n log n) in what was written at
    /// one place at the same time.
    ///
    /// # Errors
    /// If an insert's origins contradict the order.
    pub(crate) fn restore_order(&mut self, atoms: &mut Atoms, undos: &[Id]) -> Result<(), Invalid> {
        if !atoms.is_order() {
            atoms.put_in_order(&self.log)?;
        }
        self.order = atoms.fill();
        self.crowds = Crowds::default();
        // Few, as a rule; and it does not matter that deletes that came later are in force already.
        let mut changes = Vec::new();
        for undo in undos {
            changes.clear();
            self.enforce(undo.author, undo.seq, &mut changes);
        }
        Ok(())
    }

    /// Builds the order anew from the log. O(n log n).
    pub(crate) fn rebuild(&mut self) {
        self.log.forget_undos();
        let mut undos = Vec::new();
        for (author, log) in self.log.authors() {
            undos.extend(
                log.undos_made()
                    .map(|(depth, seq)| (depth, Id::new(author, seq))),
            );
        }
        // What an undo names is nested less deep than itself.
        undos.sort_unstable();
        let undos: Vec<Id> = undos.into_iter().map(|(_, id)| id).collect();
        let mut atoms = Atoms::of(&self.log);
        self.restore_order(&mut atoms, &undos)
            .expect("what is in the log was found valid");
    }

    /// Gives all characters their text: the visible ones from `shown`, which is in the order of the document, the
    /// others from `hidden`, which is in that of `authors` and of their numbers. `None` if those are not as long as
    /// they must be. O(n), and O(n log n) if anything was undone.
    pub(crate) fn restore_text(
        &mut self,
        atoms: &Atoms,
        authors: &[AuthorIx],
        shown: &str,
        hidden: &str,
    ) -> Option<()> {
        let bytes = shown.len() + hidden.len();
        let chars = shown.chars().count();
        if chars != self.order.visible() {
            return None;
        }
        let shown = AppendText::new(shown.to_owned(), chars);
        let mut hidden = Source::new(hidden);
        let mut texts: Vec<String> = self.log.authors().map(|_| String::new()).collect();
        // As many bytes a character as on the average.
        let all: usize = self
            .log
            .authors()
            .map(|(_, log)| log.chars() as usize)
            .sum();
        for author in authors {
            let chars = self.log[*author].chars() as usize;
            texts[author.index()].reserve_exact((chars * bytes).div_ceil(all.max(1)));
        }
        for stretch in self.stretches(atoms, authors) {
            let len = stretch.len as usize;
            let text = match stretch.shown {
                HIDDEN => hidden.take(len)?,
                at => shown.slice(at as usize, at as usize + len),
            };
            texts[stretch.author.index()].push_str(text);
        }
        if !hidden.rest.is_empty() {
            return None;
        }
        for author in authors {
            let text = std::mem::take(&mut texts[author.index()]);
            let chars = self.log[*author].chars() as usize;
            self.log.set_text(*author, text, chars);
        }
        Some(())
    }

    /// All characters, by author, in the order of their numbers.
    fn stretches(&self, atoms: &Atoms, authors: &[AuthorIx]) -> Vec<Stretch> {
        let mut stretches = Vec::with_capacity(atoms.pieces.len());
        if !self.log.has_undos() {
            for author in authors {
                for (len, shown) in atoms.shown_of(*author) {
                    push_stretch(&mut stretches, *author, len, shown);
                }
            }
            return stretches;
        }
        // What undos hide and show again is no matter of atoms.
        let mut places = vec![0; self.log.authors().count()];
        for (place, author) in authors.iter().enumerate() {
            places[author.index()] = place;
        }
        let mut at = 0;
        let mut runs: Vec<(usize, Id, u32, u32)> = Vec::new();
        for run in self.order.runs() {
            let id = run.id();
            let shown = if run.hides == 0 { at } else { HIDDEN };
            at += if run.hides == 0 { run.len } else { 0 };
            runs.push((places[id.author.index()], id, run.len, shown));
        }
        runs.sort_unstable();
        for (_, id, len, shown) in runs {
            push_stretch(&mut stretches, id.author, len, shown);
        }
        stretches
    }
}

impl Atoms {
    /// The order tree of the atoms as they are linked.
    fn fill(&mut self) -> Order {
        let mut fill = Fill::new();
        let (mut at, mut shown) = (self.atoms[EDGE as usize].next, 0);
        while at != EDGE {
            let atom = &mut self.atoms[at as usize];
            // The sketch has done its work.
            atom.after = fill.push(atom.id(), atom.len, !atom.begins, atom.hides);
            atom.before = HIDDEN;
            if atom.hides == 0 {
                atom.before = shown;
                shown += atom.len;
            }
            at = atom.next;
        }
        let mut order = fill.finish();
        for author in (0..self.authors.len()).map(AuthorIx::new) {
            let atoms = self.of_author(author);
            let runs = atoms.map(|atom| (atom.seq, atom.seq + atom.len, atom.after));
            order.note_leaves(author, runs);
        }
        order
    }
}
