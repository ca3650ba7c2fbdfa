//! Finding, replacing, and going to a line.

use super::*;

#[test]
fn finding_goes_along_while_the_pattern_is_typed() {
    check(&[
        ("|one two one", "<ctrl-f>tw", "one ^tw|o one"),
        ("one| two one", "<ctrl-f>one", "one two ^one|"),
        ("one two| one", "<ctrl-f>two", "one ^two| one"),
        ("o|ne two", "<ctrl-f>two<esc>", "o|ne two"),
        ("o^ne| two", "<ctrl-f>two<esc>", "o^ne| two"),
        ("o|ne two", "<ctrl-f>none", "o|ne two"),
        ("o|ne two", "<ctrl-f>tx<backspace>", "one ^t|wo"),
        ("|a a a", "<ctrl-f>a<f3>", "a ^a| a"),
        ("|a a a", "<ctrl-f>a<shift-f3>", "a a ^a|"),
        ("|a a a", "<ctrl-f>a<enter><f3><f3><f3>", "^a| a a"),
        ("|Ab ab", "<ctrl-f>ab<alt-c>", "Ab ^ab|"),
        ("|and an", "<ctrl-f>an<alt-e>", "and ^an|"),
        ("|a1 b2", "<ctrl-f>b.<alt-r>", "a1 ^b2|"),
        ("^b2| a1 b2", "<ctrl-f><f3>", "b2 a1 ^b2|"),
        ("|x", "<ctrl-f>x<enter>y", "y|"),
    ]);
    let mut model = given("|a b a");
    play(&mut model, "<ctrl-f>a");
    assert_eq!(notice(&model), "1 of 2");
    play(&mut model, "<f3><f3>");
    assert_eq!(notice(&model), "1 of 2, from the other end");
    look(&mut model);
    assert_eq!(model.matches_in(CharPos(0)..CharPos(9)).len(), 2);
    assert_eq!(model.matches_in(CharPos(2)..CharPos(9)).len(), 1);
    play(&mut model, "<alt-r>(");
    assert_eq!(notice(&model), "unclosed group");
    play(&mut model, "<esc>");
    assert!(
        model.matches_in(CharPos(0)..CharPos(9)).is_empty(),
        "closed"
    );
}

#[test]
fn replacing_one_all_and_in_the_selection() {
    check(&[
        ("|a b a", "<ctrl-r>a<enter>x<enter>y<esc>", "x b ^a|"),
        ("|a b a", "<ctrl-r>a<enter>x<enter>ny<esc>", "^a| b x"),
        ("|a b a", "<ctrl-r>a<enter>aa<enter>yyn", "aa b aan|"),
        ("|a b a", "<ctrl-r>a<enter>aa<enter>y<esc><f3>", "^a|a b a"),
        ("|a b a", "<ctrl-r>a<enter>aa<enter>yy<f3>", "^a|a b aa"),
        ("|a a a", "<ctrl-r>a<enter>aa<enter>ya", "aa aa| aa"),
        ("|a b a", "<ctrl-r>a<enter>x<enter>a<ctrl-z>", "a| b a"),
        (
            "|a=1 b=2",
            "<ctrl-r>(.)=(.)<alt-r><enter>$2:$1<enter>a",
            "1:a| 2:b",
        ),
        ("a\n^a\na\n|a", "<ctrl-r>a<enter>x<enter>a", "a\nx|\nx\na"),
    ]);
}

