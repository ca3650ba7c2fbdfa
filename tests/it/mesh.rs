//! Three and five members, none of them special.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::edits::{Typist, seed};
use super::headless::{Headless, hash_of, settle};
use super::launch::{CODE, Launch};
use super::scratch::{Scratch, bytes_of};
use super::terminal::Terminal;
use super::wait::{try_until, until};

const NAMES: [&str; 5] = ["Ada", "Ben", "Cleo", "Dan", "Emil"];

/// Accents precomposed and combining, wide characters, clusters of many code points; an empty line;
/// one line for each of five members.
const LINES: [&str; 7] = [
    "naïve café",
    "cafe\u{301} à la carte",
    "漢字かな交じり",
    "family 👩‍👩‍👧‍👦 here",
    "flags 🇩🇪🇫🇷 there",
    "",
    "last",
];

/// Members at terminals, each with a file of its own.
struct Mesh {
    members: Vec<Terminal>,
    addresses: Vec<SocketAddr>,
    files: Vec<PathBuf>,
}

impl Mesh {
    /// A host with this file content.
    fn host(scratch: &Scratch, content: &[u8]) -> Self {
        let file = scratch.file("Ada/text.md", content);
        let host = Launch::host(&file).name(NAMES[0]).code(CODE);
        let host = host.terminal().ready();
        host.wait_for_text(LINES[0]);
        let addresses = vec![host.address(&[])];
        Self {
            members: vec![host],
            addresses,
            files: vec![file],
        }
    }

    /// One more member, who joins through the member `through`. Waits until all see it.
    fn join(&mut self, scratch: &Scratch, through: usize) {
        let name = NAMES[self.files.len()];
        let file = scratch.folder(name).join("text.md");
        let member = Launch::join(self.addresses[through], &file)
            .name(name)
            .code(CODE);
        let member = member.terminal().ready();
        member.wait_for_text(LINES[0]);
        for other in &self.members {
            other.wait_for_text(name);
        }
        self.addresses.push(member.address(&self.addresses));
        self.members.push(member);
        self.files.push(file);
    }

    /// Everyone types words of their own, all at the same time; gives the words by member.
    fn all_type(&self, count: usize) -> Vec<Vec<String>> {
        let words: Vec<Vec<String>> = (0..self.members.len())
            .map(|author| {
                (0..count)
                    .map(|n| format!("{}{n:02}", ["k", "l", "m", "n", "o"][author]))
                    .collect()
            })
            .collect();
        for number in 0..count {
            for (member, words) in self.members.iter().zip(&words) {
                member.type_text(&format!(" {}", words[number]));
            }
        }
        words
    }

    /// Saves everywhere until all files are equal and hold all words, and gives their content. A save
    /// writes what a member has at that moment, so it is repeated while others' words are under way.
    #[track_caller]
    fn save_everywhere(&self, words: &[Vec<String>]) -> Vec<u8> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            for member in &self.members {
                member.keys("Ctrl-s");
            }
            let saved = try_until(Duration::from_millis(500), || {
                let contents: Vec<Vec<u8>> = self
                    .files
                    .iter()
                    .map(|file| bytes_of(file))
                    .collect::<Option<_>>()?;
                let text = String::from_utf8_lossy(&contents[0]).into_owned();
                let complete = words.iter().flatten().all(|word| text.contains(word));
                let equal = contents.iter().all(|content| *content == contents[0]);
                (complete && equal).then(|| contents[0].clone())
            });
            match saved {
                Some(content) => return content,
                None if Instant::now() > deadline => {
                    let texts: Vec<_> = self.files.iter().map(|file| bytes_of(file)).collect();
                    let texts: Vec<_> = texts
                        .iter()
                        .map(|bytes| bytes.as_deref().map(String::from_utf8_lossy))
                        .collect();
                    panic!("the files never became equal and complete: {texts:#?}");
                }
                None => {}
            }
        }
    }
}

