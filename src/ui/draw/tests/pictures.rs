//! Pictures of screens for `docs/screens.md`. The test fails when a screen looks otherwise than its picture;
//! `PICTURES=new` draws them anew.

use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::svg::{CELL, Colours, rows};
use crate::document::display::DisplayOptions;
use crate::document::position::CharPos;
use crate::document::{Rope, TextChange};
use crate::ui::draw::render;
use crate::ui::highlight::Highlighter;
use crate::ui::keymap::Keymap;
use crate::ui::palette::{help, matching};
use crate::ui::theme::{Depth, Ground, Theme};
use crate::ui::view::{
    Body, Chat, Level, List, Member, Notice, Panel, PanelMember, PeerCursor, Prompt, Said, Scroll,
    Status, TextView, View,
};

const CODE: &str = "//! How many words a text has.\n\nuse std::io::Read;\n\n/// Words are parted by white space.\nfn words(text: &str) -> usize {\n    text.split_whitespace().count()\n}\n\nfn main() {\n    let mut text = String::new();\n    std::io::stdin().read_to_string(&mut text).expect(\"text\");\n    println!(\"{} words\", words(&text)); // 日本語 counts as one\n}\n";

fn screen<'a>(rope: &'a Rope, spans: &'a [crate::ui::highlight::Span], theme: Theme) -> View<'a> {
    let at = |text: &str| CharPos(CODE[..CODE.find(text).unwrap_or(0)].chars().count());
    let peer = |name: &str, colour, cursor, selection| PeerCursor {
        name: name.into(),
        colour,
        cursor,
        selection,
        named: true,
    };
    let selected = at("split_white")..at(".count");
    let member = |name: &str, colour, connected| Member {
        name: name.into(),
        colour,
        connected,
    };
    View {
        body: Body::Text(TextView {
            rope,
            cursor: at("words(&text)"),
            selection: None,
            matches: Vec::new(),
            peers: vec![
                peer("Ben", 0, selected.end, Some(selected)),
                peer("Chloë", 1, at("println"), None),
            ],
            scroll: Scroll::default(),
            options: DisplayOptions::default(),
            numbers: true,
            spans,
            authors: Vec::new(),
            vanishing: Vec::new(),
            brackets: None,
        }),
        status: Status {
            file: "words.rs".into(),
            unsaved: true,
            members: vec![
                member("Ben", 0, true),
                member("Chloë", 1, true),
                member("Dora", 2, false),
            ],
            delivery: "delivered".into(),
            ..Status::default()
        },
        notice: None,
        prompt: None,
        panel: None,
        list: None,
        chat: None,
        theme,
    }
}

