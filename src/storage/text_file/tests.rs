//! Real files in temporary folders. Faults are made with what a save cannot avoid meeting: folders
//! that vanish while the text is being read, a full file system.

use super::super::disk::faults::{self, Fault, NO_FORK};
use super::*;
use crate::document::format::{LineEnding, text_hash};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

use IfChanged::{Overwrite, Refuse};

const LF: Format = Format {
    line_ending: LineEnding::Lf,
    bom: false,
    encoding: crate::document::format::Encoding::Utf8,
};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A folder with one file in it, open.
fn opened(content: &str) -> (TempDir, PathBuf, TextFile) {
    let folder = folder();
    let path = folder.path().join("notes.md");
    fs::write(&path, content).unwrap();
    let (file, loaded) = TextFile::open(&path).unwrap();
    assert!(loaded.exists && !loaded.open_elsewhere);
    (folder, path, file)
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

/// How many names the folder holds; temporary files would count.
fn names(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_file_comes_back_as_it_was_read() {
    for bytes in [
        "",
        "a",
        "a\n",
        "a\r\nb\r\n",
        "a\r\nb\n",
        "\u{feff}漢字\r\n",
        "👩‍👩‍👧\n\n",
    ] {
        let (folder, path, mut file) = opened(bytes);
        let (_, loaded) = TextFile::open(&path).unwrap();
        let saved = file
            .save([loaded.text.as_str()], loaded.format, Refuse)
            .unwrap();
        assert_eq!(content(&path), bytes);
        assert_eq!(saved.chars, loaded.text.chars().count());
        assert_eq!(saved.hash, text_hash([loaded.text.as_str()]));
        assert_eq!(saved.path, path);
        assert_eq!(names(folder.path()), 1);
    }
}

#[test]
fn a_missing_file_is_new_and_gets_the_mode_of_new_files() {
    let folder = folder();
    let path = folder.path().join("new.md");
    let (mut file, loaded) = TextFile::open(&path).unwrap();
    assert!(!loaded.exists && loaded.text.is_empty());
    assert!(!path.exists(), "opening makes no file");
    file.save(["text"], LF, Refuse).unwrap();
    file.save(["text", " again"], LF, Refuse).unwrap();
    assert_eq!(content(&path), "text again");

    let ordinary = folder.path().join("ordinary");
    fs::write(&ordinary, "").unwrap();
    assert_eq!(mode(&path), mode(&ordinary));
}

#[test]
fn mode_bits_and_owner_stay() {
    let (_folder, path, mut file) = opened("old");
    for bits in [0o600, 0o644, 0o755, 0o640, 0o4711] {
        // Only root may give files away; others keep their own either way.
        let _ = std::os::unix::fs::chown(&path, Some(12345), Some(54321));
        set_mode(&path, bits);
        let before = path.metadata().unwrap();
        file.save(["new"], LF, Refuse).unwrap();
        let after = path.metadata().unwrap();
        assert_eq!(mode(&path), bits);
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_ne!(after.ino(), before.ino(), "replaced, not written over");
    }
}

/// Runs a program to its end: its exit code.
fn run(path: &Path) -> Option<i32> {
    let _forks = NO_FORK.write();
    Command::new(path).status().unwrap().code()
}

#[test]
fn a_script_can_be_run_while_it_is_open() {
    let (_folder, path, mut file) = opened("#!/bin/sh\nexit 3\n");
    set_mode(&path, 0o755);
    assert_eq!(run(&path), Some(3));
    file.save(["#!/bin/sh\nexit 4\n"], LF, Refuse).unwrap();
    assert_eq!(run(&path), Some(4));
}

#[test]
fn symbolic_links_stay_links() {
    let root = folder();
    let root = root.path();
    fs::create_dir(root.join("real")).unwrap();
    fs::write(root.join("real/file"), "old").unwrap();
    symlink("real/file", root.join("one")).unwrap();
    symlink(root.join("one"), root.join("two")).unwrap();
    symlink("real/new", root.join("dangling")).unwrap();

    let (mut file, loaded) = TextFile::open(&root.join("two")).unwrap();
    assert_eq!(loaded.text, "old");
    file.save(["new"], LF, Refuse).unwrap();
    assert_eq!(content(&root.join("real/file")), "new");

    let (mut file, loaded) = TextFile::open(&root.join("dangling")).unwrap();
    assert!(!loaded.exists);
    file.save(["made"], LF, Refuse).unwrap();
    assert_eq!(content(&root.join("real/new")), "made");
    for link in ["one", "two", "dangling"] {
        assert!(root.join(link).is_symlink(), "{link}");
    }
}

#[test]
fn hard_links_stay_linked() {
    let (folder, path, mut file) = opened("old and long");
    let other = folder.path().join("other");
    fs::hard_link(&path, &other).unwrap();
    for text in ["new", "longer than it ever was", ""] {
        file.save([text], LF, Refuse).unwrap();
        assert_eq!(content(&other), text);
    }
    assert_eq!(
        path.metadata().unwrap().ino(),
        other.metadata().unwrap().ino()
    );
    assert_eq!(names(folder.path()), 2);
    assert!(
        TextFile::open(&other).unwrap().1.open_elsewhere,
        "the lock is still there"
    );
}

#[test]
fn what_is_no_text_file_is_refused_in_one_sentence() {
    let root = folder();
    let root = root.path();
    let make = |name: &str, bytes: &[u8]| fs::write(root.join(name), bytes).unwrap();
    make("binary", b"a\0b");
    make("garbage", b"caf\xe9\x01");
    symlink("loop", root.join("loop")).unwrap();
    let _socket = UnixListener::bind(root.join("socket")).unwrap();
    let forks = NO_FORK.write();
    assert!(
        Command::new("mkfifo")
            .arg(root.join("pipe"))
            .status()
            .unwrap()
            .success()
    );
    drop(forks);
    File::create(root.join("huge"))
        .unwrap()
        .set_len(1 << 42)
        .unwrap();

    let message = |path: &Path| TextFile::open(path).unwrap_err().to_string();
    let rows = [
        (root.to_owned(), "is a folder"),
        (
            root.join("binary"),
            "it is a binary file (NUL byte at offset 1)",
        ),
        (root.join("garbage"), "it is no text (the byte at offset 3"),
        (root.join("loop"), "leads in circles"),
        (root.join("socket"), "is a pipe, socket or device"),
        (root.join("pipe"), "is a pipe, socket or device"),
        ("/dev/null".into(), "is a pipe, socket or device"),
        (root.join("huge"), "is larger than 512 MiB"),
        (root.join("missing/file"), "does not exist; create it first"),
        ("".into(), "cannot be opened"),
        ("/tmp/nul\0name".into(), "cannot be opened"),
    ];
    for (path, expected) in rows {
        let message = message(&path);
        assert!(message.contains(expected), "{path:?}: {message}");
        assert!(
            !message.contains('\n') && !message.contains('\0'),
            "{message}"
        );
    }
}

#[test]
fn a_change_on_disk_is_not_buried() {
    let (_folder, path, mut file) = opened("old");
    for _ in 0..2 {
        fs::write(&path, "foreign").unwrap();
        let refused = file.save(["mine"], LF, Refuse).unwrap_err();
        assert!(
            matches!(refused, SaveError::ChangedOnDisk { .. }),
            "{refused}"
        );
        assert_eq!(content(&path), "foreign");
        file.save(["mine"], LF, Overwrite).unwrap();
        assert_eq!(content(&path), "mine");
        file.save(["mine too"], LF, Refuse).unwrap();
    }
}

#[test]
fn touching_or_replacing_a_file_by_its_equal_is_no_change() {
    let (folder, path, mut file) = opened("old");
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    file.save(["new"], LF, Refuse).unwrap();

    let other = folder.path().join("other");
    fs::write(&other, "new").unwrap();
    fs::rename(&other, &path).unwrap();
    file.save(["newer"], LF, Refuse).unwrap();
    assert!(
        TextFile::open(&path).unwrap().1.open_elsewhere,
        "the new file is locked"
    );

    fs::write(&other, "foreign").unwrap();
    fs::rename(&other, &path).unwrap();
    let refused = file.save(["mine"], LF, Refuse).unwrap_err();
    assert!(
        matches!(refused, SaveError::ChangedOnDisk { .. }),
        "{refused}"
    );
}

#[test]
fn a_removed_file_is_made_again() {
    let (_folder, path, mut file) = opened("old");
    fs::remove_file(&path).unwrap();
    file.save(["new"], LF, Refuse).unwrap();
    assert_eq!(content(&path), "new");
}

#[test]
fn a_new_file_spares_one_that_came_meanwhile() {
    let folder = folder();
    let path = folder.path().join("new");
    let (mut file, _) = TextFile::open(&path).unwrap();
    fs::write(&path, "foreign").unwrap();
    let refused = file.save(["mine"], LF, Refuse).unwrap_err();
    assert!(matches!(refused, SaveError::Exists { .. }), "{refused}");
    assert_eq!(content(&path), "foreign");
}

#[test]
fn what_comes_while_the_text_is_being_written_is_not_buried() {
    let (folder, path, mut file) = opened("old");
    let text = ["mine"]
        .into_iter()
        .inspect(|_| fs::write(&path, "foreign").unwrap());
    let refused = file.save(text, LF, Overwrite).unwrap_err();
    assert!(
        matches!(refused, SaveError::ChangedOnDisk { .. }),
        "{refused}"
    );
    assert_eq!(content(&path), "foreign");
    assert_eq!(names(folder.path()), 1);
}

#[test]
fn one_file_has_one_writer() {
    let (folder, path, mut first) = opened("text");
    let (mut second, loaded) = TextFile::open(&path).unwrap();
    assert!(loaded.open_elsewhere);
    assert_eq!(loaded.text, "text");

    let hard = folder.path().join("hard");
    let soft = folder.path().join("soft");
    fs::hard_link(&path, &hard).unwrap();
    symlink("notes.md", &soft).unwrap();
    for other in [&path, &hard, &soft] {
        assert!(TextFile::open(other).unwrap().1.open_elsewhere, "{other:?}");
    }
    fs::remove_file(&hard).unwrap();

    for _ in 0..2 {
        let refused = second.save(["second"], LF, Overwrite).unwrap_err();
        assert!(
            matches!(refused, SaveError::OpenElsewhere { .. }),
            "{refused}"
        );
        first.save(["first"], LF, Refuse).unwrap();
    }
    drop(first);
    let refused = second.save(["second"], LF, Refuse).unwrap_err();
    assert!(
        matches!(refused, SaveError::ChangedOnDisk { .. }),
        "{refused}"
    );
    second.save(["second"], LF, Overwrite).unwrap();
    assert_eq!(content(&path), "second");
}

#[test]
fn a_file_is_free_again_when_the_other_member_has_left() {
    let (_folder, path, first) = opened("text");
    let (mut second, loaded) = TextFile::open(&path).unwrap();
    assert!(loaded.open_elsewhere);
    drop(first);
    second.save(["second"], LF, Refuse).unwrap();
    assert!(TextFile::open(&path).unwrap().1.open_elsewhere);
}

#[test]
fn there_is_no_moment_without_a_lock() {
    let (_folder, path, mut first) = opened("text");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let others = [(); 2].map(|()| {
            scope.spawn(|| {
                let (mut tries, mut alone) = (0, 0);
                while !done.load(Ordering::Relaxed) || tries == 0 {
                    tries += 1;
                    alone += usize::from(!TextFile::open(&path).unwrap().1.open_elsewhere);
                }
                alone
            })
        });
        for _ in 0..500 {
            first.save(["text"], LF, Overwrite).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(others.map(|other| other.join().unwrap()), [0, 0]);
    });
}

#[test]
fn two_members_with_one_new_file() {
    let folder = folder();
    let path = folder.path().join("new");
    let (mut first, _) = TextFile::open(&path).unwrap();
    let (mut second, _) = TextFile::open(&path).unwrap();
    first.save(["first"], LF, Refuse).unwrap();
    let refused = second.save(["second"], LF, Overwrite).unwrap_err();
    assert!(
        matches!(refused, SaveError::OpenElsewhere { .. }),
        "{refused}"
    );
    assert_eq!(content(&path), "first");
}

#[test]
fn saving_under_another_name_moves_there() {
    let (folder, path, mut file) = opened("old");
    let other = folder.path().join("other");
    fs::write(&other, "foreign").unwrap();
    let refused = file.save_as(&other, ["new"], LF, Refuse).unwrap_err();
    assert!(matches!(refused, SaveError::Exists { .. }), "{refused}");
    assert_eq!(file.path(), path);
    assert!(
        TextFile::open(&path).unwrap().1.open_elsewhere,
        "the old file is still ours"
    );

    file.save_as(&other, ["new"], LF, Overwrite).unwrap();
    assert_eq!(
        (content(&path).as_str(), content(&other).as_str()),
        ("old", "new")
    );
    assert_eq!(file.path(), other);
    assert!(!TextFile::open(&path).unwrap().1.open_elsewhere);
    file.save(["newer"], LF, Refuse).unwrap();

    let link = folder.path().join("link");
    symlink("other", &link).unwrap();
    file.save_as(&link, ["newest"], LF, Refuse).unwrap();
    assert_eq!(
        (content(&other).as_str(), file.path()),
        ("newest", link.as_path())
    );
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let root = folder();
    let (home, away) = (root.path().join("home"), root.path().join("away"));
    fs::create_dir(&home).unwrap();
    let path = home.join("file");
    fs::write(&path, "old").unwrap();
    let (mut file, _) = TextFile::open(&path).unwrap();

    let vanish = ["new"]
        .into_iter()
        .inspect(|_| fs::rename(&home, &away).unwrap());
    file.save(vanish, LF, Refuse).unwrap_err();
    assert_eq!(content(&away.join("file")), "old");
    assert!(matches!(
        file.save(["new"], LF, Refuse),
        Err(SaveError::Path(PathError::NoFolder { .. }))
    ));

    fs::rename(&away, &home).unwrap();
    file.save(["new"], LF, Refuse).unwrap();
    assert_eq!(content(&path), "new");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(
        file.save(["new"], LF, Refuse),
        Err(SaveError::Path(PathError::Folder { .. }))
    ));
}

