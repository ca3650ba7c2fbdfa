//! Who wrote it: what comes is held against its author's signature before anything is made of it.
//!
//! The one gate: [`Vouched`] is made here alone, and [`Output::Merge`](super::Output::Merge) takes
//! nothing else; of a history, [`Session::check_history`](super::Session::check_history) is asked before
//! it is adopted. What has come and is not checked yet is never more than one message, or one history:
//! a message ends where its signature covers it, and what does not follow on something checked is not
//! kept but asked for again.
//!
//! Invariants, per author:
//! - V1: a batch that is in the log, or waits there, is under a seal that is here.
//! - V2: a seal that is here has been checked, or is our own, or comes from our own disk.
//!
//! Not here: whether a batch is valid (that is the replica's to say), and whose an author is (that is
//! the roster's).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::limits::{MAX_SIGNED_BYTES, OPS_BYTES};
use super::link::Fault;
use crate::crdt::seal::{digest, next_batch};
use crate::crdt::{
    AuthorId, Chain, KeptSeal, LogSource, SEAL_BATCHES, SEAL_BYTES, Seal, SealedBatch, Seals,
    Stretch, Version,
};
use crate::security::Crypto;
use crate::wire::limits::MAX_BATCHES;
use crate::wire::{Batch, Fork, Ops, Signed, Voucher, Vouchers};

/// Batches that follow on what was checked before and that their author has signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vouched {
    author: AuthorId,
    seq: u32,
    batches: Vec<Batch>,
}

impl Vouched {
    /// Whose they are.
    pub const fn author(&self) -> AuthorId {
        self.author
    }

    /// The first operation of the first.
    pub const fn seq(&self) -> u32 {
        self.seq
    }

    /// The batches, each following on the one before.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }
}

/// What a message of batches is.
pub(super) enum Checked {
    /// Signed, and new.
    New(Vouched),
    /// Here already.
    Known,
    /// Signed, and not what is here, which is signed, too: its author has signed two things under one name.
    /// From where on, as [`Vouch::contradiction`] says it.
    Forked(u32),
    /// What comes before is missing.
    Gap,
}

/// What a history brings beside itself, once it has been checked.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NewSeals {
    /// The author, up to where ours stay, and what follows on them.
    seals: Vec<(AuthorId, u32, Vec<KeptSeal>)>,
    pub(super) waiting: Vec<Vouched>,
}

/// How many chains are remembered of an author, beside the newest.
const LATELY: usize = 8;

/// What is known of the authors' signatures. See the module.
#[derive(Default, Debug)]
pub(super) struct Vouch {
    authors: BTreeMap<AuthorId, Known>,
    /// The heads for which the tips were found last.
    seen: Version,
    /// Up to where batches have been found good that are not in the log yet: they are being merged.
    handed: BTreeMap<AuthorId, u32>,
    /// Who has signed two batches under one name.
    forked: BTreeSet<AuthorId>,
}

#[derive(Debug)]
struct Known {
    seals: Seals,
    /// How many operations are in the log, and the chain there.
    tip: (u32, Chain),
    /// What that was lately, at most [`LATELY`]: others speak of what they have, and are a little behind.
    lately: VecDeque<(u32, Chain)>,
}

impl Known {
    fn new(author: &AuthorId) -> Self {
        Self {
            seals: Seals::default(),
            tip: (0, Chain::start(author)),
            lately: VecDeque::new(),
        }
    }

    fn grow(&mut self, next: u32, chain: Chain) {
        if self.lately.len() == LATELY {
            self.lately.pop_front();
        }
        let before = std::mem::replace(&mut self.tip, (next, chain));
        self.lately.push_back(before);
    }

    /// The chain at `seq`, if that takes no hashing.
    fn at_hand(&self, seq: u32) -> Option<Chain> {
        let mut known = std::iter::once(&self.tip).chain(self.lately.iter().rev());
        known.find(|(at, _)| *at == seq).map(|(_, chain)| *chain)
    }