/// Every word of everyone once, and each author's in the order they were typed.
#[track_caller]
fn check_words(text: &str, words: &[Vec<String>]) {
    for own in words {
        let places: Vec<usize> = own
            .iter()
            .map(|word| {
                assert_eq!(text.matches(word.as_str()).count(), 1, "{word} in {text:?}");
                text.find(word.as_str()).expect("a word that is there")
            })
            .collect();
        assert!(places.is_sorted(), "{own:?} out of order in {text:?}");
    }
}

/// What is left when the words, and the blank typed before each, are taken out again.
fn without_words(text: &str, words: &[Vec<String>]) -> String {
    let mut rest = text.to_owned();
    for word in words.iter().flatten() {
        rest = rest.replacen(&format!(" {word}"), "", 1);
    }
    rest
}

fn all_type_on_lines_of_their_own(size: usize, content: &str) {
    let scratch = Scratch::new();
    let mut mesh = Mesh::host(&scratch, content.as_bytes());
    for joining in 1..size {
        // Each joins through the one that came last, so only the first of them through the host.
        mesh.join(&scratch, joining - 1);
    }
    for (line, member) in mesh.members.iter().enumerate() {
        member.keys("Ctrl-Home");
        member.keys(&format!("Down*{line}"));
        member.keys("End");
    }
    let words = mesh.all_type(12);
    let saved = mesh.save_everywhere(&words);
    let text = String::from_utf8(saved).expect("UTF-8");
    check_words(&text, &words);
    assert_eq!(without_words(&text, &words), content);
    for (line, own) in text.lines().zip(&words) {
        assert!(
            own.iter().all(|word| line.contains(word.as_str())),
            "{own:?} not in {line:?}"
        );
    }
}

#[test]
fn three_members_type_at_once_and_save_equal_files() {
    all_type_on_lines_of_their_own(3, &format!("{}\n", LINES.join("\n")));
}

#[test]
fn five_members_type_at_once_and_save_equal_files_with_crlf() {
    all_type_on_lines_of_their_own(5, &format!("{}\r\n", LINES.join("\r\n")));
}

#[test]
fn three_members_keep_a_bom_and_crlf_and_a_missing_final_newline() {
    all_type_on_lines_of_their_own(3, &format!("\u{feff}{}", LINES.join("\r\n")));
}

#[test]
fn what_three_members_type_at_one_place_is_not_mixed() {
    let scratch = Scratch::new();
    let content = format!("{}\n", LINES.join("\n"));
    let mut mesh = Mesh::host(&scratch, content.as_bytes());
    mesh.join(&scratch, 0);
    mesh.join(&scratch, 1);
    for member in &mesh.members {
        member.keys("Ctrl-End");
    }
    let words = mesh.all_type(12);
    let saved = mesh.save_everywhere(&words);
    let text = String::from_utf8(saved).expect("UTF-8");
    check_words(&text, &words);
    assert_eq!(without_words(&text, &words), content);
}

#[test]
fn the_host_leaves_and_someone_joins_through_another() {
    let scratch = Scratch::new();
    let content = format!("{}\n", LINES.join("\n"));
    let mut mesh = Mesh::host(&scratch, content.as_bytes());
    mesh.join(&scratch, 0);
    mesh.join(&scratch, 0);

    let mut host = mesh.members.remove(0);
    mesh.files.remove(0);
    mesh.addresses.remove(0);
    host.keys("Ctrl-q");
    assert_eq!(host.wait_exit(), Some(0));

    mesh.members[0].play("<Ctrl-End>after the host");
    mesh.members[1].wait_for_text("after the host");

    let late = scratch.folder("late").join("text.md");
    let member = Launch::join(mesh.addresses[1], &late)
        .name("Zoe")
        .code(CODE);
    let member = member.terminal().ready();
    member.wait_for_text("after the host");
    for other in &mesh.members {
        other.wait_for_text("Zoe");
    }
    member.play("<Ctrl-End> and Zoe");
    for other in &mesh.members {
        other.wait_for_text("after the host and Zoe");
    }
    mesh.members.push(member);
    mesh.files.push(late);
    let saved = mesh.save_everywhere(&[]);
    let expected = format!("{content}after the host and Zoe");
    assert_eq!(String::from_utf8_lossy(&saved), expected);
}

