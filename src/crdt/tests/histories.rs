//! Random histories against the model.
//!
//! `COLLAB_EDIT_SEED=n` replays one seed; `COLLAB_EDIT_SEEDS=from..to` runs a range. Ranges add up: a seed is one
//! history, and the same one everywhere.

use std::collections::BTreeMap;
use std::ops::Range;

use fastrand::Rng;

use super::model::{self, Model, ModelOp};
use super::*;

/// Seeds of the everyday run.
const SEEDS: Range<u64> = 0..10_000;

/// The seeds to run, from the environment.
fn seeds() -> Range<u64> {
    if let Ok(seed) = std::env::var("COLLAB_EDIT_SEED") {
        let seed = seed.parse().expect("COLLAB_EDIT_SEED is a number");
        return seed..seed + 1;
    }
    match std::env::var("COLLAB_EDIT_SEEDS") {
        Ok(range) => {
            let (from, to) = range
                .split_once("..")
                .expect("COLLAB_EDIT_SEEDS is from..to");
            from.parse().expect("a number")..to.parse().expect("a number")
        }
        Err(_) => SEEDS,
    }
}

#[test]
fn random_histories_end_as_the_model_says() {
    let seeds = seeds();
    let (mut deep, all) = (0, seeds.end - seeds.start);
    for seed in seeds {
        let result = std::panic::catch_unwind(|| history(seed));
        match result {
            Ok(levels) => deep += u64::from(levels > 1),
            Err(panic) => {
                eprintln!("history failed; replay with COLLAB_EDIT_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    eprintln!("{all} histories, {deep} of them with trees of several levels");
    assert!(
        all < 100 || deep > all / 4,
        "nodes are too large for small texts"
    );
}

/// A batch on its way.
type Travelling = (AuthorId, u32, Vec<u8>);

/// Everything that all authors together did.
#[derive(Default)]
struct World {
    /// Causes come first.
    ops: Vec<(OpId, ModelOp)>,
    /// What authors said of their operations.
    said: BTreeMap<OpId, Authorship>,
    sent: Vec<Travelling>,
    /// The undos among the operations.
    undos: Vec<OpId>,
}

/// What is particular to one history.
struct Habits {
    /// Whether origins are any that the rule allows, not just neighbours.
    hostile: bool,
    /// How many of eight inserts go to one place near the start: few places make conflicts.
    crowd: u8,
}

/// Runs one history; how many levels the deepest tree has.
fn history(seed: u64) -> usize {
    let mut rng = Rng::with_seed(seed);
    let authors = rng.usize(2..=8);
    let habits = Habits {
        hostile: rng.bool(),
        crowd: rng.u8(0..=8),
    };
    let mut replicas: Vec<Replica> = (0..authors)
        .map(|n| Replica::new(author(n as u8 + 1)))
        .collect();
    let mut inboxes: Vec<Vec<Travelling>> = vec![Vec::new(); authors];
    let mut world = World::default();
    for _ in 0..rng.usize(5..50) {
        let who = rng.usize(0..replicas.len());
        if rng.u8(0..20) == 0 {
            // Somebody joins late, from what one of the others has; the rest comes as ever.
            let newcomer = author(replicas.len() as u8 + 1);
            let replica = reopen(&replicas[who], newcomer);
            replica.check_invariants();
            replicas.push(replica);
            inboxes.push(world.sent.clone());
            continue;
        }
        if rng.usize(0..3) == 0 {
            deliver(&mut rng, &mut replicas[who], &mut inboxes[who]);
            continue;
        }
        let replica = &mut replicas[who];
        // Stamps that do not exceed those of their causes must do no harm.
        let lamport = if rng.u8(0..4) == 0 {
            rng.u64(0..4)
        } else {
            replica.next_lamport()
        };
        for _ in 0..1 + rng.usize(0..5) / 3 {
            edit(&mut rng, replica, &habits, &world.undos, lamport);
        }
        let source = if rng.u8(0..8) == 0 {
            Source::Disk
        } else {
            Source::Typed
        };
        let minutes = rng.u32(0..3);
        let first = replica.commit_at(lamport, minutes, source);
        replica.check_invariants();
        let Some(first) = first else { continue };
        let sent = world.note(replica, first, minutes, source);
        for (to, inbox) in inboxes.iter_mut().enumerate() {
            if to != who {
                for _ in 0..1 + rng.usize(0..4) / 3 {
                    inbox.extend(sent.iter().cloned());
                }
            }
        }
    }
    world.ends_well(&mut rng, &mut replicas, &mut inboxes)
}

impl World {
    /// Takes down what an author did from operation `first` on; that as it travels.
    fn note(
        &mut self,
        replica: &Replica,
        first: u32,
        minutes: u32,
        source: Source,
    ) -> Vec<Travelling> {
        let author = replica.me();
        let who = Authorship {
            author,
            minutes,
            source,
        };
        for (id, op) in model::operations(replica, author, first) {
            self.said.insert(id, who);
            if let ModelOp::Undo(_) = op {
                self.undos.push(id);
            }
            self.ops.push((id, op));
        }
        let sent = batches(replica, author, first);
        self.sent.extend(sent.iter().cloned());
        sent
    }

    /// Everything is delivered; everyone must have what the model says, at each step on the way.
    fn ends_well(
        &self,
        rng: &mut Rng,
        replicas: &mut [Replica],
        inboxes: &mut [Vec<Travelling>],
    ) -> usize {
        let model = Model::new(&self.ops);
        let order = model.order();
        let text = |replica: &Replica| model.text(replica.log().version());
        for (replica, inbox) in replicas.iter_mut().zip(inboxes) {
            while !inbox.is_empty() {
                assert_eq!(replica.visible_text(), text(replica));
                deliver(rng, replica, inbox);
            }
            assert_eq!(replica.waiting(), 0);
            assert_eq!(replica.all_characters(), order);
            assert_eq!(replica.visible_text(), text(replica));
            check_authorship(rng, replica, &model, &self.said);
        }
        // All have the same by now, so one of them stands for all.
        let one = rng.choice(&*replicas).expect("there are several");
        reopen(one, author(200)).check_invariants();
        let first = &replicas[0];
        for other in &replicas[1..] {
            let (version, theirs) = (first.log().version(), other.log().version());
            assert_eq!(version, theirs);
            assert_eq!(version.digest(), theirs.digest());
            // Every replica gives every batch again bit by bit.
            for (author, _) in version.iter() {
                assert_eq!(batches(first, author, 0), batches(other, author, 0));
            }
        }
        self.needs_no_more_than_causes(rng, first, &model);
        let levels = replicas.iter().map(|replica| replica.order.levels()).max();
        // From the log alone comes the same order.
        replicas[0].rebuild();
        replicas[0].check_invariants();
        assert_eq!(replicas[0].all_characters(), order);
        assert_eq!(replicas[0].visible_text(), text(&replicas[0]));
        levels.unwrap_or(0)
    }

    /// Gives one batch to somebody who gets nothing besides what that batch needs: not all that its author knew.
    fn needs_no_more_than_causes(&self, rng: &mut Rng, log: &Replica, model: &Model) {
        let Some((author, seq, _)) = rng.choice(&self.sent) else {
            return;
        };
        let ops: BTreeMap<OpId, &ModelOp> = self.ops.iter().map(|(id, op)| (*id, op)).collect();
        let mut needed = Version::new();
        let mut open = vec![op(*author, *seq)];
        while let Some(OpId { author, seq }) = open.pop() {
            let from = needed.next(&author);
            if seq < from {
                continue;
            }
            let end = log.log().batch_info(&author, seq).unwrap().end;
            needed.advance(author, end);
            for seq in from..end {
                match ops[&op(author, seq)] {
                    ModelOp::Insert { left, right, .. } => open.extend(left.iter().chain(right)),
                    ModelOp::Delete(targets) | ModelOp::Undo(targets) => open.extend(targets),
                    ModelOp::Note => {}
                }
            }
        }
        let is_needed = |(author, seq, _): &&Travelling| *seq < needed.next(author);
        let mut inbox: Vec<Travelling> = self.sent.iter().filter(is_needed).cloned().collect();
        let mut replica = Replica::new(super::author(201));
        while !inbox.is_empty() {
            deliver(rng, &mut replica, &mut inbox);
        }
        assert_eq!(replica.waiting(), 0);
        assert_eq!(replica.log().version(), &needed);
        assert_eq!(replica.visible_text(), model.text(&needed));
    }
}

/// A replica with what `replica` has, by way of its encoded history; its local edits are `me`'s.
fn reopen(replica: &Replica, me: AuthorId) -> Replica {
    let bytes = replica.encode_history();
    let history = History::open(&bytes).expect("an encoded history");
    assert_eq!(history.text(), replica.visible_text());
    let reopened = history.build(me).expect("an encoded history");
    assert_eq!(reopened.visible_text(), replica.visible_text());
    assert_eq!(reopened.all_characters(), replica.all_characters());
    assert_eq!(reopened.next_lamport(), replica.next_lamport());
    assert_eq!(reopened.log().version(), replica.log().version());
    for (author, _) in replica.log().version().iter() {
        assert_eq!(batches(&reopened, author, 0), batches(replica, author, 0));
    }
    reopened
}

/// Checks who wrote a random range of the text, character by character.
fn check_authorship(
    rng: &mut Rng,
    replica: &Replica,
    model: &Model,
    said: &BTreeMap<OpId, Authorship>,
) {
    let from = rng.usize(0..=replica.len());
    let to = rng.usize(from..=replica.len());
    let spans: Vec<(Range<usize>, Authorship)> = replica.authorship(from..to).collect();
    let told: Vec<Authorship> = spans
        .iter()
        .flat_map(|(range, who)| range.clone().map(|_| *who))
        .collect();
    let shown = model.shown(replica.log().version());
    let expected: Vec<Authorship> = shown
        .map(|(id, _)| said[&id])
        .skip(from)
        .take(to - from)
        .collect();
    assert_eq!(told, expected);
    let ends = spans.windows(2).map(|pair| (&pair[0], &pair[1]));
    for ((before, who), (range, next)) in ends {
        assert!(
            before.end == range.start && who != next,
            "neighbours differ"
        );
    }
    assert_eq!(spans.first().map_or(from, |(range, _)| range.start), from);
}

/// One random edit.
fn edit(rng: &mut Rng, replica: &mut Replica, habits: &Habits, undos: &[OpId], lamport: u64) {
    let len = replica.len();
    match rng.u8(0..12) {
        0..=4 => {
            let text: String = (0..rng.usize(1..4))
                .map(|_| rng.choice(['a', 'b', 'c', 'é', '日', 'x']).unwrap())
                .collect();
            let at = if rng.u8(0..8) < habits.crowd {
                len.min(1)
            } else {
                rng.usize(0..=len)
            };
            replica.insert(at, &text);
        }
        5 if habits.hostile => {
            let all = replica.all_characters();
            let mut pick = || rng.choice(&all).copied().filter(|_| rng.u8(0..6) > 0);
            let (left, right) = (pick(), pick());
            let _invalid_ones_change_nothing = replica.forge_insert(left, right, "h", lamport);
        }
        5..=7 if len > 0 => {
            let from = rng.usize(0..len);
            replica.delete(from..rng.usize(from + 1..=len.min(from + 5)));
        }
        // Of one's own, and of anybody's.
        8 | 9 => {
            let known: Vec<_> = replica.log().version().iter().collect();
            let own = (replica.me(), replica.next_op().seq);
            let one = if rng.bool() {
                Some(own)
            } else {
                rng.choice(known)
            };
            if let Some((author, next)) = one.filter(|(_, next)| *next > 0) {
                let from = rng.u32(0..next);
                let to = rng.u32(from + 1..=next.min(from + 4));
                undo(replica, op(author, from)..op(author, to));
            }
        }
        // What was taken back, by whomever, is done again.
        10 => {
            let known = |id: &&OpId| id.seq < replica.log().next(&id.author);
            let known: Vec<OpId> = undos.iter().filter(known).copied().collect();
            if let Some(OpId { author, seq }) = rng.choice(known) {
                undo(replica, op(author, seq)..op(author, seq + 1));
            }
        }
        11 => replica.note(b"note"),
        _ => {}
    }
}

/// Undoes, and checks that it does what its preview says.
fn undo(replica: &mut Replica, ops: Range<OpId>) {
    let ops = [ops];
    let mut text: Vec<char> = replica.visible_text().chars().collect();
    let mut previewed = text.clone();
    let preview = replica.preview_undo(&ops).into_iter().rev();
    let preview: Vec<Change> = preview.collect();
    replica.check_invariants();
    apply(replica, &preview, &mut previewed);
    let mut changes = Vec::new();
    replica.undo(&ops, &mut changes);
    apply(replica, &changes, &mut text);
    assert_eq!(previewed, text, "a preview is not what an undo does");
    assert_eq!(text.into_iter().collect::<String>(), replica.visible_text());
}

/// Delivers some of the batches that are on their way, in any order.
fn deliver(rng: &mut Rng, replica: &mut Replica, inbox: &mut Vec<Travelling>) {
    for _ in 0..rng
        .usize(0..=inbox.len())
        .max(usize::from(!inbox.is_empty()))
    {
        let (author, seq, bytes) = inbox.swap_remove(rng.usize(0..inbox.len()));
        let verdict = merge(replica, author, seq, &bytes);
        replica.check_invariants();
        assert!(
            matches!(
                verdict,
                Verdict::Applied | Verdict::Duplicate | Verdict::Waiting
            ),
            "{verdict:?}"
        );
    }
}