    /// The last seal up to `seq`, or the start of all.
    fn base(&self, author: &AuthorId, seq: u32) -> (u32, Chain) {
        let start = || (0, Chain::start(author));
        let seal = self.seals.up_to(seq);
        seal.map_or_else(start, |seal| (seal.end, seal.chain))
    }

    /// Where the first of these batches begins, which follow on what is here, that is not what is here, or not
    /// what a seal is over that is here.
    fn differs(
        &self,
        author: &AuthorId,
        (mut at, mut chain): (u32, Chain),
        batches: &[Batch],
        log: &impl LogSource,
    ) -> Option<u32> {
        let mut ours = Vec::new();
        let mut seals = self.seals.after(at).iter().map(|kept| kept.seal).peekable();
        for Batch { width, bytes } in batches {
            let end = at + width;
            let here = next_batch(log, author, at, &mut ours);
            if here.is_some_and(|here| here != end || ours != *bytes) {
                return Some(at);
            }
            if let Some(next) = seals.peek() {
                chain = chain.then(at, *width, bytes);
                if next.end < end || (next.end == end && next.chain != chain) {
                    return Some(at);
                }
                seals.next_if(|next| next.end == end);
            }
            at = end;
        }
        None
    }
}

/// What an author signs: a purpose, itself (and with that its member and the session), how many
/// operations, the chain there.
pub(super) fn statement(author: &AuthorId, end: u32, chain: &Chain) -> Vec<u8> {
    let end = end.to_be_bytes();
    [b"collab-edit 1 batches", &author.0[..], &end, &chain.0].concat()
}

fn is_signed(
    crypto: &dyn Crypto,
    key: &[u8; 32],
    author: &AuthorId,
    (end, chain): (u32, &Chain),
    signature: &[u8; 64],
) -> bool {
    crypto.verify(key, &statement(author, end, chain), signature)
}

/// The chain behind these batches, where they end, and their bytes; `None` if the numbers cannot be.
fn extend(mut at: u32, mut chain: Chain, batches: &[Batch]) -> Option<(u32, Chain, usize)> {
    let mut bytes = 0;
    for batch in batches {
        let end = at.checked_add(batch.width).filter(|end| *end > at)?;
        chain = chain.then(at, batch.width, &batch.bytes);
        bytes += batch.bytes.len();
        at = end;
    }
    Some((at, chain, bytes))
}

impl Vouch {
    /// What was kept of an author's seals by an earlier process.
    pub(super) fn take_up(&mut self, author: AuthorId, seals: Seals) {
        let known = Known::new(&author);
        self.authors.insert(author, Known { seals, ..known });
    }

    /// Forgets what an author has signed, as only one who lies about it would.
    #[cfg(test)]
    pub(super) fn forget(&mut self, author: &AuthorId) {
        self.authors.remove(author);
        self.seen = Version::new();
    }

    /// Every author's seals.
    pub(super) fn seals(&self) -> impl Iterator<Item = (AuthorId, &Seals)> {
        self.authors
            .iter()
            .map(|(author, known)| (*author, &known.seals))
    }

    /// Signs what we have written since this was last asked. One signature, unless that is more than may
    /// stand between two.
    pub(super) fn sign(&mut self, me: AuthorId, crypto: &dyn Crypto, log: &impl LogSource) {
        let next = log.version().next(&me);
        let known = self.authors.entry(me).or_insert_with(|| Known::new(&me));
        let (mut at, mut chain) = known.base(&me, u32::MAX);
        let (mut batch, mut batches, mut bytes) = (Vec::new(), 0, 0);
        let kept = |end, chain, batches, bytes| KeptSeal {
            seal: Seal {
                end,
                chain,
                signature: crypto.sign_as_author(&statement(&me, end, &chain)),
            },
            batches,
            bytes,
        };
        while at < next
            && let Some(end) = next_batch(log, &me, at, &mut batch)
        {
            let length = batch.len() as u32;
            if batches > 0 && (batches == SEAL_BATCHES || bytes + length > SEAL_BYTES) {
                known.seals.push(kept(at, chain, batches, bytes));
                (batches, bytes) = (0, 0);
            }
            chain = chain.then(at, end - at, &batch);
            (at, batches, bytes) = (end, batches + 1, bytes + length);
        }
        if batches > 0 {
            known.seals.push(kept(at, chain, batches, bytes));
        }
    }

