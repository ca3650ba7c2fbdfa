//! What reaches the terminal: the bytes of whole frames, made of hostile texts, names and file names,
//! are read back. Only what our own drawing may say is allowed, and it says little.

use super::*;
use crate::ui::frames::Frames;

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

/// Everything that can be shown, made of hostile texts.
fn hostile_view<'a>(rope: &'a Rope, rng: &mut fastrand::Rng) -> View<'a> {
    let len = rope.len_chars();
    let mut any = || hostile(rng);
    let mut view = view(rope);
    view.status.file = any();
    view.status.invitation = any();
    view.status.delivery = any();
    view.status.members = (0..3)
        .map(|colour| Member {
            name: any(),
            colour,
            connected: colour == 0,
        })
        .collect();
    view.notice = Some(Notice {
        level: Level::Warning,
        text: any(),
    });
    view.prompt = Some(Prompt {
        title: any(),
        input: any(),
        cursor: CharPos(0),
        hidden: false,
    });
    let said = || Said {
        name: any(),
        colour: Some(2),
        ago: any(),
        text: any(),
    };
    view.chat = Some(Chat {
        said: std::iter::repeat_with(said).take(3).collect(),
        more: 0,
    });
    let row = || PanelMember {
        name: any(),
        colour: Some(1),
        state: any(),
        addresses: vec![any(), any()],
    };
    view.panel = Some(Panel {
        members: std::iter::repeat_with(row).take(3).collect(),
        invitation: vec!["a line".to_owned()],
        qr: Some(any()),
    });
    let peers: Vec<PeerCursor> = (0..3)
        .map(|n| peer(&hostile(rng), n, rng.usize(0..=len)))
        .collect();
    if rng.bool() {
        view.prompt = None;
    }
    if rng.bool() {
        view.panel = None;
    }
    if let Body::Text(text) = &mut view.body {
        text.peers = peers;
        text.selection = (len > 0).then(|| CharPos(0)..CharPos(rng.usize(1..=len)));
    }
    if rng.u8(0..8) == 0 {
        view.body = Body::Connecting(hostile(rng));
    }
    view
}

/// A failing seed replays with `SEED=…`.
#[test]
fn frames_hold_nothing_but_our_own_drawing() {
    let seeds = match std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Some(seed) => seed..seed + 1,
        None => 0..400u64,
    };
    for seed in seeds {
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
