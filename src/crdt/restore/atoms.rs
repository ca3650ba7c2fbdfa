//! All characters of a history, in pieces that nothing in it cuts any further, and a sketch of the text.
//!
//! What a history names (origins, what deletes reach from and to) is known before anything is put into
//! order. Characters between two places that are named stay together for ever: an *atom*. So nothing is
//! ever split, and a list of atoms does what otherwise takes a tree.
//!
//! The **sketch** is such a list: each insert stands right behind its left origin, with no regard to what
//! others put there at the same time. It serves to guess: the writer of a history leaves out what the
//! reader finds in the sketch, and says the rest. As long as it guesses every right origin, each
//! insert went between two neighbours, which is where it belongs, so the sketch is the order
//! itself ([`Atoms::is_order`]). Beside it runs a list of what shows in it, from which deletes drop
//! out for good: what an undo brings back is in the sketch, not among what shows in it.
//!
//! Everything is O(1), but for the atoms that an operation names, which are O(named) in all.

use super::super::id::{AuthorIx, Id};
use super::super::log::Log;
use super::super::op::Span;
use super::super::order::push_joined;
use super::cuts::Cuts;

/// The start and the end of the lists, which are rings.
pub(super) const EDGE: u32 = 0;

/// In place of a neighbour, or of a place in the text that shows: does not show.
pub(super) const HIDDEN: u32 = u32::MAX;

/// Characters with consecutive numbers, in no part of which anything else happens.
#[derive(Clone, Copy)]
pub(super) struct Atom {
    pub(super) author: AuthorIx,
    /// Whether its first character does not continue the one before it by number.
    pub(super) begins: bool,
    pub(super) seq: u32,
    /// 0 if this is no character.
    pub(super) len: u32,
    /// How many deletes name it.
    pub(super) hides: u32,
    /// What is behind it in the sketch.
    pub(super) next: u32,
    /// What shows in front of it in the sketch; once the order has been filled, how many visible characters are
    /// before it.
    pub(super) before: u32,
    /// What shows behind it in the sketch; then the leaf of the order that it is in.
    pub(super) after: u32,
}

impl Atom {
    pub(super) const fn id(&self) -> Id {
        Id::new(self.author, self.seq)
    }

    const fn end(&self) -> u32 {
        self.seq + self.len
    }
}

/// Where the atoms of an insert entry of the log are, and next to what they were put.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) first: u32,
    pub(super) last: u32,
    /// The atoms of its origins.
    pub(super) left: u32,
    pub(super) right: u32,
}

/// An author's place in the tables.
pub(super) struct Author {
    cuts: Cuts,
    /// The atom before its first.
    atoms: u32,
    /// Its first piece.
    pieces: u32,
    /// How many of its pieces have been put into the sketch.
    done: u32,
}

/// See the module.
pub(crate) struct Atoms {
    pub(super) authors: Vec<Author>,
    pub(super) atoms: Vec<Atom>,
    /// Those of each author, in the order of the log.
    pub(super) pieces: Vec<Piece>,
    is_order: bool,
}

impl Atoms {
    /// The atoms that the log's inserts are cut into, none of them in the sketch. `cuts` are each
    /// author's, none of them behind its last batch. O(log + cuts).
    pub(crate) fn new(log: &Log, mut cuts: Vec<Cuts>) -> Self {
        let mut new = Self {
            authors: Vec::with_capacity(cuts.len()),
            atoms: Vec::new(),
            pieces: Vec::new(),
            is_order: true,
        };
        let counts = cuts.iter_mut().zip(log.authors());
        let count: u32 = counts.map(|(cuts, (_, log))| cuts.count(log.next())).sum();
        new.atoms.reserve_exact(count as usize + 1);
        let pieces = log.authors().map(|(_, log)| log.insert_runs().len());
        new.pieces.reserve_exact(pieces.sum());
        new.push(Id::new(AuthorIx::new(0), 0), false);
        let edge = &mut new.atoms[EDGE as usize];
        (edge.next, edge.before, edge.after) = (EDGE, EDGE, EDGE);
        for ((author, log), cuts) in log.authors().zip(cuts) {
            let (atoms, pieces) = (new.atoms.len() as u32 - 1, new.pieces.len() as u32);
            let mut runs = log.insert_runs().iter();
            let mut run = runs.next();
            let mut first = 0;
            cuts.each(|seq| {
                while let Some(ended) = run.filter(|run| run.end() <= seq) {
                    new.end_piece(first, ended.end());
                    run = runs.next();
                }
                let begins = run.is_some_and(|run| run.seq == seq);
                if begins {
                    first = new.atoms.len() as u32;
                } else if run.is_some_and(|run| run.seq < seq) {
                    new.end_atom(seq);
                }
                new.push(Id::new(author, seq), begins);
            });
            new.authors.push(Author {
                cuts,
                atoms,
                pieces,
                done: 0,
            });
        }
        new
    }