    /// Finds the chains at the heads. O(authors) if these have changed, and the batches since the last
    /// seal of those that have.
    pub(super) fn follow(&mut self, log: &impl LogSource) {
        self.handed.clear();
        if self.seen == *log.version() {
            return;
        }
        for (author, next) in log.version().iter() {
            if self.seen.next(&author) == next {
                continue;
            }
            let new = || Known::new(&author);
            let known = self.authors.entry(author).or_insert_with(new);
            if let Some(chain) = known.seals.chain_at(&author, next, log) {
                known.grow(next, chain);
            }
            self.seen.advance(author, next);
        }
    }

    /// The chain where an author's log ends.
    pub(super) fn tip(&self, author: &AuthorId) -> Chain {
        let known = self.authors.get(author);
        known.map_or_else(|| Chain::start(author), |known| known.tip.1)
    }

    /// Whether telling the chain at `seq` takes no hashing.
    pub(super) fn is_at_hand(&self, author: &AuthorId, seq: u32) -> bool {
        let known = self.authors.get(author);
        seq == 0 || known.is_some_and(|known| known.at_hand(seq).is_some())
    }

    /// The chain at `seq`, if a batch ends there. O(batches between two seals).
    pub(super) fn chain_at(
        &self,
        author: &AuthorId,
        seq: u32,
        log: &impl LogSource,
    ) -> Option<Chain> {
        match self.authors.get(author) {
            _ if seq == 0 => Some(Chain::start(author)),
            known => known.and_then(|known| {
                let at_hand = known.at_hand(seq);
                at_hand.or_else(|| known.seals.chain_at(author, seq, log))
            }),
        }
    }

    /// A digest of the heads and the chains there: equal ones are equal logs.
    pub(super) fn digest(&self) -> [u8; 32] {
        let tips = self.authors.iter();
        digest(tips.map(|(author, known)| (*author, known.tip.0, known.tip.1)))
    }

    /// A digest of what members that differ in it have to tell each other: of an author that has signed two
    /// batches under one name, only that.
    pub(super) fn digest_of_news(&self) -> [u8; 32] {
        let others = self.authors.iter();
        let others = others.filter(|(author, _)| !self.forked.contains(author));
        let tips = others.map(|(author, known)| (*author, known.tip));
        let forked = self.forked.iter();
        let forked = forked.map(|author| (*author, (u32::MAX, Chain([0; 32]))));
        let all: BTreeMap<AuthorId, (u32, Chain)> = tips.chain(forked).collect();
        let all = all.into_iter();
        digest(all.map(|(author, (next, chain))| (author, next, chain)))
    }