#[test]
fn a_panic_while_the_text_is_read_leaves_the_old_file() {
    let (folder, path, mut file) = opened("old");
    let read = Cell::new(0);
    let text = std::iter::repeat("new").inspect(|_| {
        read.set(read.get() + 1);
        assert!(read.get() < 100, "the fault of this test");
    });
    let save = std::panic::AssertUnwindSafe(|| file.save(text, LF, Refuse));
    std::panic::catch_unwind(save).unwrap_err();
    assert_eq!(content(&path), "old");
    assert_eq!(names(folder.path()), 1);
}

/// A file system of 64 KiB, unmounted when dropped. Only root can have one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = folder();
        let _forks = NO_FORK.write();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|done| done.status.success());
        if !mounted {
            println!("skipped: mounting a small file system is not allowed here");
        }
        mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _forks = NO_FORK.write();
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
    }
}

#[test]
fn a_full_disk_leaves_the_old_file_and_says_so() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let path = disk.0.path().join("file");
    let other = disk.0.path().join("other");
    fs::write(&path, "old").unwrap();
    let (mut file, _) = TextFile::open(&path).unwrap();
    let too_much = "x".repeat(100 << 10);
    // This fits once, as a copy, but not twice.
    let too_much_twice = "x".repeat(40 << 10);
    for (text, links) in [(&too_much, 1), (&too_much, 2), (&too_much_twice, 2)] {
        if links == 2 && !other.exists() {
            fs::hard_link(&path, &other).unwrap();
        }
        let refused = file
            .save([text.as_str()], LF, Refuse)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("as it was: writing the new text failed: No space"),
            "{refused}"
        );
        assert_eq!(content(&path), "old");
        assert_eq!(names(disk.0.path()), links, "no copies stay");
    }
    // Nor is there half a backup of what was to be replaced.
    file.forget();
    let filled = disk.0.path().join("filled");
    fs::write(&path, "x".repeat(20 << 10)).unwrap();
    fs::write(&filled, "x".repeat(30 << 10)).unwrap();
    let refused = file.save(["short"], LF, Overwrite).unwrap_err().to_string();
    assert!(refused.contains("keeping a copy"), "{refused}");
    assert_eq!(names(disk.0.path()), 3);
    fs::remove_file(&filled).unwrap();
    file.save(["short"], LF, Overwrite).unwrap();
    assert_eq!(content(&other), "short");
}

