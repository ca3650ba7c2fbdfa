//! Frames drawn into a buffer and looked at cell by cell.

mod emitted;
mod hostile;
mod kept;
mod pictures;
mod svg;

use crate::document::Rope;
use ratatui::buffer::CellWidth;
use ratatui::layout::Size;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::document::display::DisplayOptions;
use crate::document::grapheme::is_grapheme_boundary;
use crate::document::motion::column_of;
use crate::document::position::{CharPos, Column, Line, line_at, line_start};
use crate::ui::theme::Theme;
use crate::ui::view::scroll_into_view;
use crate::ui::view::{
    Body, Chat, Level, Member, Notice, Panel, PanelMember, PeerCursor, Prompt, Said, Scroll,
    Status, TextView, View,
};

/// So many seeds, or the one that `SEED` names.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let seed = std::env::var("SEED").ok();
    match seed.map(|seed| seed.parse().expect("a number")) {
        Some(seed) => seed..seed + 1,
        None => 0..count,
    }
}

pub(crate) fn view(rope: &Rope) -> View<'_> {
    View {
        body: Body::Text(TextView {
            rope,
            cursor: CharPos(0),
            selection: None,
            matches: Vec::new(),
            peers: Vec::new(),
            scroll: Scroll::default(),
            options: DisplayOptions::default(),
            numbers: true,
            spans: &[],
            authors: Vec::new(),
            vanishing: Vec::new(),
            brackets: None,
        }),
        status: Status {
            file: "notes.md".into(),
            ..Status::default()
        },
        notice: None,
        prompt: None,
        panel: None,
        list: None,
        chat: None,
        theme: Theme::default(),
    }
}

/// A view of `rope` after `change` to its text.
fn with<'a>(rope: &'a Rope, change: impl FnOnce(&mut TextView<'a>)) -> View<'a> {
    let mut view = view(rope);
    if let Body::Text(text) = &mut view.body {
        change(text);
    }
    view
}

fn peer(name: &str, colour: usize, cursor: usize) -> PeerCursor {
    PeerCursor {
        name: name.into(),
        colour,
        cursor: CharPos(cursor),
        selection: None,
        named: true,
    }
}

struct Screenshot {
    buf: Buffer,
    cursor: Option<Position>,
}

impl Screenshot {
    fn of(view: &View<'_>, width: u16, height: u16) -> Self {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        let cursor = render(&mut buf, area, view);
        let shot = Self { buf, cursor };
        shot.check_invariants();
        shot
    }

    /// What a terminal shows: the cells under a wide symbol are not there.
    fn rows(&self) -> Vec<String> {
        let area = self.buf.area;
        let row = |y| {
            let (mut x, mut row) = (0, String::new());
            while x < area.width {
                row.push_str(self.buf[(x, y)].symbol());
                x += self.buf[(x, y)].cell_width();
            }
            row.trim_end().to_owned()
        };
        (0..area.height).map(row).collect()
    }

    fn bg(&self, x: u16, y: u16) -> Color {
        self.buf[(x, y)].bg
    }

    fn is_selected(&self, x: u16, y: u16) -> bool {
        self.buf[(x, y)].modifier.contains(Modifier::REVERSED)
    }

    /// 1. Nothing but printable characters. 2. Every symbol has its cells to itself, in its row.
    /// 3. The cursor is on the screen.
    fn check_invariants(&self) {
        let area = self.buf.area;
        for y in 0..area.height {
            let mut x = 0;
            while x < area.width {
                let cell = &self.buf[(x, y)];
                let (symbol, width) = (cell.symbol(), cell.cell_width());
                assert!(!symbol.chars().any(is_forbidden), "{symbol:?} at {x},{y}");
                assert!(
                    width > 0 && x + width <= area.width,
                    "{symbol:?} at {x},{y} is {width} wide"
                );
                for under in x + 1..x + width {
                    assert_eq!(
                        self.buf[(under, y)].symbol(),
                        " ",
                        "under {symbol:?} at {x},{y}"
                    );
                }
                x += width;
            }
        }
        assert!(
            self.cursor.is_none_or(|cursor| area.contains(cursor)),
            "{:?} in {area}",
            self.cursor
        );
    }
}

fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}')
}

