//! Random histories against the model.
//!
//! `COLLAB_EDIT_SEED=n` replays one seed; `COLLAB_EDIT_SEEDS=from..to` runs a range.

use std::collections::BTreeMap;
use std::ops::Range;

use fastrand::Rng;

use super::model::{self, ModelOp};
use super::*;

/// Seeds of the everyday run.
const SEEDS: Range<u64> = 0..3_000;

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
    for seed in seeds() {
        let result = std::panic::catch_unwind(|| history(seed));
        if let Err(panic) = result {
            eprintln!("history failed; replay with COLLAB_EDIT_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// A batch on its way.
type Travelling = (AuthorId, u32, Vec<u8>);

fn history(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let authors = rng.usize(2..=5);
    let mut replicas: Vec<Replica> = (0..authors)
        .map(|n| Replica::new(author(n as u8 + 1)))
        .collect();
    let mut inboxes: Vec<Vec<Travelling>> = vec![Vec::new(); authors];
    let mut ops: Vec<(OpId, ModelOp)> = Vec::new();
    // What authors said of their operations.
    let mut said: BTreeMap<OpId, Authorship> = BTreeMap::new();
    // Few places and few letters make conflicts at the same place the rule, not the exception.
    let hostile = rng.bool();
    let mut all_sent: Vec<Travelling> = Vec::new();
    for _ in 0..rng.usize(5..40) {
        let who = rng.usize(0..replicas.len());
        if rng.u8(0..20) == 0 {
            // Somebody joins late, from what one of the others has; the rest comes as ever.
            let newcomer = author(replicas.len() as u8 + 1);
            let replica = reopen(&replicas[who], newcomer);
            replica.check_invariants();
            replicas.push(replica);
            inboxes.push(all_sent.clone());
            continue;
        }
        if rng.usize(0..3) == 0 {
            deliver(&mut rng, &mut replicas[who], &mut inboxes[who]);
            replicas[who].check_invariants();
            continue;
        }
        let replica = &mut replicas[who];
        // Stamps that do not exceed those of their causes must do no harm.
        let lamport = if rng.u8(0..4) == 0 {
            rng.u64(0..4)
        } else {
            replica.next_lamport()
        };
        edit(&mut rng, replica, hostile, lamport);
        let source = if rng.u8(0..8) == 0 {
            Source::Disk
        } else {
            Source::Typed
        };
        let minutes = rng.u32(0..3);
        let first = replica.commit_at(lamport, minutes, source);
        replica.check_invariants();
        let Some(first) = first else { continue };
        for seq in first..replica.next_op().seq {
            let author = replica.me();
            said.insert(
                op(author, seq),
                Authorship {
                    author,
                    minutes,
                    source,
                },
            );
        }
        ops.extend(model::operations(replica, replica.me(), first));
        let sent = batches(replica, replica.me(), first);
        all_sent.extend(sent.iter().cloned());
        for (to, inbox) in inboxes.iter_mut().enumerate() {
            if to != who {
                for _ in 0..1 + rng.usize(0..4) / 3 {
                    inbox.extend(sent.iter().cloned());
                }
            }
        }
    }
    let order = model::order(&ops);
    for (replica, inbox) in replicas.iter_mut().zip(&mut inboxes) {
        while !inbox.is_empty() {
            assert_eq!(
                replica.visible_text(),
                model::text(&ops, &order, replica.log().version()),
                "seed {seed}"
            );
            deliver(&mut rng, replica, inbox);
        }
        assert_eq!(replica.waiting(), 0);
        assert_eq!(replica.all_characters(), order, "seed {seed}");
        assert_eq!(
            replica.visible_text(),
            model::text(&ops, &order, replica.log().version()),
            "seed {seed}"
        );
        replica.check_invariants();
        check_authorship(&mut rng, replica, &ops, &order, &said);
        reopen(replica, author(200)).check_invariants();
    }
    let first = &replicas[0];
    for other in &replicas[1..] {
        assert_eq!(first.log().version(), other.log().version());
        assert_eq!(
            first.log().version().digest(),
            other.log().version().digest()
        );
        // Every replica gives every batch again bit by bit.
        for (author, _) in first.log().version().iter() {
            assert_eq!(
                batches(first, author, 0),
                batches(other, author, 0),
                "seed {seed}"
            );
        }
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
    ops: &[(OpId, ModelOp)],
    order: &[OpId],
    said: &BTreeMap<OpId, Authorship>,
) {
    let from = rng.usize(0..=replica.len());
    let to = rng.usize(from..=replica.len());
    let spans: Vec<(Range<usize>, Authorship)> = replica.authorship(from..to).collect();
    let told: Vec<Authorship> = spans
        .iter()
        .flat_map(|(range, who)| range.clone().map(|_| *who))
        .collect();
    let shown = model::shown(ops, order, replica.log().version());
    let expected: Vec<Authorship> = shown[from..to].iter().map(|(id, _)| said[id]).collect();
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

/// One random edit, sometimes of several operations.
fn edit(rng: &mut Rng, replica: &mut Replica, hostile: bool, lamport: u64) {
    for _ in 0..1 + rng.usize(0..5) / 3 {
        let len = replica.len();
        match rng.u8(0..10) {
            0..=4 => {
                let text: String = (0..rng.usize(1..4))
                    .map(|_| rng.choice(['a', 'b', 'c', 'é', '日', 'x']).unwrap())
                    .collect();
                let at = if rng.bool() {
                    len.min(1)
                } else {
                    rng.usize(0..=len)
                };
                replica.insert(at, &text);
            }
            5 if hostile => {
                // Any two origins that the rule allows, not just neighbours.
                let all = replica.all_characters();
                let mut pick = || rng.choice(&all).copied().filter(|_| rng.u8(0..6) > 0);
                let (left, right) = (pick(), pick());
                let _invalid_ones_change_nothing = replica.forge_insert(left, right, "h", lamport);
            }
            5..=6 if len > 0 => {
                let from = rng.usize(0..len);
                replica.delete(from..rng.usize(from + 1..=len.min(from + 5)));
            }
            7..=8 => {
                let known: Vec<_> = replica.log().version().iter().collect();
                if let Some((author, next)) = rng.choice(&known).copied() {
                    let from = rng.u32(0..next);
                    let to = rng.u32(from + 1..=next.min(from + 4));
                    let mut text: Vec<char> = replica.visible_text().chars().collect();
                    let mut previewed = text.clone();
                    let mut changes = Vec::new();
                    let ops = [OpId { author, seq: from }..OpId { author, seq: to }];
                    let preview = replica.preview_undo(&ops).into_iter().rev();
                    replica.check_invariants();
                    apply(replica, &preview.collect::<Vec<_>>(), &mut previewed);
                    replica.undo(&ops, &mut changes);
                    apply(replica, &changes, &mut text);
                    assert_eq!(previewed, text, "a preview is not what an undo does");
                    assert_eq!(text.into_iter().collect::<String>(), replica.visible_text());
                }
            }
            9 => replica.note(b"note"),
            _ => {}
        }
    }
}

/// Delivers some of the batches that are on their way, in any order.
fn deliver(rng: &mut Rng, replica: &mut Replica, inbox: &mut Vec<Travelling>) {
    for _ in 0..rng
        .usize(0..=inbox.len())
        .max(usize::from(!inbox.is_empty()))
    {
        let (author, seq, bytes) = inbox.swap_remove(rng.usize(0..inbox.len()));
        let verdict = merge(replica, author, seq, &bytes);
        assert!(
            matches!(
                verdict,
                Verdict::Applied | Verdict::Duplicate | Verdict::Waiting
            ),
            "{verdict:?}"
        );
    }
}