/// Saves a long text over a short one while call number `at` has this fault. Whether there was such a
/// call.
fn save_with(fault: Fault, at: usize, linked: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.txt");
    let (old, new) = (
        "the old text\n".repeat(2_000),
        "the new one\n".repeat(30_000),
    );
    fs::write(&path, &old).unwrap();
    if linked {
        fs::hard_link(&path, folder.path().join("other name")).unwrap();
    }
    let (mut file, _) = TextFile::open(&path).unwrap();
    faults::plan(at, fault);
    let saved = file.save([new.as_str()], Format::default(), IfChanged::Refuse);
    let (_, met) = faults::clear();
    let found = fs::read_to_string(&path).unwrap();
    match saved {
        Ok(_) => assert!(
            found == new,
            "{fault:?} at {at}: said to be saved, and is not"
        ),
        Err(SaveError::Torn { copy, .. }) => {
            assert!(linked, "a file that can be replaced is never torn");
            assert!(
                fs::read_to_string(copy).unwrap() == new,
                "{fault:?} at {at}"
            );
        }
        Err(_) => assert!(
            found == old,
            "{fault:?} at {at}: neither the old text nor the new"
        ),
    }
    met
}

#[test]
fn whatever_call_fails_the_file_is_the_old_or_the_new_one() {
    for linked in [false, true] {
        let mut calls = 0;
        for fault in faults::ALL {
            calls += (0..).take_while(|at| save_with(fault, *at, linked)).count();
        }
        assert!(calls > 30, "{calls}");
    }
}