#[test]
fn what_is_empty_is_found_and_replaced() {
    check(&[
        ("a|b\nc\n", "<ctrl-f>^<alt-r>", "ab\n|c\n"),
        ("a|b\nc\n", "<ctrl-f>$<alt-r><f3><enter>x", "ab\ncx|\n"),
        ("a|b\nc", "<ctrl-f>^<alt-r><enter><f3><f3>x", "ab\nx|c"),
        ("ab\n|c", "<ctrl-f>^<alt-r><shift-f3>", "|ab\nc"),
        (
            "|a\nb\n",
            "<ctrl-r>^<alt-r><enter>//<enter>a",
            "|//a\n//b\n//",
        ),
        ("|a\nb", "<ctrl-r>$<alt-r><enter>;<enter>a<ctrl-z>", "a|\nb"),
        ("|a\nb", "<ctrl-r>^<alt-r><enter>//<enter>yyx", "//a\n//x|b"),
        ("|a\nb", "<ctrl-r>$<alt-r><enter>;<enter>yyx", "a;\nb;x|"),
        (
            "|ab c",
            "<ctrl-r>\\b<alt-r><enter>'<enter>yyyyx",
            "'ab' 'c'x|",
        ),
        ("|xé", "<ctrl-r>x*<alt-r><enter>-<enter>yyx", "-é-x|"),
        (
            "|a\nb\nc",
            "<ctrl-r>^<alt-r><enter>-<enter>nyyyx",
            "-x|a\n-b\n-c",
        ),
        (
            "|a\nb\nc",
            "<ctrl-r>^<alt-r><enter>-<enter>ya<ctrl-z>",
            "-a\n|b\nc",
        ),
        (
            "^a\nb\n|c",
            "<ctrl-r>^<alt-r><enter>-<enter>a<ctrl-z>",
            "|a\nb\nc",
        ),
        (
            "a\n^b\nc\n|d",
            "<ctrl-r>^<alt-r><enter>-<enter>yyx",
            "a\n-b\n-x|c\nd",
        ),
        // What matched only beside what is not there any more is left alone.
        ("|abc", "<ctrl-r>\\B.<alt-r><enter>$0 <enter>yy", "ab ^c|"),
    ]);
    let mut model = given("|a\nb\n");
    play(&mut model, "<ctrl-f>^<alt-r><f3>");
    assert_eq!(notice(&model), "2 of 3, regular expression");
    let marked = |model: &mut Model| {
        let view = model.view(Size::new(40, 6), NOW);
        let crate::ui::view::Body::Text(text) = view.body else {
            panic!("no text")
        };
        (text.matches, text.selection)
    };
    let at = |at| CharPos(at)..CharPos(at + 1);
    let (matches, here) = marked(&mut model);
    assert_eq!(matches, [at(0), at(2), at(4)], "the characters behind");
    assert_eq!(here, Some(at(2)));
    play(&mut model, "<enter>");
    assert_eq!(marked(&mut model), (Vec::new(), None));
    // Keys that come at once are answered one after the other; while it is looked through again, one is.
    let mut model = given("|a\nb\nc");
    play(&mut model, "<ctrl-r>$<alt-r><enter>;<enter>");
    by_another(&mut model, 0, 0, "new\n");
    let yes = || Event::Action(Action::Insert('y'));
    turn(&mut model, [yes(), yes(), yes()]);
    turn(&mut model, [yes(), yes()]);
    assert_eq!(shown(&model), "new|\na;\nb;\nc;");
}

#[test]
fn what_matches_nothing_is_not_asked_about() {
    let mut model = given("|a b a");
    play(&mut model, "<ctrl-r>none<enter>");
    assert_eq!(notice(&model), "Not found");
    let asks = |model: &Model| model.prompt.as_ref().map(|prompt| prompt.question.clone());
    assert_eq!(asks(&model), Some(Question::Replace), "what to replace");
    play(
        &mut model,
        "<backspace><backspace><backspace><backspace>b<enter>x",
    );
    assert_eq!(asks(&model), Some(Question::ReplaceWith));
    // Gone before it is answered.
    by_another(&mut model, 2, 1, "c");
    turn(&mut model, []);
    play(&mut model, "<enter>");
    assert_eq!(asks(&model), Some(Question::Replace));
    assert_eq!(notice(&model), "Not found");
    play(&mut model, "<backspace>a<enter>x<enter>yy");
    assert_eq!(shown(&model), "x c x|");
    assert_eq!(notice(&model), "Nothing is left to replace");
    assert_eq!(asks(&model), None);
}

#[test]
fn a_group_that_is_not_there_replaces_nothing() {
    let mut model = given("|a=1");
    play(&mut model, "<ctrl-r>(.)=<alt-r><enter>x$1_y<enter>");
    assert!(
        notice(&model).contains("no group 1_y"),
        "{}",
        notice(&model)
    );
    play(
        &mut model,
        "<backspace><backspace><backspace><backspace>${1}_y<enter>a",
    );
    assert_eq!(shown(&model), "xa_y|1");
}

#[test]
fn going_to_a_line() {
    check(&[
        ("|a\nbcd\ne", "<ctrl-g>2<enter>", "a\n|bcd\ne"),
        ("|a\nbcd\ne", "<ctrl-g>2:3<enter>", "a\nbc|d\ne"),
        ("|a\nbcd\ne", "<ctrl-g>2:99<enter>", "a\nbcd|\ne"),
        ("|a\nbcd\ne", "<ctrl-g>-1<enter>", "a\nbcd\n|e"),
        ("|a\nbcd\ne", "<ctrl-g>-2:2<enter>", "a\nb|cd\ne"),
        ("|a\nbcd\ne", "<ctrl-g>99<enter>", "a\nbcd\n|e"),
        ("a|\nbcd\ne", "<ctrl-g>-99<enter>", "|a\nbcd\ne"),
        ("a|\nbcd", "<ctrl-g>x<enter>", "a|\nbcd"),
        ("a|\nbcd", "<ctrl-g><esc>", "a|\nbcd"),
        ("|漢字x", "<ctrl-g>1:4<enter>", "漢|字x"),
    ]);
}

#[test]
fn what_others_write_while_something_is_looked_for_does_not_lead_astray() {
    let mut model = given("|a b a");
    play(&mut model, "<ctrl-f>a");
    by_another(&mut model, 0, 0, "a a ");
    play(&mut model, "<f3>");
    assert_eq!(notice(&model), "4 of 4");
    by_another(&mut model, 0, 2, "");
    play(&mut model, "<shift-f3>");
    assert_eq!(notice(&model), "2 of 3");
    let mut model = given("one t|wo");
    play(&mut model, "<ctrl-f>one");
    by_another(&mut model, 0, 0, "now ");
    play(&mut model, "<esc>");
    assert_eq!(shown(&model), "now one t|wo");
}