#[test]
fn text_line_numbers_and_status() {
    let rope = Rope::from_str("one\r\ntwo\n");
    let mut view = with(&rope, |text| text.cursor = CharPos(6));
    view.status.unsaved = true;
    let shot = Screenshot::of(&view, 24, 5);
    assert_eq!(
        shot.rows(),
        ["  1 one", "  2 two", "  3", "", " ● notes.md  2:2"]
    );
    assert_eq!(shot.cursor, Some(Position { x: 5, y: 1 }));
}

#[test]
fn the_cursor_stands_behind_symbols_of_all_widths() {
    let rope = Rope::from_str("a漢👩\u{200d}👩e\u{301}ｶ\u{ff9e}b");
    let view = with(&rope, |text| text.cursor = CharPos(9));
    let shot = Screenshot::of(&view, 24, 2);
    assert_eq!(shot.cursor, Some(Position { x: 4 + 8, y: 0 }));
    assert_eq!(shot.buf[(12, 0)].symbol(), "b");
}

#[test]
fn the_end_of_a_final_line_break_is_a_line_of_its_own() {
    for (text, at, expected) in [
        ("ab\n", 3, (4, 1)),
        ("ab", 2, (6, 0)),
        ("", 0, (4, 0)),
        ("ab\r\n", 3, (6, 0)),
    ] {
        let rope = Rope::from_str(text);
        let shot = Screenshot::of(&with(&rope, |text| text.cursor = CharPos(at)), 24, 5);
        assert_eq!(shot.cursor, Some(expected.into()), "{text:?}");
    }
}

#[test]
fn what_an_edge_cuts_is_blank_and_shifts_nothing() {
    let rope = Rope::from_str("漢字漢字\n\tx\nab\u{202e}cd\nabcdefgh");
    let expect = |left, rows: [&str; 4]| {
        let view = with(&rope, |text| text.scroll.left = Column(left));
        let shot = Screenshot::of(&view, 5, 5);
        assert_eq!(shot.rows()[..4], rows, "from column {left}");
    };
    expect(0, ["漢字", "    x", "ab<U+", "abcde"]);
    expect(1, [" 字漢", "   x", "b<U+2", "bcdef"]);
    expect(2, ["字漢", "  x", "<U+20", "cdefg"]);
    expect(3, [" 漢字", " x", "U+202", "defgh"]);
    expect(9, ["", "", ">cd", ""]);
    expect(999, ["", "", "", ""]);
}

#[test]
fn selections_show_line_breaks_and_overlap_clusters() {
    let rope = Rope::from_str("ab\n\n漢c");
    let selection = Some(CharPos(5)..CharPos(1));
    let shot = Screenshot::of(&with(&rope, |text| text.selection = selection), 24, 5);
    let selected: Vec<(u16, u16)> = (0..3)
        .flat_map(|y| (4..24).map(move |x| (x, y)))
        .filter(|&(x, y)| shot.is_selected(x, y))
        .collect();
    assert_eq!(selected, [(5, 0), (6, 0), (4, 1), (4, 2), (5, 2)]);
}

#[test]
fn others_have_a_coloured_cursor_selection_and_name() {
    let rope = Rope::from_str("first\nsecond\nthird\n");
    let view = with(&rope, |text| {
        text.cursor = CharPos(18);
        text.peers = vec![
            PeerCursor {
                selection: Some(CharPos(6)..CharPos(9)),
                ..peer("Bo", 0, 9)
            },
            peer("Ann", 1, 0),
            peer("Cy", 2, 999),
        ];
    });
    let shot = Screenshot::of(&view, 24, 6);
    assert_eq!(
        shot.rows()[..5],
        ["  1•first Ann", "  2•second Bo", "  3 third", "  4• Cy", ""]
    );
    assert_eq!(shot.bg(7, 1), Color::LightGreen, "Bo's cursor");
    assert_eq!(shot.bg(4, 0), Color::LightMagenta, "Ann's cursor");
    assert_eq!(
        shot.bg(4, 3),
        Color::LightCyan,
        "Cy's cursor at the text's end"
    );
    assert_eq!(shot.bg(5, 3), Color::Cyan, "Cy's name");

    let alone = with(&rope, |text| {
        text.peers = vec![PeerCursor {
            selection: Some(CharPos(0)..CharPos(2)),
            ..peer("Bo", 3, 4)
        }];
        text.cursor = CharPos(13);
    });
    let shot = Screenshot::of(&alone, 24, 6);
    assert_eq!(
        [4, 5, 6].map(|x| shot.bg(x, 0)),
        [Color::Yellow, Color::Yellow, Color::Reset]
    );
}

