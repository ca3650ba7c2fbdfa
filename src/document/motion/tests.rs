//! Rows of text, cursor and motion.

use super::*;

/// The text and the cursor, which is written as `|`.
fn parse(row: &str) -> (Rope, CharPos) {
    let at = row.chars().position(|c| c == '|').expect("a cursor");
    (Rope::from_str(&row.replacen('|', "", 1)), CharPos(at))
}

fn written(rope: &Rope, at: CharPos) -> String {
    let mut rope = rope.clone();
    rope.insert_char(at.0, '|');
    rope.to_string()
}

fn check(motions: &[Motion], rows: &[(&str, &str)]) {
    for (before, after) in rows {
        let (rope, at) = parse(before);
        let caret = motions.iter().fold(Caret::new(at), |caret, &motion| {
            moved(&rope, caret, motion, 2, &DisplayOptions::default())
        });
        assert_eq!(
            written(&rope, caret.at),
            *after,
            "{motions:?} from {before:?}"
        );
    }
}

#[test]
fn right_and_left_step_over_clusters() {
    let rows = [
        ("|ab", "a|b"),
        ("|e\u{301}x", "e\u{301}|x"),
        ("|漢字", "漢|字"),
        ("|👩\u{200d}👩\u{200d}👧x", "👩\u{200d}👩\u{200d}👧|x"),
        ("|🇩🇪🇫🇷", "🇩🇪|🇫🇷"),
        ("🇩🇪|🇫🇷", "🇩🇪🇫🇷|"),
        ("|👍🏽!", "👍🏽|!"),
        ("a|\r\nb", "a\r\n|b"),
        ("a|\nb", "a\n|b"),
        ("a|\rb", "a\r|b"),
        ("|\tb", "\t|b"),
        ("|\u{1b}[m", "\u{1b}|[m"),
    ];
    check(&[Motion::Right], &rows);
    let back: Vec<(&str, &str)> = rows
        .iter()
        .map(|&(before, after)| (after, before))
        .collect();
    check(&[Motion::Left], &back);
    check(&[Motion::Left], &[("|ab", "|ab"), ("|", "|")]);
    check(
        &[Motion::Right],
        &[("ab|", "ab|"), ("ab\n|", "ab\n|"), ("|", "|")],
    );
}

#[test]
fn a_position_inside_a_cluster_is_tolerated() {
    check(
        &[Motion::Right],
        &[("a\r|\nb", "a\r\n|b"), ("👩\u{200d}|👩x", "👩\u{200d}👩|x")],
    );
    check(
        &[Motion::Left],
        &[("a\r|\nb", "a|\r\nb"), ("e|\u{301}x", "|e\u{301}x")],
    );
    check(&[Motion::LineEnd], &[("a\r|\nb", "a|\r\nb")]);
    check(&[Motion::WordRight], &[("a\r|\nb", "a\r\n|b")]);
}

#[test]
fn words() {
    check(
        &[Motion::WordRight],
        &[
            ("|foo bar", "foo| bar"),
            ("f|oo bar", "foo| bar"),
            ("foo| bar", "foo bar|"),
            ("|  foo", "  foo|"),
            ("|foo.bar()", "foo|.bar()"),
            ("foo|.bar()", "foo.|bar()"),
            ("foo.bar|() x", "foo.bar()| x"),
            ("|snake_case9 x", "snake_case9| x"),
            ("|naïve Straße", "naïve| Straße"),
            ("|e\u{301}te\u{301} x", "e\u{301}te\u{301}| x"),
            ("|漢字。", "漢字|。"),
            ("foo|\nbar", "foo\n|bar"),
            ("foo|\r\nbar", "foo\r\n|bar"),
            ("foo|  \nbar", "foo  |\nbar"),
            ("foo|", "foo|"),
        ],
    );
    check(
        &[Motion::WordLeft],
        &[
            ("foo bar|", "foo |bar"),
            ("foo |bar", "|foo bar"),
            ("foo ba|r", "foo |bar"),
            ("foo.bar()|", "foo.bar|()"),
            ("foo.bar|()", "foo.|bar()"),
            ("e\u{301}te\u{301}|", "|e\u{301}te\u{301}"),
            ("  |foo", "|  foo"),
            ("foo\r\n|bar", "foo|\r\nbar"),
            ("foo\n  |bar", "foo\n|  bar"),
            ("|foo", "|foo"),
        ],
    );
}