    /// The atoms of a whole log and what hides them, without a sketch.
    pub(super) fn of(log: &Log) -> Self {
        let mut new = Self::new(log, cuts(log));
        new.is_order = false;
        let mut piece = 0;
        for (_, log) in log.authors() {
            for run in log.insert_runs() {
                let left = new.left(run.left);
                let right = run.right.map_or(Some(EDGE), |right| new.starting(right));
                let origins = left.zip(right).expect("the log's origins are characters");
                (new.pieces[piece].left, new.pieces[piece].right) = origins;
                piece += 1;
            }
            log.each_deleted(|span| {
                let hidden = new.each(span, |atoms, atom| atoms.atoms[atom as usize].hides += 1);
                hidden.expect("the log's deletes name characters");
            });
        }
        new
    }

    /// Appends an atom, linked with its neighbours by number.
    #[inline]
    fn push(&mut self, id: Id, begins: bool) {
        let me = self.atoms.len() as u32;
        self.atoms.push(Atom {
            author: id.author,
            begins,
            seq: id.seq,
            len: 0,
            hides: 0,
            next: me + 1,
            before: me.wrapping_sub(1),
            after: me + 1,
        });
    }

    /// The author's atoms that are characters, by number.
    pub(super) fn of_author(&self, author: AuthorIx) -> impl Iterator<Item = &Atom> {
        let start = self.authors[author.index()].atoms as usize + 1;
        let next = self.authors.get(author.index() + 1);
        let end = next.map_or(self.atoms.len(), |next| next.atoms as usize + 1);
        self.atoms[start..end].iter().filter(|atom| atom.len > 0)
    }

    /// How long these are, and their places among what shows, once the order has been filled.
    pub(super) fn shown_of(&self, author: AuthorIx) -> impl Iterator<Item = (u32, u32)> {
        self.of_author(author).map(|atom| (atom.len, atom.before))
    }

    /// The newest atom is characters up to number `end`.
    fn end_atom(&mut self, end: u32) {
        if let Some(atom) = self.atoms.last_mut() {
            atom.len = end - atom.seq;
        }
    }

    /// The atoms from `first` to the newest are an insert entry, which ends with number `end`.
    fn end_piece(&mut self, first: u32, end: u32) {
        self.end_atom(end);
        self.pieces.push(Piece {
            first,
            last: self.atoms.len() as u32 - 1,
            left: EDGE,
            right: EDGE,
        });
    }

    /// Whether the sketch is the order of the document.
    pub(crate) const fn is_order(&self) -> bool {
        self.is_order
    }

    /// The atom that holds number `id`, or would.
    #[inline]
    pub(super) fn atom_of(&self, id: Id) -> u32 {
        let author = &self.authors[id.author.index()];
        author.atoms + author.cuts.rank(id.seq)
    }

    /// The atom that begins with the character `id`, in front of which there is a cut.
    #[inline]
    fn starting(&self, id: Id) -> Option<u32> {
        let atom = self.atom_of(id);
        let found = &self.atoms[atom as usize];
        (found.len > 0 && found.id() == id).then_some(atom)
    }

    /// The atom that ends with the character `id`, behind which there is a cut.
    #[inline]
    fn ending(&self, id: Id) -> Option<u32> {
        let atom = self.atom_of(id);
        let found = &self.atoms[atom as usize];
        // One that is no character ends where it starts, which is in front of `id` or later.
        (found.author == id.author && found.end() == id.seq + 1 && found.len > 0).then_some(atom)
    }

    /// What is behind the character `left` (or comes first) in the sketch; `None` at its end.
    pub(crate) fn next(&self, left: Option<Id>) -> Option<Id> {
        let left = self.left(left)?;
        self.behind(left)
    }

    fn left(&self, left: Option<Id>) -> Option<u32> {
        left.map_or(Some(EDGE), |left| self.ending(left))
    }

    fn behind(&self, atom: u32) -> Option<Id> {
        let next = self.atoms[atom as usize].next;
        (next != EDGE).then(|| self.atoms[next as usize].id())
    }

