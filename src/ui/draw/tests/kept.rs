//! Views drawn one after the other, where rows that look as before are left as they are.

use super::*;
use crate::ui::draw::redraw;
use crate::ui::highlight::{Span, Token};
use crate::ui::view::List;

const LINES: &[&str] = &[
    "",
    "short\n",
    "let x = (1, 2);\r\n",
    "\tindented\n",
    "漢字 and e\u{301}\u{302} and 👩\u{200d}👧\n",
    "a line that is much longer than the screen of this test is wide, so that it is cut or wrapped\n",
    "\n",
    "\u{1b}[31m\u{202e}\u{2028}x\r",
];

/// Something that a person, or another, does.
fn change(view: &mut TextView<'_>, len: usize, rng: &mut fastrand::Rng) {
    let at = |rng: &mut fastrand::Rng| CharPos(rng.usize(0..len + 3));
    let range = |rng: &mut fastrand::Rng| {
        let (a, b) = (at(rng), at(rng));
        a.min(b)..a.max(b)
    };
    match rng.u8(0..13) {
        0..3 => view.cursor = at(rng),
        3 => view.selection = rng.bool().then(|| range(rng)),
        4 => view.peers.truncate(rng.usize(0..3)),
        5 => view.peers.push(PeerCursor {
            selection: rng.bool().then(|| at(rng)..at(rng)),
            named: rng.bool(),
            ..peer("Ben", rng.usize(0..4), rng.usize(0..len + 3))
        }),
        6 => {
            for peer in &mut view.peers {
                peer.named = !peer.named;
                peer.cursor = at(rng);
            }
        }
        7 => view.matches = vec![range(rng)],
        8 => view.brackets = rng.bool().then(|| [at(rng), at(rng)]),
        9 => view.authors = vec![(range(rng), rng.usize(0..3))],
        10 => view.vanishing = vec![range(rng)],
        11 => view.scroll.top = at(rng),
        _ => match rng.u8(0..5) {
            0 => view.options.wrap = !view.options.wrap,
            1 => view.options.whitespace = !view.options.whitespace,
            2 => view.numbers = !view.numbers,
            3 => view.scroll.left = Column(rng.usize(0..20)),
            _ => view.options.columns = rng.usize(5..40),
        },
    }
}

/// Something that the bar at the bottom says.
fn say(status: &mut Status, rng: &mut fastrand::Rng) {
    let text =
        |rng: &mut fastrand::Rng| ["", "x", "漢字", "some words"][rng.usize(0..4)].to_owned();
    match rng.u8(0..20) {
        0 => status.file = text(rng),
        1 => status.unsaved = !status.unsaved,
        2 => status.unread = rng.usize(0..3),
        3 => status.author = text(rng),
        4 => status.delivery = text(rng),
        5 => status.delivery_short = text(rng),
        6 => status.disk = text(rng),
        7 => status.invitation = text(rng),
        8 => {
            let member = |n: usize| Member {
                name: ["Ben", "Cy"][n].to_owned(),
                colour: rng.usize(0..3),
                connected: rng.bool(),
            };
            status.members = (0..2).map(member).collect();
        }
        _ => {}
    }
}

/// A failing seed replays with `SEED=…`.
#[test]
fn rows_that_are_left_look_as_if_drawn_anew() {
    let (mut left, mut all) = (0, 0);
    for seed in seeds(300) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let area = Rect::new(0, 0, rng.u16(1..60), rng.u16(1..20));
        let mut buf = Buffer::empty(area);
        let mut kept = Kept::default();
        let text: String = (0..rng.usize(0..20))
            .map(|_| LINES[rng.usize(..LINES.len())])
            .collect();
        let mut rope = Rope::from_str(&text);
        let empty = Rope::new();
        let Body::Text(mut text) = view(&empty).body else {
            unreachable!("it is a text");
        };
        let (mut status, mut notice) = (Status::default(), None);
        for _ in 0..40 {
            say(&mut status, &mut rng);
            if rng.u8(0..8) == 0 {
                let texts = ["a notice that may take more than one row", "another"];
                notice = rng.bool().then(|| Notice {
                    level: [Level::Info, Level::Warning][rng.usize(0..2)],
                    text: texts[rng.usize(0..2)].to_owned(),
                });
            }
            let len = rope.len_chars();
            if rng.u8(0..3) == 0 {
                let at = rng.usize(0..=len);
                rope.remove(at..len.min(at + rng.usize(0..4)));
                rope.insert(at, ["x", "", "漢", "\n", "a b"][rng.usize(0..5)]);
            }
            change(&mut text, rope.len_chars(), &mut rng);
            let spans: Vec<Span> = (0..rng.usize(0..3))
                .map(|n| Span {
                    range: CharPos(n * 9)..CharPos(n * 9 + 5),
                    token: Token::Type,
                })
                .collect();
            let view = View {
                body: match rng.u8(0..30) {
                    0 => Body::Connecting("Connecting…".into()),
                    _ => Body::Text(TextView {
                        rope: &rope,
                        spans: &spans,
                        ..text.clone()
                    }),
                },
                notice: notice.clone(),
                prompt: (rng.u8(0..12) == 0).then(Prompt::default),
                status: status.clone(),
                list: (rng.u8(0..12) == 0).then(List::default),
                panel: (rng.u8(0..12) == 0).then(Panel::default),
                ..view(&rope)
            };
            let (cursor, drawn) = redraw(&mut buf, area, &view, &mut kept);
            let mut fresh = Buffer::empty(area);
            assert_eq!(render(&mut fresh, area, &view), cursor, "SEED={seed}");
            assert_eq!(buf, fresh, "SEED={seed}");
            left += usize::from(area.height) - drawn.len();
            all += usize::from(area.height);
        }
    }
    assert!(left * 3 > all, "{left} of {all} rows were left");
}

#[test]
fn a_key_draws_its_row_and_the_bar() {
    let lines: String = (0..30).map(|n| format!("line {n:02}\n")).collect();
    let mut rope = Rope::from_str(&lines);
    let area = Rect::new(0, 0, 40, 12);
    let mut buf = Buffer::empty(area);
    let mut kept = Kept::default();
    let mut draw = |rope: &Rope, cursor: usize| {
        let view = with(rope, |text| text.cursor = CharPos(cursor));
        redraw(&mut buf, area, &view, &mut kept).1
    };
    assert_eq!(draw(&rope, 16), (0..12).collect::<Vec<_>>());
    assert_eq!(draw(&rope, 16), [0; 0]);
    rope.insert(16, "x");
    assert_eq!(draw(&rope, 17), [2, 11], "with the cursor's column");
    rope.insert(30, "x");
    assert_eq!(draw(&rope, 17), [3], "somebody else's");
    rope.insert(3, "\n");
    assert_eq!(draw(&rope, 18), (0..12).collect::<Vec<_>>(), "all move");
}