#[test]
fn vertical_movement_keeps_the_goal_column() {
    use Motion::{Down, Left, LineEnd, Up};
    check(
        &[Down],
        &[
            ("ab|c\nabc", "abc\nab|c"),
            ("ab|c\n\nabc", "abc\n|\nabc"),
            ("abc|\r\nx\r\n", "abc\r\nx|\r\n"),
            ("ab|c", "abc|"),
            ("abc\n|", "abc\n|"),
            ("a|bc\n漢字", "abc\n|漢字"),
            ("ab|c\n漢字", "abc\n漢|字"),
            ("\t|x\nabcdef", "\tx\nabcd|ef"),
            ("ab|c\n\tx", "abc\n|\tx"),
            ("abcd|\n\tx", "abcd\n\t|x"),
            ("\u{1b}\u{1b}|\nabc", "\u{1b}\u{1b}\nab|c"),
        ],
    );
    check(
        &[Down, Down],
        &[
            ("ab|c\n\nabc", "abc\n\nab|c"),
            ("漢字|\na\n漢字", "漢字\na\n漢字|"),
        ],
    );
    check(&[Down, Left, Down], &[("abc|\nabc\nabc", "abc\nabc\nab|c")]);
    check(
        &[Up],
        &[
            ("ab|c", "|abc"),
            ("abc\n|", "|abc\n"),
            ("abc\nab|c", "ab|c\nabc"),
        ],
    );
    check(
        &[Up, Down],
        &[("abc\nab|c", "abc\nab|c"), ("ab|c\nabc", "abc\nab|c")],
    );
    check(
        &[Motion::PageDown],
        &[
            ("a|b\nab\nab\nab", "ab\nab\na|b\nab"),
            ("ab\na|b\nab", "ab\nab\na|b"),
        ],
    );
    check(
        &[Motion::PageUp],
        &[
            ("ab\nab\na|b", "a|b\nab\nab"),
            ("ab\na|b\nab", "a|b\nab\nab"),
            ("a|b", "|ab"),
        ],
    );
    check(
        &[Motion::PageDown, LineEnd],
        &[("|ab\nab\nab", "ab\nab\nab|")],
    );
}

#[test]
fn ends_of_lines_and_of_the_text() {
    check(
        &[Motion::LineStart],
        &[
            ("  ab|c", "  |abc"),
            ("  |abc", "|  abc"),
            ("|  abc", "  |abc"),
            ("|abc", "|abc"),
            ("x\n\t a|", "x\n\t |a"),
            ("   |", "|   "),
            ("|", "|"),
        ],
    );
    check(
        &[Motion::LineEnd],
        &[
            ("|abc\nd", "abc|\nd"),
            ("|abc\r\nd", "abc|\r\nd"),
            ("a|b\r", "ab\r|"),
        ],
    );
    check(
        &[Motion::DocumentEnd],
        &[("|a\nb", "a\nb|"), ("|a\n", "a\n|"), ("|", "|")],
    );
    check(&[Motion::DocumentStart], &[("a\nb|", "|a\nb")]);
}

#[test]
fn columns_and_positions_answer_each_other() {
    let rope = Rope::from_str("\ta漢e\u{301}👩\u{200d}👩\u{202e}\u{1b}|\r\nx");
    let options = DisplayOptions::default();
    let columns: Vec<usize> = (0..=11)
        .map(|at| column_of(&rope, CharPos(at), &options).0)
        .collect();
    assert_eq!(columns, [0, 4, 5, 7, 7, 8, 8, 8, 10, 18, 19, 20]);
    let at =
        |place, column| Row::at(&rope, CharPos(place), &options).at_column(&rope, column, &options);
    for place in [0, 1, 2, 3, 5, 8, 9, 10, 11] {
        let column = column_of(&rope, CharPos(place), &options);
        assert_eq!(at(0, column), CharPos(place));
    }
    assert_eq!(at(0, Column(6)), CharPos(2), "inside a wide one");
    assert_eq!(at(0, Column(999)), CharPos(11));
    assert_eq!(at(999, Column(999)), CharPos(14));
}