#[test]
fn a_name_is_there_only_as_long_as_it_is_wanted() {
    let rope = Rope::from_str("first\nsecond\n");
    let view = with(&rope, |text| {
        text.cursor = CharPos(12);
        text.peers = vec![PeerCursor {
            named: false,
            ..peer("Bo", 0, 2)
        }];
    });
    let shot = Screenshot::of(&view, 24, 4);
    assert_eq!(shot.rows()[0], "  1•first", "the mark stays");
    assert_eq!(shot.bg(6, 0), Color::LightGreen, "and so does the cursor");
}

#[test]
fn a_bracket_and_its_partner_stand_out() {
    let rope = Rope::from_str("f(a, b)\n");
    let view = with(&rope, |text| text.brackets = Some([CharPos(1), CharPos(6)]));
    let shot = Screenshot::of(&view, 24, 3);
    let stands_out = |x: u16| shot.buf[(4 + x, 0)].modifier.contains(Modifier::UNDERLINED);
    let found: Vec<u16> = (0..8).filter(|&x| stands_out(x)).collect();
    assert_eq!(found, [1, 6]);
}

#[test]
fn a_match_at_the_end_of_a_line_and_of_the_text_stands_out() {
    let rope = Rope::from_str("a\nb");
    let view = with(&rope, |text| {
        text.matches = [1, 3].map(|at| CharPos(at)..CharPos(at + 1)).into();
    });
    let shot = Screenshot::of(&view, 24, 3);
    for y in 0..2 {
        let row = [4, 5, 6].map(|x| shot.bg(x, y));
        assert_eq!(row, [Color::Reset, Color::Yellow, Color::Reset]);
    }
}

fn said(name: &str, colour: Option<usize>, ago: &str, text: &str) -> Said {
    Said {
        name: name.into(),
        colour,
        ago: ago.into(),
        text: text.into(),
    }
}

#[test]
fn the_chat_stands_below_the_text_and_shows_the_newest_last() {
    let rope = Rope::from_str("first\nsecond\n");
    let mut view = view(&rope);
    view.chat = Some(Chat {
        said: vec![
            said("Ann", None, "5 min ago", "an old word"),
            said("Bo", Some(0), "", "what do you think of the second line?"),
        ],
        more: 0,
    });
    let shot = Screenshot::of(&view, 30, 16);
    assert_eq!(
        shot.rows()[11..],
        [
            " Chat",
            " Ann  an old word  5 min ago",
            " Bo  what do you think of the",
            "  second line?",
            "   notes.md  1:1",
        ]
    );
    assert_eq!(shot.bg(1, 13), Color::Green, "Bo's name");
    assert!(shot.rows()[0].contains("first"), "the text stays");

    view.status.unread = 2;
    view.chat = None;
    let row = &Screenshot::of(&view, 30, 16).rows()[15];
    assert!(row.ends_with(" 2 unread"), "{row}");
}

