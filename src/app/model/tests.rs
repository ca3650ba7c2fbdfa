//! The model alone, its effects carried out by hand.

mod every;
mod plain;
mod rows;

use super::*;
use crate::app::clipboard::Way;
use crate::session::{Config, MemberState};
use crate::ui::action::Command;
use crate::wire::Properties;

const NOW: Time = Time(0);

/// An editor alone with a new file in `folder`.
fn alone(folder: &Path) -> Model {
    let properties = Properties {
        file_name: "notes.md".to_owned(),
        format: Format::default().to_bytes(),
    };
    let config = Config::for_test(1, true, properties);
    let file = TextFile::new(&folder.join("notes.md")).unwrap();
    Model::founder(
        Core::new(config, NOW),
        Saving::new(Some(file)),
        Format::default(),
        Invitation::default(),
        folder.to_owned(),
    )
}

/// One turn of the event loop; the files that are to be written after it. Copies stay inside, and so
/// does what is pasted.
fn turn(model: &mut Model, events: impl IntoIterator<Item = Event>) -> Vec<FileJob> {
    for event in events {
        model.update(event, NOW);
    }
    let mut jobs = Vec::new();
    for effect in model.finish_turn(NOW, 0) {
        match effect {
            Effect::File(job) => jobs.push(*job),
            Effect::Find(job) => {
                let found = job.run();
                jobs.extend(turn(model, [Event::Found(Box::new(found))]));
            }
            Effect::Copy(_) => model.update(Event::Copied(Way::Internal), NOW),
            Effect::Paste => model.update(Event::Pasted(None), NOW),
            _ => {}
        }
    }
    jobs
}

#[test]
fn what_is_to_be_saved_while_the_file_is_written_is_saved_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = alone(folder.path());
    let typed = |c| Event::Action(Action::Insert(c));
    let save = || Event::Action(Command::Save.into());

    let mut saves = turn(&mut model, [typed('a'), save()]);
    assert_eq!(saves.len(), 1);
    assert!(turn(&mut model, [typed('b'), save()]).is_empty());
    let done = saves.remove(0).run();
    let mut saves = turn(&mut model, [Event::File(Box::new(done))]);
    assert_eq!(saves.len(), 1);
    let done = saves.remove(0).run();
    assert!(turn(&mut model, [Event::File(Box::new(done))]).is_empty());
    let written = std::fs::read_to_string(folder.path().join("notes.md"));
    assert_eq!(written.unwrap(), "ab");
}

#[test]
fn what_is_typed_right_before_is_not_saved_yet() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = alone(folder.path());
    let typed = |c| Event::Action(Action::Insert(c));
    let save = || Event::Action(Command::Save.into());
    let quit = || Event::Action(Command::Quit.into());

    // In one turn, as keys come that were typed fast.
    let mut saves = turn(&mut model, [typed('a'), save()]);
    let done = Event::File(Box::new(saves.remove(0).run()));
    let mut saves = turn(&mut model, [typed('b'), save(), done]);
    assert_eq!(saves.len(), 1, "what came while the file was written");
    let done = Event::File(Box::new(saves.remove(0).run()));
    turn(&mut model, [done]);
    turn(&mut model, [typed('c'), quit()]);
    assert!(model.leave_unsaved, "it is asked");
}

#[test]
fn a_file_that_changes_while_the_session_is_being_joined_wakes_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = alone(folder.path());
    model.phase = Phase::Connecting;
    model.update(Event::Stirred(Stir::Done), NOW);
    let later = Time(10_000);
    assert_eq!(model.finish_turn(later, 0).len(), 0);
    assert!(model.next_deadline(later).is_none_or(|due| due > later));

    model.phase = Phase::Editing;
    assert!(model.next_deadline(later).is_some_and(|due| due < later));
    assert_eq!(model.finish_turn(later, 0).len(), 1, "it is looked at");
}

#[test]
fn an_edit_that_is_taken_back_leaves_nothing_unsaved() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = alone(folder.path());
    let paste = |text: &str| Event::Action(Action::Paste(text.to_owned()));
    let command = |command: Command| Event::Action(command.into());
    let unsaved = |model: &mut Model| {
        let size = ratatui::layout::Size::new(40, 6);
        model.view(size, NOW).status.unsaved
    };
    let mut saves = turn(&mut model, [paste("a"), command(Command::Save)]);
    let done = Event::File(Box::new(saves.remove(0).run()));
    turn(&mut model, [done]);
    assert!(!unsaved(&mut model));
    for (event, expected) in [
        (paste("b"), true),
        (command(Command::Undo), false),
        (command(Command::Redo), true),
        (command(Command::Undo), false),
        (command(Command::Undo), true),
        (command(Command::Redo), false),
    ] {
        turn(&mut model, [event]);
        assert_eq!(unsaved(&mut model), expected);
    }
    // Also in one turn.
    turn(&mut model, [paste("b"), command(Command::Undo)]);
    assert!(!unsaved(&mut model));
    // What is on its way to the disk will be there, whatever is there now.
    let mut saves = turn(&mut model, [paste("c"), command(Command::Save)]);
    turn(&mut model, [command(Command::Undo)]);
    let done = Event::File(Box::new(saves.remove(0).run()));
    turn(&mut model, [done]);
    assert!(unsaved(&mut model));
    turn(&mut model, [command(Command::Redo)]);
    assert!(!unsaved(&mut model));
}

#[test]
fn who_has_left_is_listed_behind_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let model = alone(folder.path());
    let [ben, cara] = [(1, MemberState::Left), (2, MemberState::Away)]
        .map(|(n, state)| crate::app::delivery::tests::member(n, 0, state));
    let panel = model.members_panel(0, &[ben, cara], NOW);
    let names: Vec<_> = panel.members.iter().map(|member| &*member.name).collect();
    assert_eq!(names[1..], ["Cara", "Ben"]);
}
