//! The model alone, its effects carried out by hand.

mod rows;

use super::*;
use crate::session::Config;
use crate::ui::action::Command;
use crate::wire::Properties;

const NOW: Time = Time(0);

/// An editor alone with a new file in `folder`.
fn alone(folder: &Path) -> Model {
    let properties = Properties {
        file_name: "notes.md".to_owned(),
        format: Format::default().to_bytes().to_vec(),
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

/// One turn of the event loop; the files that are to be written after it.
fn turn(model: &mut Model, events: impl IntoIterator<Item = Event>) -> Vec<SaveJob> {
    for event in events {
        model.update(event, NOW);
    }
    let saves = model
        .finish_turn(NOW, 0)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Save(job) => Some(*job),
            _ => None,
        });
    saves.collect()
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
    let mut saves = turn(&mut model, [Event::Saved(Box::new(done))]);
    assert_eq!(saves.len(), 1);
    let done = saves.remove(0).run();
    assert!(turn(&mut model, [Event::Saved(Box::new(done))]).is_empty());
    let written = std::fs::read_to_string(folder.path().join("notes.md"));
    assert_eq!(written.unwrap(), "ab");
}
