//! How the cost of an edit grows, in instructions, which do not depend on what else the machine does.
//!
//! ```text
//! cargo build --release --example scaling
//! target/release/examples/scaling
//! ```
//!
//! Runs itself under `valgrind --tool=callgrind`, which counts the instructions of [`measured`] alone,
//! with a number of operations and with ten times as many. Exit code 1 if something takes more than
//! twelve times as many instructions, if ten thousand concurrent inserts take more than a second to
//! merge, or if a keystroke in a large file costs more than twice one in an empty document.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use collab_edit::crdt::{AuthorId, Source};
use collab_edit::document::{CharPos, Document, EditKind};

/// Edits of the shorter run.
const EDITS: usize = 10_000;

/// Ten times the edits may take this many times the instructions: ten, and log n.
const MOST: f64 = 12.0;

/// People who insert at one place at the same time.
const CONCURRENT: usize = 10_000;

/// Bytes of the large file.
const LARGE: usize = 100 << 20;

/// Keystrokes in the large file and in the empty one.
const KEYS: usize = 1_000;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [what, n] = &args[..] {
        let n = n.parse().expect("a number");
        prepare(what, n).run();
        return ExitCode::SUCCESS;
    }
    let mut ok = true;
    println!("| instructions | {EDITS} | {} | times |", EDITS * 10);
    println!("|---|--:|--:|--:|");
    for what in ["typed", "same", "random", "merged-same", "merged-random"] {
        let (few, many) = (instructions(what, EDITS), instructions(what, EDITS * 10));
        let times = many as f64 / few as f64;
        println!("| {what} | {few} | {many} | {times:.1} |");
        ok &= times <= MOST;
    }
    let (empty, large) = (instructions("keys", 0), instructions("keys", LARGE));
    let each = |sum: u64| sum / KEYS as u64;
    println!(
        "a keystroke in an empty document: {} instructions",
        each(empty)
    );
    println!(
        "a keystroke in {} MB: {} instructions",
        LARGE >> 20,
        each(large)
    );
    ok &= large <= empty * 2;
    let merging = prepare("concurrent", CONCURRENT);
    let begun = Instant::now();
    merging.run();
    let took = begun.elapsed();
    println!(
        "{CONCURRENT} concurrent inserts at one place: {} ms",
        took.as_millis()
    );
    ok &= took < Duration::from_secs(1);
    if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Instructions that callgrind counts in [`measured`].
fn instructions(what: &str, n: usize) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*measured*")
        .arg(program)
        .args([what, &n.to_string()])
        .output()
        .expect("valgrind");
    let told = String::from_utf8_lossy(&output.stderr);
    let line = told
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, count) = line.unwrap_or_else(|| panic!("valgrind said:\n{told}"));
    count.trim().parse().expect("a count")
}

/// Work that is ready to be measured.
enum Work {
    /// One-character inserts, each in front of the character of this number, each a batch.
    Edits(Document, Vec<usize>),
    /// Batches to be merged: author, number, bytes.
    Batches(Document, Vec<(AuthorId, u32, Vec<u8>)>),
}

impl Work {
    fn run(self) {
        let (document, edits) = measured(self);
        assert!(document.len() >= edits);
    }
}

/// What is counted: nothing but this.
#[inline(never)]
fn measured(work: Work) -> (Document, usize) {
    match work {
        Work::Edits(mut document, places) => {
            for at in &places {
                key(&mut document, *at);
            }
            (document, places.len())
        }
        Work::Batches(mut document, batches) => {
            for (author, seq, bytes) in &batches {
                document.merge(*author, *seq, bytes);
            }
            (document, batches.len())
        }
    }
}

fn prepare(what: &str, n: usize) -> Work {
    let mut numbers = 1_u64;
    let mut random = |below: usize| {
        // Knuth's multiplier; the same numbers everywhere.
        numbers = numbers
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (numbers >> 33) as usize % below
    };
    match what {
        "typed" => Work::Edits(document(1), (0..n).collect()),
        "same" => Work::Edits(document(1), vec![0; n]),
        "random" => Work::Edits(document(1), (0..n).map(|len| random(len + 1)).collect()),
        "merged-same" => Work::Batches(document(2), made(prepare("same", n))),
        "merged-random" => Work::Batches(document(2), made(prepare("random", n))),
        "keys" => {
            let mut document = document(1);
            document.load(&"a line of text\n".repeat(n / 15), 0);
            let middle = document.len() / 2;
            Work::Edits(document, (0..KEYS).map(|key| middle + key).collect())
        }
        "concurrent" => {
            let mut batches: Vec<_> = (0..n)
                .flat_map(|person| {
                    let mut id = [0; 16];
                    id[..8].copy_from_slice(&(person as u64 + 9).to_be_bytes());
                    let document = Document::new(AuthorId(id));
                    made(Work::Edits(document, vec![0]))
                })
                .collect();
            // They come in any order.
            for i in (1..batches.len()).rev() {
                batches.swap(i, random(i + 1));
            }
            Work::Batches(document(2), batches)
        }
        _ => panic!("nothing is called {what}"),
    }
}

/// The batches of edits.
fn made(work: Work) -> Vec<(AuthorId, u32, Vec<u8>)> {
    let Work::Edits(mut document, places) = work else {
        return Vec::new();
    };
    let mut batches = Vec::new();
    for at in places {
        let seq = key(&mut document, at).expect("an edit");
        let mut bytes = Vec::new();
        document.log().batch_at(&document.me(), seq, &mut bytes);
        batches.push((document.me(), seq, bytes));
    }
    batches
}

fn key(document: &mut Document, at: usize) -> Option<u32> {
    document.edit(CharPos(at)..CharPos(at), "x", EditKind::Type, 0);
    document.commit(0, Source::Typed)
}

fn document(n: u8) -> Document {
    Document::new(AuthorId([n; 16]))
}
