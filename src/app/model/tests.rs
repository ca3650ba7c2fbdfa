//! The model alone, its effects carried out by hand.

mod every;
mod plain;
mod rows;

use super::*;
use crate::app::clipboard::Way;
use crate::session::Config;
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