#[test]
fn pictures_show_the_screens_as_they_are() {
    let rope = Rope::from_str(CODE);
    let mut highlighter = Highlighter::new("words.rs", "").expect("Rust is known");
    highlighter.change(None::<&[TextChange]>);
    let spans = highlighter.spans(&rope, 0..rope.len_lines(), || false);
    let spans = spans.expect("not stopped");
    let dark = Theme::new(Depth::Many, Some(Ground::Dark));
    let light = Theme::new(Depth::Many, Some(Ground::Light));
    let keymap = Keymap::default();

    let view = |theme| screen(&rope, &spans, theme);
    let away = Notice {
        level: Level::Info,
        text: "Dora is away; both of you can go on. F5 tries to reach them at once".into(),
    };
    for (name, theme, ground) in [
        ("dark", dark, Ground::Dark),
        ("light", light, Ground::Light),
        ("plain", dark.plain(), Ground::Dark),
    ] {
        let mut view = view(theme);
        picture(&format!("together-{name}"), &view, (80, 24), ground);
        picture(&format!("small-{name}"), &view, (40, 10), ground);
        view.notice = Some(away.clone());
        picture(&format!("large-{name}"), &view, (200, 60), ground);
    }

    let mut talking = view(dark);
    let said = |name: &str, colour, ago: &str, text: &str| Said {
        name: name.into(),
        colour,
        ago: ago.into(),
        text: text.into(),
    };
    talking.chat = Some(Chat {
        said: vec![
            said(
                "Ben",
                Some(0),
                "12 min ago",
                "does a word in 日本語 count as one?",
            ),
            said(
                "Ada",
                None,
                "10 min ago",
                "as long as there are no blanks in it, yes",
            ),
            said("Chloë", Some(1), "", "then line 14 should say so. Shall I?"),
        ],
        more: 0,
    });
    talking.prompt = Some(Prompt {
        title: "Say:".into(),
        input: "please do".into(),
        cursor: CharPos(9),
        hidden: false,
        selected: false,
    });
    picture("chat", &talking, (80, 24), Ground::Dark);

    let mut finding = view(light);
    let found = CODE.match_indices("words").map(|(at, word)| {
        let start = CODE[..at].chars().count();
        CharPos(start)..CharPos(start + word.len())
    });
    if let Body::Text(text) = &mut finding.body {
        text.matches = found.collect();
        text.selection = text.matches.get(1).cloned();
        text.cursor = text.matches[1].end;
    }
    finding.notice = Some(Notice {
        level: Level::Info,
        text: format!("2 of {}", CODE.matches("words").count()),
    });
    finding.prompt = Some(Prompt {
        title: "Find:".into(),
        input: "words".into(),
        cursor: CharPos(5),
        hidden: false,
        selected: false,
    });
    picture("find", &finding, (80, 24), Ground::Light);

    let mut choosing = view(dark);
    choosing.prompt = Some(Prompt {
        title: "Command:".into(),
        input: "line".into(),
        cursor: CharPos(4),
        hidden: false,
        selected: false,
    });
    let found = matching("line", &keymap);
    choosing.list = Some(List {
        title: " Commands ".into(),
        entries: found.into_iter().map(|(_, entry)| entry).collect(),
        at: 1,
        choosing: true,
    });
    picture("palette", &choosing, (80, 24), Ground::Dark);

    let mut helped = view(light);
    helped.list = Some(List {
        title: " Help: up and down scroll, Esc closes ".into(),
        entries: help(&keymap),
        at: 0,
        choosing: false,
    });
    picture("help", &helped, (80, 24), Ground::Light);

    let mut members = view(dark);
    let member = |name: &str, colour, state: &str| PanelMember {
        name: name.into(),
        colour,
        state: state.into(),
        addresses: vec!["192.0.2.7".into()],
    };
    members.panel = Some(Panel {
        top: 0,
        members: vec![
            member("Ada", None, "you"),
            member(
                "Ben",
                Some(0),
                "connected, 3 ms, at line 7, delivered, saved",
            ),
            member("Dora", Some(2), "away for 12 s, lacks 4 edits"),
        ],
        invitation: vec![
            "collab-edit --join 192.0.2.7:4700".into(),
            "Session code: quiet-otter-42".into(),
        ],
        qr: None,
    });
    picture("members", &members, (80, 24), Ground::Dark);
}

/// Compares a screen with its picture, or draws it.
fn picture(name: &str, view: &View<'_>, (width, height): (u16, u16), ground: Ground) {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let cursor = render(&mut buf, area, view);
    let drawn = svg(&buf, cursor, ground);
    let path = format!("docs/screens/{name}.svg");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("PICTURES").is_some() {
        std::fs::write(&path, &drawn).expect("a picture can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawn,
        "{name} looks otherwise; PICTURES=new draws it anew"
    );
}

fn svg(buf: &Buffer, cursor: Option<Position>, ground: Ground) -> String {
    let (wide, high) = CELL;
    let area = buf.area;
    let colours = match ground {
        Ground::Dark => Colours {
            paper: "#1e1e2e",
            ink: "#d8d8e0",
        },
        Ground::Light => Colours {
            paper: "#ffffff",
            ink: "#202020",
        },
    };
    let rows: String = rows(buf, cursor, &colours).concat();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"monospace\" font-size=\"15\">\n<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n{rows}</svg>\n",
        area.width * wide,
        area.height * high,
        colours.paper,
    )
}