    /// Holds batches against their author's signature, and against what is here.
    pub(super) fn check(
        &mut self,
        ops: Ops,
        key: &[u8; 32],
        crypto: &dyn Crypto,
        log: &impl LogSource,
    ) -> Result<Checked, Fault> {
        let Ops {
            author,
            mut seq,
            mut batches,
            signature,
        } = ops;
        let long: usize = batches.iter().map(|batch| batch.bytes.len() + 16).sum();
        let ends = |batches: &[Batch]| {
            let widths = batches.iter().map(|batch| batch.width);
            let add = |at: u32, width: u32| at.checked_add(width);
            widths.filter(|width| *width > 0).try_fold(seq, add)
        };
        let Some(end) = ends(&batches).filter(|_| long <= MAX_SIGNED_BYTES) else {
            return Err(Fault::Forged);
        };
        let new = || Known::new(&author);
        let (here, tip) = self.authors.entry(author).or_insert_with(new).tip;
        let (mut at, mut known, mut ours) = (seq, 0, Vec::new());
        while at < here && known < batches.len() {
            let Batch { width, bytes } = &batches[known];
            if next_batch(log, &author, at, &mut ours) != Some(at + width) || ours != *bytes {
                // Whoever passes on an author's other log has done so from a place where both are one.
                let Some(chain) = self.chain_at(&author, seq, log) else {
                    return Ok(Checked::Gap);
                };
                let (end, chain, _) = extend(seq, chain, &batches).ok_or(Fault::Forged)?;
                let signed = is_signed(crypto, key, &author, (end, &chain), &signature);
                if !signed {
                    return Err(Fault::Forged);
                }
                return Ok(Checked::Forked(at + 1));
            }
            (at, known) = (at + width, known + 1);
        }
        let handed = self.handed.get(&author).copied().unwrap_or(0);
        if end <= here.max(handed) {
            return Ok(Checked::Known);
        }
        batches.drain(..known);
        seq = at;
        let known = self.authors.entry(author).or_insert_with(new);
        let chain = if seq == here {
            tip
        } else {
            match known.base(&author, seq) {
                (at, chain) if at == seq => chain,
                _ => return Ok(Checked::Gap),
            }
        };
        let start = (seq, chain);
        let (end, chain, bytes) = extend(seq, chain, &batches).ok_or(Fault::Forged)?;
        if !is_signed(crypto, key, &author, (end, &chain), &signature) {
            return Err(Fault::Forged);
        }
        if let Some(at) = known.differs(&author, start, &batches, log) {
            return Ok(Checked::Forked(at + 1));
        }
        known.seals.push(KeptSeal {
            seal: Seal {
                end,
                chain,
                signature,
            },
            batches: batches.len() as u32,
            bytes: bytes as u32,
        });
        self.handed.insert(author, end);
        Ok(Checked::New(Vouched {
            author,
            seq,
            batches,
        }))
    }

    /// The batches of `author` from `from` on, up to a seal at or after `to`, or as much as one message
    /// takes, or to the first seal behind which a stamp is past `until`. `None` if no batch starts there,
    /// or no seal is behind it.
    pub(super) fn stretch(
        &self,
        author: AuthorId,
        from: u32,
        to: u32,
        until: u64,
        log: &impl LogSource,
    ) -> Option<Stretch> {
        let seals = self.authors.get(&author)?.seals.after(from);
        let (mut count, mut bytes, mut batches) = (0, 0, 0);
        for kept in seals {
            bytes += kept.bytes as usize;
            batches += kept.batches as usize;
            let full = bytes > OPS_BYTES || batches > MAX_BATCHES;
            if let Some(last) = seals[..count].last()
                && (full
                    || last.seal.end >= to
                    || log.lamport_at(&author, last.seal.end) > Some(until))
            {
                break;
            }
            count += 1;
        }
        collect(
            author,
            from,
            seals[..count].iter().map(|kept| kept.seal),
            log,
        )
    }

    /// What shows the author's signature over what is around `at`: from the last seal before it to the
    /// first one that covers it.
    pub(super) fn evidence(&self, author: AuthorId, at: u32, log: &impl LogSource) -> Option<Fork> {
        let seals = &self.authors.get(&author)?.seals;
        let before = at.checked_sub(1).and_then(|before| seals.up_to(before));
        let seq = before.map_or(0, |seal| seal.end);
        let next = seals.after(seq).first()?.seal;
        let stretch = collect(author, seq, std::iter::once(next), log)?;
        Some(Fork {
            author,
            seq,
            chain: before.map_or_else(|| Chain::start(&author).0, |seal| seal.chain.0),
            before: before.map_or([0; 64], |seal| seal.signature),
            batches: stretch.batches.into_iter().map(to_wire).collect(),
            signature: stretch.seal.signature,
        })
    }

