//! What reaches the terminal: the bytes of whole frames, made of hostile texts, names and file names,
//! are read back. Only what our own drawing may say is allowed, and it says little.

use std::ops::Range;

use super::*;
use crate::ui::frames::Frames;
use crate::ui::view::{Entry, List};

/// Reads what was emitted as a terminal would; what it finds that no frame of ours holds.
fn complaint(bytes: &[u8]) -> Option<String> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Some(format!("not UTF-8: {error}")),
    };
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            if is_forbidden(c) {
                return Some(format!("{c:?} as text"));
            }
            continue;
        }
        // Cursor, colours and attributes, clearing, the cursor's visibility, a frame's begin and end: `CSI … m`,
        // `H`, `J`, `K`, `h`, `l`.
        let mut sequence = String::new();
        let mut complete = rest.next() == Some('[');
        for c in rest.by_ref() {
            sequence.push(c);
            if !matches!(c, '0'..='9' | ';' | ':' | '?') {
                break;
            }
        }
        let modes = ["?25h", "?25l", "?2026h", "?2026l"];
        complete &= sequence.ends_with(['m', 'H', 'J', 'K']) || modes.contains(&&*sequence);
        if !complete {
            return Some(format!("the sequence ESC {sequence:?}"));
        }
    }
    None
}

/// What attacks are made of, and plain text between.
const PARTS: &[&str] = &[
    "\u{1b}",
    "\u{1b}[2J",
    "\u{1b}]52;c;QQ==\u{7}",
    "\u{1b}]0;title\u{1b}\\",
    "\u{1b}P",
    "\u{9b}31m",
    "\u{9d}8;;x\u{9c}",
    "\u{90}",
    "\u{7f}",
    "\0",
    "\u{8}",
    "\r",
    "\t",
    "\n",
    "\u{85}",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{feff}",
    "\u{ad}",
    "\u{e0041}",
    "\u{fe0f}",
    "\u{200d}",
    "\u{301}",
    "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}",
    "\u{1160}",
    "\u{3164}",
    "\u{2028}",
    "\u{fff9}",
    "\u{1f468}\u{200d}\u{1f469}",
    "\u{1f1e6}",
    "漢",
    "שלום",
    "a",
    " ",
    "[31m",
    "]52;c;",
    "../",
];

fn hostile(rng: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for _ in 0..rng.usize(0..30) {
        match rng.u8(0..4) {
            0 => text.push(rng.char(..)),
            1 => text.push(rng.char('\u{80}'..'\u{a0}')),
            2 => text.push(char::from(rng.u8(..))),
            _ => text.push_str(PARTS[rng.usize(..PARTS.len())]),
        }
        text.truncate(text.char_indices().nth(60).map_or(text.len(), |(at, _)| at));
    }
    text
}

/// Everything that can be shown, made of hostile texts. All fields stand here, so that a new one is thought of.
fn hostile_view<'a>(rope: &'a Rope, rng: &mut fastrand::Rng) -> View<'a> {
    let len = rope.len_chars();
    let mut at = || CharPos(rng.usize(0..=len));
    let mut range = || {
        let (a, b) = (at(), at());
        a.min(b)..a.max(b)
    };
    let ranges: Vec<Range<CharPos>> = (0..9).map(|_| range()).collect();
    let [selection, matches @ .., authored, vanishing] = &ranges[..] else {
        unreachable!("nine");
    };
    let peers = (0..3).map(|n| PeerCursor {
        selection: rng.bool().then(|| ranges[n].clone()),
        ..peer(&hostile(rng), n, ranges[n].start.0)
    });
    let text = TextView {
        peers: peers.collect(),
        rope,
        cursor: selection.end,
        selection: rng.bool().then(|| selection.clone()),
        matches: matches.to_vec(),
        scroll: Scroll {
            top: matches[0].start,
            left: Column(rng.usize(0..9)),
        },
        options: DisplayOptions {
            wrap: rng.bool(),
            columns: rng.usize(1..80),
            whitespace: rng.bool(),
            ..DisplayOptions::default()
        },
        numbers: rng.bool(),
        spans: &[],
        authors: vec![(authored.clone(), 1)],
        vanishing: vec![vanishing.clone()],
        brackets: rng.bool().then_some([selection.start, selection.end]),
    };
    let mut choices = rng.fork();
    let mut shown = || choices.bool();
    let mut any = || hostile(rng);
    View {
        body: if shown() && shown() && shown() {
            Body::Connecting(any())
        } else {
            Body::Text(text)
        },
        status: Status {
            file: any(),
            unsaved: shown(),
            members: (0..3)
                .map(|colour| Member {
                    name: any(),
                    colour,
                    connected: colour == 0,
                })
                .collect(),
            author: any(),
            delivery: any(),
            delivery_short: any(),
            disk: any(),
            invitation: any(),
            unread: 2,
        },
        notice: shown().then(|| Notice {
            level: Level::Warning,
            text: any(),
        }),
        prompt: shown().then(|| Prompt {
            title: any(),
            input: any(),
            cursor: CharPos(0),
            hidden: false,
            selected: false,
        }),
        panel: shown().then(|| Panel {
            top: 0,
            members: (0..3)
                .map(|_| PanelMember {
                    name: any(),
                    colour: Some(1),
                    state: any(),
                    addresses: vec![any(), any()],
                })
                .collect(),
            invitation: vec![any(), any()],
            qr: Some(any()),
        }),
        list: shown().then(|| List {
            title: any(),
            entries: (0..5)
                .map(|_| Entry {
                    text: any(),
                    key: any(),
                })
                .collect(),
            at: 1,
            choosing: true,
        }),
        chat: shown().then(|| Chat {
            said: (0..3)
                .map(|_| Said {
                    name: any(),
                    colour: Some(2),
                    ago: any(),
                    text: any(),
                })
                .collect(),
            more: 1,
        }),
        theme: Theme::default(),
    }
}

/// A failing seed replays with `SEED=…`.
#[test]
fn frames_hold_nothing_but_our_own_drawing() {
    for seed in seeds(400) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = Vec::new();
        let (width, height) = (rng.u16(1..100), rng.u16(1..30));
        let mut frames = Frames::new(Size::new(width, height));
        // Frame after frame, since only what changes is sent.
        for _ in 0..4 {
            let text: String = (0..8).map(|_| hostile(&mut rng)).collect();
            let rope = Rope::from_str(&text);
            let view = hostile_view(&rope, &mut rng);
            frames.draw(&view, &mut bytes).unwrap();
        }
        if let Some(what) = complaint(&bytes) {
            panic!("SEED={seed}: {what}");
        }
    }
}

#[test]
fn what_is_no_drawing_of_ours_is_noticed() {
    for bad in [
        "\u{1b}]52;c;QQ==\u{7}",
        "\u{1b}[6n",
        "\u{1b}[?1049h",
        "\u{1b}c",
        "\u{9b}31m",
        "\u{202e}",
        "a\nb",
    ] {
        assert!(complaint(bad.as_bytes()).is_some(), "{bad:?}");
    }
    assert_eq!(
        complaint("\u{1b}[1;1H\u{1b}[38;5;9mé漢\u{1b}[0m".as_bytes()),
        None
    );
    assert!(complaint(b"\xff").is_some());
}