#[test]
fn up_and_down_go_by_row_where_lines_are_wrapped() {
    let options = DisplayOptions {
        wrap: true,
        columns: 6,
        ..DisplayOptions::default()
    };
    let rope = Rope::from_str("one two three\nx\nlast row");
    let mut caret = Caret::new(CharPos(6));
    let mut go = |motion| {
        caret = moved(&rope, caret, motion, 2, &options);
        caret.at.0
    };
    // The rows: "one ", "two ", "three", "x", "last ", "row".
    assert_eq!(go(Motion::Down), 10);
    assert_eq!(go(Motion::Down), 15, "a short row");
    assert_eq!(go(Motion::Down), 18, "the goal is kept");
    assert_eq!(go(Motion::Up), 15);
    assert_eq!(go(Motion::PageUp), 6);
    assert_eq!(go(Motion::LineEnd), 13);
    assert_eq!(go(Motion::Up), 7, "not on the next row");
}

#[test]
fn any_position_in_any_text_is_tolerated() {
    let seed =
        std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |s| s.parse().expect("a number"));
    println!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let all = [
        Motion::Left,
        Motion::Right,
        Motion::WordLeft,
        Motion::WordRight,
        Motion::Up,
        Motion::Down,
        Motion::PageUp,
        Motion::PageDown,
        Motion::LineStart,
        Motion::LineEnd,
        Motion::DocumentStart,
        Motion::DocumentEnd,
    ];
    for _ in 0..300 {
        let text: String = (0..rng.usize(0..40))
            .map(|_| {
                rng.choice([
                    'a', ' ', '\n', '\r', '\t', '漢', '\u{301}', '\u{200d}', '👩', '🇩', '\u{202e}',
                ])
                .expect("some")
            })
            .collect();
        let rope = Rope::from_str(&text);
        for _ in 0..50 {
            let at = if rng.u8(..) == 0 {
                usize::MAX
            } else {
                rng.usize(0..text.len() + 9)
            };
            let caret = Caret {
                at: CharPos(at),
                goal: rng.bool().then(|| Column(rng.usize(0..99))),
            };
            let motion = rng.choice(all).expect("some");
            let page = rng.choice([0, 1, 3, usize::MAX]).expect("some");
            let to = moved(&rope, caret, motion, page, &DisplayOptions::default()).at;
            assert_eq!(snapped(&rope, to), to, "{motion:?} from {at} in {text:?}");
        }
    }
}

#[test]
fn paragraphs_end_at_blank_lines() {
    check(
        &[Motion::ParagraphDown],
        &[
            ("o|ne\ntwo\n\nthree", "one\ntwo\n|\nthree"),
            ("one\n|\n\ntwo\n \nx", "one\n\n\ntwo\n| \nx"),
            ("one\ntw|o", "one\ntwo|"),
            ("|", "|"),
        ],
    );
    check(
        &[Motion::ParagraphUp],
        &[
            ("one\n\ntwo\nth|ree", "one\n|\ntwo\nthree"),
            ("x\n \none\n\n\n|two", "x\n \none\n\n|\ntwo"),
            ("one\ntw|o", "|one\ntwo"),
        ],
    );
}

#[test]
fn a_bracket_leads_to_its_partner() {
    check(
        &[Motion::Bracket],
        &[
            ("f|(a[0])", "f(a[0]|)"),
            ("f(a[0]|)", "f|(a[0])"),
            ("f(a[0])|", "f|(a[0])"),
            ("n|one", "n|one"),
            ("|(open", "|(open"),
        ],
    );
}