    /// Whether signed batches contradict what is here, which is signed too: then where, as a number that
    /// only the one or only the other log covers as it does. An error if they are not signed.
    pub(super) fn contradiction(
        &self,
        fork: &Fork,
        key: &[u8; 32],
        crypto: &dyn Crypto,
        log: &impl LogSource,
    ) -> Result<Option<u32>, Fault> {
        let author = &fork.author;
        let chain = Chain(fork.chain);
        let begins = if fork.seq == 0 {
            chain == Chain::start(author)
        } else {
            is_signed(crypto, key, author, (fork.seq, &chain), &fork.before)
        };
        let behind = extend(fork.seq, chain, &fork.batches);
        let (end, last, _) = behind.filter(|_| begins).ok_or(Fault::Forged)?;
        if !is_signed(crypto, key, author, (end, &last), &fork.signature) {
            return Err(Fault::Forged);
        }
        match self.chain_at(author, fork.seq, log) {
            Some(ours) if ours == chain => {}
            None if fork.seq > log.version().next(author) => return Ok(None),
            _ => return Ok(Some(fork.seq)),
        }
        let known = self.authors.get(author);
        let differs =
            known.and_then(|known| known.differs(author, (fork.seq, chain), &fork.batches, log));
        Ok(differs.map(|at| at + 1))
    }

    /// Notes that an author has signed two batches under one name; whether that is new.
    pub(super) fn is_forked(&mut self, author: AuthorId) -> bool {
        self.forked.insert(author)
    }

    /// Whether an author has done that.
    pub(super) fn has_forked(&self, author: &AuthorId) -> bool {
        self.forked.contains(author)
    }

    /// Who has done that.
    pub(super) fn forked(&self) -> impl Iterator<Item = AuthorId> {
        self.forked.iter().copied()
    }

    /// What vouches for everything that is here; `None` if that is not to be had.
    pub(super) fn vouchers(&self, log: &impl LogSource) -> Option<Vouchers> {
        let voucher = |(author, next): (AuthorId, u32)| {
            let seals = &self.authors.get(&author)?.seals;
            let last = seals.after(next - 1).first()?.seal;
            let upto = seals.iter().map(|kept| kept.seal);
            let upto = upto.take_while(|seal| seal.end <= last.end);
            let waiting = if last.end > next {
                collect(author, next, std::iter::once(last), log)?.batches
            } else {
                Vec::new()
            };
            Some(Voucher {
                author,
                seals: upto
                    .map(|seal| Signed {
                        end: seal.end,
                        signature: seal.signature,
                    })
                    .collect(),
                waiting: waiting.into_iter().map(to_wire).collect(),
            })
        };
        let authors = log.version().iter().map(voucher).collect::<Option<_>>()?;
        Some(Vouchers { authors })
    }

