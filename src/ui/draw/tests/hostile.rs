//! Any text, any names and any size leave a clean screen.

use super::*;

/// Text that tries what terminals and segmentation can be tricked with.
fn hostile(rng: &mut fastrand::Rng, length: usize) -> String {
    const PIECES: [&str; 24] = [
        "\u{1b}[2J",
        "\u{1b}]52;c;AA\u{7}",
        "\u{9b}",
        "\r",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\u{7f}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{200d}",
        "\u{301}",
        "\u{fe0f}",
        "\u{e0041}",
        "漢",
        "👩",
        "🇩",
        "ᄀ",
        "ｶ\u{ff9e}",
        "\u{600}",
        "क\u{94d}",
        " ",
    ];
    let mut text = String::new();
    for _ in 0..length {
        match rng.u8(0..4) {
            0 => text.push(rng.char(..)),
            1 => text.push(rng.char('!'..='~')),
            2 => text.push_str(&String::from_utf8_lossy(&[rng.u8(..), rng.u8(..)])),
            _ => text.push_str(rng.choice(PIECES).expect("pieces")),
        }
    }
    text
}

fn hostile_view<'a>(rng: &mut fastrand::Rng, rope: &'a Rope) -> View<'a> {
    let place = |rng: &mut fastrand::Rng| {
        CharPos(if rng.u8(..) == 0 {
            usize::MAX
        } else {
            rng.usize(0..400)
        })
    };
    let mut view = with(rope, |text| {
        text.cursor = place(rng);
        text.selection = rng.bool().then(|| place(rng)..place(rng));
        text.scroll = Scroll {
            top: line_start(rope, Line(rng.usize(0..20))),
            left: Column(rng.usize(0..20)),
        };
        text.peers = (0..rng.usize(0..4))
            .map(|_| PeerCursor {
                name: hostile(rng, 8),
                colour: rng.usize(..),
                cursor: place(rng),
                selection: rng.bool().then(|| place(rng)..place(rng)),
                named: rng.bool(),
            })
            .collect();
        text.brackets = rng.bool().then(|| [place(rng), place(rng)]);
    });
    if rng.u8(0..5) == 0 {
        view.body = Body::Connecting(hostile(rng, 30));
    }
    let members = (0..rng.usize(0..4))
        .map(|_| Member {
            name: hostile(rng, 8),
            colour: rng.usize(..),
            connected: rng.bool(),
        })
        .collect();
    view.status = Status {
        file: hostile(rng, 9),
        unsaved: rng.bool(),
        members,
        delivery: hostile(rng, 9),
        disk: hostile(rng, 9),
        delivery_short: hostile(rng, 9),
        invitation: hostile(rng, 9),
        author: String::new(),
        unread: rng.usize(0..3),
    };
    view.notice = rng.bool().then(|| Notice {
        level: Level::Warning,
        text: hostile(rng, 40),
    });
    view.prompt = (rng.u8(0..4) == 0).then(|| Prompt {
        title: hostile(rng, 5),
        input: hostile(rng, 12),
        cursor: place(rng),
        hidden: rng.bool(),
        selected: rng.bool(),
    });
    view.chat = rng.bool().then(|| Chat {
        said: (0..rng.usize(0..5))
            .map(|_| Said {
                name: hostile(rng, 8),
                colour: rng.bool().then_some(3),
                ago: hostile(rng, 4),
                text: hostile(rng, 90),
            })
            .collect(),
        more: rng.usize(0..2),
    });
    view.panel = (rng.u8(0..4) == 0).then(|| Panel {
        members: vec![PanelMember {
            name: hostile(rng, 8),
            colour: None,
            state: hostile(rng, 5),
            addresses: vec![hostile(rng, 9)],
        }],
        invitation: vec![hostile(rng, 12)],
        qr: None,
        top: rng.usize(0..3),
    });
    view
}

/// `SEED` replays one run.
#[test]
fn hostile_text_and_any_size_leave_a_clean_screen() {
    let seed = std::env::var("SEED").map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("a number"),
    );
    println!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..400 {
        let length = rng.usize(0..200);
        let rope = Rope::from_str(&hostile(&mut rng, length));
        let view = hostile_view(&mut rng, &rope);
        let (width, height) = match round % 4 {
            0 => (rng.u16(0..6), rng.u16(0..6)),
            1 => (80, 24),
            2 => (rng.u16(0..300), rng.u16(0..4)),
            _ => (rng.u16(0..40), rng.u16(0..40)),
        };
        Screenshot::of(&view, width, height);
    }
}

#[test]
fn every_small_size_is_survived() {
    let rope = Rope::from_str("a漢\tb\n\u{1b}x\n");
    let mut rng = fastrand::Rng::with_seed(7);
    for (width, height) in (0..=5).flat_map(|width| (0..=5).map(move |height| (width, height))) {
        for _ in 0..20 {
            Screenshot::of(&hostile_view(&mut rng, &rope), width, height);
        }
    }
    Screenshot::of(&hostile_view(&mut rng, &rope), 1000, 300);
}

#[test]
fn the_cursor_is_on_the_cell_of_its_cluster() {
    let mut rng = fastrand::Rng::with_seed(11);
    for _ in 0..200 {
        let rope = Rope::from_str(&hostile(&mut rng, 30));
        let at = CharPos(rng.usize(0..=rope.len_chars()));
        let options = DisplayOptions::default();
        let mut scroll = Scroll {
            top: line_start(&rope, Line(rng.usize(0..9))),
            left: Column(rng.usize(0..9)),
        };
        let mut view = with(&rope, |text| text.cursor = at);
        let area = Rect::new(0, 0, 30, 6);
        let text = text_area(area, &view);
        let size = Size {
            width: text.width,
            height: text.height,
        };
        scroll_into_view(&rope, at, size, &options, &mut scroll);
        if let Body::Text(text) = &mut view.body {
            text.scroll = scroll;
        }
        let cursor = Screenshot::of(&view, area.width, area.height)
            .cursor
            .expect("the cursor is visible");
        assert_eq!(
            usize::from(cursor.y - text.y),
            line_at(&rope, at).0 - line_at(&rope, scroll.top).0
        );
        if is_grapheme_boundary(&rope, at) {
            assert_eq!(
                usize::from(cursor.x - text.x),
                column_of(&rope, at, &options).0 - scroll.left.0
            );
        }
    }
}