/// Headless members, each joined through the one before it, all of whom know all others.
fn headless_mesh(scratch: &Scratch, size: usize, content: &str) -> Vec<Headless> {
    let file = scratch.file("Ada/text.md", content);
    let host = Launch::host(&file).name(NAMES[0]).code(CODE).headless();
    let mut members = vec![host];
    for name in &NAMES[1..size] {
        let file = scratch.folder(name).join("text.md");
        let through = members[members.len() - 1].address();
        let member = Launch::join(through, &file)
            .name(name)
            .code(CODE)
            .headless();
        member.expect_event("joined");
        members.push(member);
    }
    for (number, member) in members.iter().enumerate() {
        for (other, name) in NAMES[..size].iter().enumerate() {
            if other != number {
                member.wait_member(name, "connected");
            }
        }
    }
    members
}

#[test]
fn twenty_thousand_random_edits_from_five_sides_end_in_one_text() {
    const EDITS_EACH: usize = 4_000;
    let seed = seed();
    let scratch = Scratch::new();
    let mut members = headless_mesh(&scratch, 5, &"The quick brown fox.\n".repeat(10));
    std::thread::scope(|scope| {
        for (number, member) in members.iter_mut().enumerate() {
            let mut typist = Typist::new(seed.wrapping_add(number as u64), 5);
            scope.spawn(move || typist.type_at(member, EDITS_EACH));
        }
    });
    let text = settle(Duration::from_secs(120), &mut members);
    for member in &mut members {
        assert_eq!(member.text(), text);
        let synced = member.last_synced().expect("a member that is in step");
        assert_eq!(synced["hash"], hash_of(&text));
        let errors: Vec<_> = member
            .events()
            .into_iter()
            .filter(|event| event["event"] == "error")
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn a_newcomer_in_the_middle_of_the_typing_gets_everything() {
    let seed = seed();
    let scratch = Scratch::new();
    let mut members = headless_mesh(&scratch, 3, &"line\n".repeat(50));
    let through = members[2].address();
    let late = scratch.folder("late").join("text.md");
    let late = std::thread::scope(|scope| {
        for (number, member) in members.iter_mut().enumerate() {
            let mut typist = Typist::new(seed.wrapping_add(number as u64), 3);
            scope.spawn(move || typist.type_at(member, 1_000));
        }
        let late = Launch::join(through, &late)
            .name("Zoe")
            .code(CODE)
            .headless();
        late.expect_event("joined");
        late
    });
    members.push(late);
    settle(Duration::from_secs(60), &mut members);
}

#[test]
fn a_screen_and_a_headless_member_share_one_text() {
    let scratch = Scratch::new();
    let file = scratch.file("Ada/text.md", "start\n");
    let mut ada = Launch::host(&file).name("Ada").code(CODE).headless();
    let copy = scratch.folder("Ben").join("text.md");
    let ben = Launch::join(ada.address(), &copy).name("Ben").code(CODE);
    let ben = ben.terminal().ready();
    ben.wait_for_text("start");
    ada.wait_member("Ben", "connected");
    ada.insert(0, "漢字 👩‍👩‍👧‍👦 ");
    ben.wait_for_text("start");
    ben.play("<Ctrl-End>from a screen");
    let shared = "漢字 👩‍👩‍👧‍👦 start\nfrom a screen";
    ada.wait_text(shared);
    ben.keys("Ctrl-s");
    until("the saved file", || {
        (bytes_of(&copy)? == shared.as_bytes()).then_some(())
    });
}