    /// Holds a history against its authors' signatures, given what it makes the logs; `None` if it does
    /// not stand. What is here already is not looked at: it is the same there. One signature for each
    /// seal; O(n).
    pub(super) fn check_history<'a>(
        &self,
        vouchers: &Vouchers,
        new: &impl LogSource,
        key_of: impl Fn(&AuthorId) -> Option<&'a [u8; 32]>,
        crypto: &dyn Crypto,
    ) -> Option<NewSeals> {
        let by_author: BTreeMap<AuthorId, &Voucher> = vouchers
            .authors
            .iter()
            .map(|voucher| (voucher.author, voucher))
            .collect();
        let mut found = NewSeals::default();
        for (author, next) in new.version().iter() {
            let known = self.authors.get(&author);
            let here = known.map_or(0, |known| known.tip.0);
            if next <= here {
                continue;
            }
            let (key, voucher) = (key_of(&author)?, by_author.get(&author)?);
            let (base, chain) = known.map_or_else(
                || (0, Chain::start(&author)),
                |known| known.base(&author, here),
            );
            let signed = |end, chain: &Chain, signature: &[u8; 64]| {
                is_signed(crypto, key, &author, (end, chain), signature)
            };
            let seals = check_seals(voucher, (base, chain), next, new, signed)?;
            found.seals.push((author, base, seals));
            if !voucher.waiting.is_empty() {
                found.waiting.push(Vouched {
                    author,
                    seq: next,
                    batches: voucher.waiting.clone(),
                });
            }
        }
        Some(found)
    }

    /// A history has been adopted.
    pub(super) fn adopted(&mut self, new: &mut NewSeals) {
        for (author, base, seals) in new.seals.drain(..) {
            let known = || Known::new(&author);
            let known = self.authors.entry(author).or_insert_with(known);
            known.seals.join(base, seals);
        }
    }
}

/// Follows an author's log from `base`, and then what waits behind its `next` operations, and holds each
/// seal against the chain where it ends. The last one covers everything.
fn check_seals(
    voucher: &Voucher,
    base: (u32, Chain),
    next: u32,
    log: &impl LogSource,
    signed: impl Fn(u32, &Chain, &[u8; 64]) -> bool,
) -> Option<Vec<KeptSeal>> {
    let ((mut at, mut chain), mut found) = (base, Vec::new());
    let (mut batch, mut waiting) = (Vec::new(), voucher.waiting.iter());
    for Signed { end, signature } in voucher.seals.iter().filter(|seal| seal.end > base.0) {
        let (mut batches, mut bytes) = (0, 0);
        while at < *end {
            let width = if at < next {
                next_batch(log, &voucher.author, at, &mut batch)? - at
            } else {
                let waits = waiting.next()?;
                batch.clone_from(&waits.bytes);
                waits.width
            };
            chain = chain.then(at, width, &batch);
            at = at.checked_add(width).filter(|end| *end > at)?;
            batches += 1;
            bytes += batch.len();
        }
        let fits = batches <= MAX_BATCHES && bytes + 16 * batches <= MAX_SIGNED_BYTES;
        if !fits || batches == 0 || at != *end || !signed(at, &chain, signature) {
            return None;
        }
        found.push(KeptSeal {
            seal: Seal {
                end: at,
                chain,
                signature: *signature,
            },
            batches: batches as u32,
            bytes: bytes as u32,
        });
    }
    (at >= next && waiting.next().is_none()).then_some(found)
}

/// The batches from `from` on up to the last of these seals to which they all are here.
fn collect(
    author: AuthorId,
    from: u32,
    seals: impl Iterator<Item = Seal>,
    log: &impl LogSource,
) -> Option<Stretch> {
    let (mut at, mut batches, mut covered) = (from, Vec::new(), None);
    'seals: for seal in seals {
        while at < seal.end {
            let mut bytes = Vec::new();
            let Some(end) = next_batch(log, &author, at, &mut bytes) else {
                break 'seals;
            };
            let width = end - at;
            batches.push(SealedBatch { width, bytes });
            at = end;
        }
        if at == seal.end {
            covered = Some((batches.len(), seal));
        }
    }
    let (count, seal) = covered?;
    batches.truncate(count);
    Some(Stretch {
        author,
        seq: from,
        batches,
        seal,
    })
}

pub(super) fn to_wire(batch: SealedBatch) -> Batch {
    let SealedBatch { width, bytes } = batch;
    Batch { width, bytes }
}

/// A stretch as a message.
pub(super) fn to_ops(stretch: Stretch) -> Ops {
    Ops {
        author: stretch.author,
        seq: stretch.seq,
        batches: stretch.batches.into_iter().map(to_wire).collect(),
        signature: stretch.seal.signature,
    }
}