#[test]
fn a_hostile_message_is_text_and_long_ones_are_cut_at_the_top() {
    let rope = Rope::from_str("text\n");
    let mut view = view(&rope);
    view.chat = Some(Chat {
        said: vec![
            said(
                "Eve\u{1b}[2J",
                Some(1),
                "",
                "\u{1b}]0;owned\u{7}\u{202e}\n\r\0x",
            ),
            said("Bo", Some(0), "", &"word ".repeat(400)),
        ],
        more: 3,
    });
    let shot = Screenshot::of(&view, 40, 24);
    assert!(shot.rows()[17].contains("3 below"), "{:#?}", shot.rows());
    assert!(shot.rows()[22].contains("word word"));
    view.chat.as_mut().expect("a chat").said.pop();
    let shot = Screenshot::of(&view, 40, 24);
    let rows = shot.rows().join("|");
    assert!(
        rows.contains("Eve␛[2J") && rows.contains("]0;owned"),
        "{rows}"
    );
    // Where there is no room, there is no log.
    for (width, height) in (1..9).flat_map(|x| (1..12).map(move |y| (x, y))) {
        Screenshot::of(&view, width, height);
    }
}

#[test]
fn a_name_never_covers_text_a_cursor_or_another_name() {
    let lines = ["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "dddddddddd"];
    let rope = Rope::from_str(&lines.join("\n"));
    for own in 0..rope.len_chars() {
        for other in 0..rope.len_chars() {
            let view = with(&rope, |text| {
                text.cursor = CharPos(own);
                text.peers = (0..3).map(|n| peer("NAME", n, other)).collect();
            });
            let shot = Screenshot::of(&view, 24, 5);
            let cursor = shot.cursor.expect("visible");
            assert!(
                "abcd ".contains(shot.buf[cursor].symbol()),
                "own at {own}, other at {other}"
            );
            for (row, line) in shot.rows().iter().zip(lines) {
                assert!(row.contains(line), "own at {own}, other at {other}: {row}");
            }
            let names: usize = shot.rows()[..4]
                .iter()
                .map(|row| row.matches("NAME").count())
                .sum();
            assert!(names >= 1, "own at {own}, other at {other}");
        }
    }
}

#[test]
fn names_are_shortened_and_kept_on_the_screen() {
    let rope = Rope::from_str("aaaaaaaaaaaaaaaaaaaa\n");
    let view = with(&rope, |text| text.peers = vec![peer("Maximiliane", 0, 19)]);
    assert_eq!(
        Screenshot::of(&view, 24, 4).rows()[1],
        "  2             Maximil…"
    );
}

#[test]
fn without_colours_there_are_attributes_and_names() {
    let rope = Rope::from_str("first\nsecond\n");
    let mut view = with(&rope, |text| {
        text.cursor = CharPos(12);
        text.peers = vec![PeerCursor {
            selection: Some(CharPos(0)..CharPos(2)),
            ..peer("Bo", 0, 2)
        }];
    });
    view.theme = Theme::default().plain();
    view.notice = Some(Notice {
        level: Level::Error,
        text: "no".into(),
    });
    let shot = Screenshot::of(&view, 24, 6);
    let coloured =
        |cell: &ratatui::buffer::Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
    assert!(!shot.buf.content.iter().any(coloured));
    assert!(
        shot.buf[(4, 0)].modifier.contains(Modifier::UNDERLINED),
        "Bo's selection"
    );
    assert!(
        shot.buf[(6, 0)].modifier.contains(Modifier::REVERSED),
        "Bo's cursor"
    );
    assert!(shot.rows()[0].contains("Bo"), "{:#?}", shot.rows());
}

#[test]
fn the_status_bar_drops_parts_where_it_is_narrow() {
    let rope = Rope::from_str("text");
    let mut view = view(&rope);
    let member = |name: &str, connected| Member {
        name: name.into(),
        colour: 0,
        connected,
    };
    view.status = Status {
        file: "notes.md".into(),
        unsaved: false,
        members: vec![member("Annabelle", true), member("Bo", false)],
        delivery: "3 edits · 1 of 2 have them · Bo away for 5 s".into(),
        delivery_short: "3 edits not at Bo".into(),
        disk: String::new(),
        invitation: "--join 192.168.1.5:4700".into(),
        author: String::new(),
        unread: 0,
    };
    let file = "   notes.md";
    let names = "   notes.md  1:1   Annabelle   Bo (away) ";
    let count = "   notes.md  1:1  3 members, 1 away";
    let Status {
        delivery,
        delivery_short: short,
        invitation,
        ..
    } = view.status.clone();
    for (from, expected) in [
        (112, format!("{names}  {delivery}  {invitation}")),
        (106, format!("{count}  {delivery}  {invitation}")),
        (87, format!("{names}  {delivery}")),
        (81, format!("{count}  {delivery}")),
        (60, format!("{names}  {short}")),
        (54, format!("{count}  {short}")),
        (35, format!("{file}  1:1  {short}")),
        (30, format!("{file}  {short}")),
        (16, format!("{file}  1:1")),
        (11, file.to_owned()),
        (8, "   note…".to_owned()),
    ] {
        let row = |width| Screenshot::of(&view, width, 3).rows().remove(2);
        assert_eq!(row(from), expected, "{from}");
        assert_ne!(row(from - 1), expected, "{from} is the least");
    }
}

#[test]
fn a_prompt_has_the_cursor_and_hides_what_it_must() {
    let rope = Rope::from_str("text");
    let mut view = view(&rope);
    view.body = Body::Connecting("Joining the session at example.org:4700 …".into());
    view.notice = Some(Notice {
        level: Level::Error,
        text: "That was not the code.".into(),
    });
    view.prompt = Some(Prompt {
        title: "Code:".into(),
        input: "a漢e\u{301}".into(),
        cursor: CharPos(4),
        hidden: true,
        selected: false,
    });
    let shot = Screenshot::of(&view, 30, 6);
    assert_eq!(
        shot.rows(),
        [
            "",
            "    Joining the session at",
            "      example.org:4700 …",
            "",
            "That was not the code.",
            "Code: •••"
        ]
    );
    assert_eq!(shot.cursor, Some(Position { x: 9, y: 5 }));

    view.prompt = Some(Prompt {
        title: "Name:".into(),
        input: "abc漢defgh".into(),
        cursor: CharPos(9),
        hidden: false,
        selected: false,
    });
    let shot = Screenshot::of(&view, 12, 3);
    assert_eq!(shot.rows()[2], "Name: defgh");
    assert_eq!(shot.cursor, Some(Position { x: 11, y: 2 }));
}

#[test]
fn the_panel_lies_over_the_text_and_hides_the_cursor() {
    let rope = Rope::from_str(
        &"漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字\n".repeat(9),
    );
    let mut view = with(&rope, |text| text.cursor = CharPos(5 * 33 + 9));
    let member = |name: &str, colour| PanelMember {
        name: name.into(),
        colour,
        state: "connected".into(),
        addresses: vec!["192.168.1.5:4700".into(), "[2001:db8::1]:4700".into()],
    };
    view.panel = Some(Panel {
        members: vec![member("Ann", None), member("Bo", Some(0))],
        invitation: vec![
            "Others join with".into(),
            "collab-edit --join 192.168.1.5:4700".into(),
        ],
        qr: None,
        top: 0,
    });
    let shot = Screenshot::of(&view, 79, 12);
    assert_eq!(shot.cursor, None);
    let rows = shot.rows();
    assert!(rows[1].contains("┌ Members ─"), "{rows:#?}");
    assert!(
        rows[3].contains("collab-edit --join 192.168.1.5:4700"),
        "{rows:#?}"
    );
    assert!(rows[5].contains("Ann               connected"), "{rows:#?}");
    assert!(
        rows[6].contains("192.168.1.5:4700 [2001:db8::1]:4700"),
        "{rows:#?}"
    );
    // Where it is narrow, words stay whole.
    let rows = Screenshot::of(&view, 24, 16).rows();
    assert!(
        rows.iter().any(|row| row.contains("  connected ")),
        "{rows:#?}"
    );
}

/// One of many members.
fn member(n: usize) -> PanelMember {
    PanelMember {
        name: format!("Member {n}"),
        colour: Some(n),
        state: "connected".into(),
        addresses: vec!["192.168.1.5:4700".into()],
    }
}

#[test]
fn members_that_do_not_fit_can_be_scrolled_to() {
    let rope = Rope::from_str("");
    let mut view = view(&rope);
    let members = |count| Panel {
        members: (0..count).map(member).collect(),
        invitation: vec!["collab-edit --join 192.168.1.5:4700".into()],
        qr: None,
        top: 0,
    };
    let area = Rect::new(0, 0, 80, 24);
    view.panel = Some(members(3));
    assert_eq!(scroll_end(area, &view), 0);
    let rows = Screenshot::of(&view, 80, 24).rows();
    assert!(
        rows.iter().any(|row| row.contains("┌ Members ─")),
        "{rows:#?}"
    );
    view.panel = Some(members(40));
    // 23 rows, two of them the frame, for 82 lines.
    assert_eq!(scroll_end(area, &view), 82 - 21);
    for (top, first, last) in [
        (0, "--join", "Member 9"),
        (61, "4700", "4700"),
        (60, "Member 29", "Member 39"),
    ] {
        view.panel.as_mut().unwrap().top = top;
        let rows = Screenshot::of(&view, 80, 24).rows();
        assert!(rows[0].contains("Members: up and down scroll"), "{rows:#?}");
        assert!(
            rows[1].contains(first) && rows[21].contains(last),
            "{top}: {rows:#?}"
        );
    }
}

#[test]
fn members_leave_the_invitation_and_the_qr_code_on_the_screen() {
    let rope = Rope::from_str("");
    let mut view = view(&rope);
    let command = "collab-edit --join [2001:db8::1234:5678]:4700";
    view.panel = Some(Panel {
        members: (0..40).map(member).collect(),
        invitation: vec![
            command.into(),
            "Session code: four-short-plain-words".into(),
        ],
        qr: None,
        top: 0,
    });
    let rows = Screenshot::of(&view, 80, 24).rows();
    assert!(
        rows.iter()
            .any(|row| row.contains("four-short-plain-words")),
        "{rows:#?}"
    );
    if let Some(panel) = &mut view.panel {
        panel.qr = Some(command.into());
    }
    let rows = Screenshot::of(&view, 80, 24).rows();
    let upper = rows.iter().position(|row| row.contains("█▀▀▀▀▀█"));
    let lower = rows.iter().rposition(|row| row.contains("▀▀▀▀▀▀▀"));
    let (Some(upper), Some(lower)) = (upper, lower) else {
        panic!("no code: {rows:#?}")
    };
    assert!(
        lower - upper >= 14 && rows[lower + 2].contains(command),
        "{rows:#?}"
    );
    for (width, height) in [(80, 19), (30, 24)] {
        let rows = Screenshot::of(&view, width, height).rows();
        assert!(
            rows.iter().any(|row| row.contains("too small")),
            "{rows:#?}"
        );
    }
}

#[test]
fn long_notices_are_wrapped() {
    let rope = Rope::from_str("text");
    let mut view = view(&rope);
    let text = "The address did not answer. Is the program running there, and is the port right?";
    view.notice = Some(Notice {
        level: Level::Warning,
        text: text.into(),
    });
    let rows = Screenshot::of(&view, 30, 6).rows();
    assert_eq!(
        rows[2..5],
        [
            "The address did not answer. Is",
            "the program running there, and",
            "is the port right?"
        ]
    );
    let rows = Screenshot::of(&view, 20, 6).rows();
    assert_eq!(
        rows[2..5],
        [
            "The address did not",
            "answer. Is the",
            "program running the…"
        ]
    );
}

#[test]
fn the_text_area_is_where_the_text_is() {
    let rope = Rope::from_str("text");
    let mut view = view(&rope);
    assert_eq!(
        text_area(Rect::new(0, 0, 80, 24), &view),
        Rect::new(4, 0, 76, 23)
    );
    assert_eq!(
        text_area(Rect::new(0, 0, 9, 1), &view),
        Rect::new(0, 0, 9, 1)
    );
    view.body = Body::Connecting(String::new());
    assert!(text_area(Rect::new(0, 0, 80, 24), &view).is_empty());
}