    /// Puts `author`'s next insert entry behind `left`; its right origin, which is `right`, or what the
    /// sketch says. `None` if an origin is no character.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        author: AuthorIx,
        left: Option<Id>,
        right: Right,
    ) -> Option<Option<Id>> {
        let left = self.left(left)?;
        let guess = self.atoms[left as usize].next;
        let (right, id) = match right {
            Right::Next => (guess, self.behind(left)),
            Right::Is(None) => (EDGE, None),
            Right::Is(Some(id)) => (self.starting(id)?, Some(id)),
        };
        self.is_order &= right == guess;
        let author = &mut self.authors[author.index()];
        let piece = &mut self.pieces[(author.pieces + author.done) as usize];
        author.done += 1;
        (piece.left, piece.right) = (left, right);
        let Piece { first, last, .. } = *piece;
        self.atoms[last as usize].next = guess;
        let shows = self.atoms[left as usize].before != HIDDEN;
        let behind = &mut self.atoms[left as usize];
        behind.next = first;
        if shows {
            let after = std::mem::replace(&mut behind.after, first);
            self.atoms[first as usize].before = left;
            self.atoms[last as usize].after = after;
            self.atoms[after as usize].before = last;
        } else {
            // What shows there is not known.
            for atom in &mut self.atoms[first as usize..=last as usize] {
                atom.before = HIDDEN;
            }
        }
        Some(id)
    }

    /// Hides the characters `span`, at whose ends there are cuts. `None` if they are not all characters.
    #[inline]
    pub(crate) fn hide(&mut self, span: Span) -> Option<()> {
        self.each(span, |atoms, atom| {
            atoms.hide_atom(atom);
        })
    }

    /// Calls `each` with every atom of a span, at whose ends there are cuts. `None` if it is not all
    /// characters.
    #[inline]
    fn each(&mut self, span: Span, mut each: impl FnMut(&mut Self, u32)) -> Option<()> {
        let mut id = span.start;
        let mut atom = self.starting(id)?;
        loop {
            id = id.plus(self.atoms[atom as usize].len);
            each(self, atom);
            if id.seq >= span.end() {
                return Some(());
            }
            atom += 1;
            let next = self.atoms.get(atom as usize)?;
            if next.len == 0 || next.id() != id {
                return None;
            }
        }
    }

    #[inline]
    fn hide_atom(&mut self, atom: u32) -> Atom {
        let found = &mut self.atoms[atom as usize];
        found.hides += 1;
        let was = *found;
        if was.before != HIDDEN {
            found.before = HIDDEN;
            self.atoms[was.before as usize].after = was.after;
            self.atoms[was.after as usize].before = was.before;
        }
        was
    }

    /// Hides all that shows in the sketch from the character `first` to the character `last`, at which
    /// there are cuts, and appends it to `spans`. `None` if these two do not show, in this order.
    pub(crate) fn hide_through(
        &mut self,
        first: Id,
        last: Id,
        spans: &mut Vec<Span>,
    ) -> Option<()> {
        let (mut atom, last) = (self.starting(first)?, self.ending(last)?);
        if self.atoms[atom as usize].before == HIDDEN {
            return None;
        }
        while atom != EDGE {
            let found = self.hide_atom(atom);
            push_joined(spans, found.id(), found.len);
            if atom == last {
                return Some(());
            }
            atom = found.after;
        }
        None
    }

    /// Whether [`hide_through`](Self::hide_through) would give these spans. `found` is room for what it would.
    pub(crate) fn shows_as(&self, spans: &[Span], found: &mut Vec<Span>) -> bool {
        found.clear();
        let Some(first) = spans.first() else {
            return false;
        };
        let mut rest: u64 = spans.iter().map(|span| u64::from(span.len)).sum();
        let mut atom = self.starting(first.start).unwrap_or(EDGE);
        while atom != EDGE && self.atoms[atom as usize].before != HIDDEN {
            let this = &self.atoms[atom as usize];
            push_joined(found, this.id(), this.len);
            match rest.checked_sub(this.len.into()) {
                Some(0) => return found == spans,
                Some(less) => rest = less,
                None => return false,
            }
            atom = this.after;
        }
        false
    }
}

/// The right origin of an insert.
#[derive(Clone, Copy)]
pub(crate) enum Right {
    /// What is behind the left one in the sketch.
    Next,
    /// This.
    Is(Option<Id>),
}

/// Every place where what the log names cuts its characters.
pub(crate) fn cuts(log: &Log) -> Vec<Cuts> {
    let mut cuts: Vec<Cuts> = log.authors().map(|_| Cuts::default()).collect();
    let mut cut = |id: Id, by| cuts[id.author.index()].set(id.seq + by);
    for (author, log) in log.authors() {
        for run in log.insert_runs() {
            cut(Id::new(author, run.seq), 0);
            if let Some(left) = run.left {
                cut(left, 1);
            }
            if let Some(right) = run.right {
                cut(right, 0);
            }
        }
        log.each_deleted(|span| {
            cut(span.start, 0);
            cut(span.start, span.len);
        });
    }
    cuts
}
