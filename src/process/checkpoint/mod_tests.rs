//! Directories lent and taken back, traces, values, and what is cleared away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::process::checkpoint::spare::Spare;
use crate::process::checkpoint::trace::Trace;
use crate::process::checkpoint::values::Key;

struct Place {
    dir: StateDir,
    _folder: tempfile::TempDir,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    fs::create_dir(dir.checkpoints()).unwrap();
    fs::create_dir(dir.slots()).unwrap();
    Place {
        dir,
        _folder: folder,
    }
}

impl Place {
    fn spare(&self) -> Spare {
        Spare::of_slot(&self.dir.checkpoints(), "1-0")
    }

    fn of(&self, task: i64) -> PathBuf {
        self.dir.checkpoint(TaskId::new(task))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.dir.checkpoints())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

#[test]
fn an_empty_directory_goes_from_task_to_task_and_one_that_is_used_stays() {
    let place = place();
    let mut spare = place.spare();
    for task in 1..=3 {
        let lent = spare.lend(&place.of(task)).unwrap();
        assert_eq!(place.names(), [task.to_string()]);
        assert!(!spare.take_back(&lent));
        assert_eq!(place.names(), [".spare-1-0"]);
    }
    let lent = spare.lend(&place.of(4)).unwrap();
    fs::write(place.of(4).join("rows"), "1").unwrap();
    assert!(spare.take_back(&lent));
    let lent = spare.lend(&place.of(5)).unwrap();
    assert!(!spare.take_back(&lent));
    assert_eq!(place.names(), [".spare-1-0", "4"]);
    // The next attempt of the task finds it.
    let lent = spare.lend(&place.of(4)).unwrap();
    assert_eq!(fs::read(place.of(4).join("rows")).unwrap(), b"1");
    assert!(!spare.take_back(&lent));
    spare.remove();
    assert_eq!(place.names(), ["4"]);
}

#[test]
fn what_a_task_does_to_its_directory_never_reaches_another() {
    let place = place();
    let mut spare = place.spare();
    let lent = spare.lend(&place.of(1)).unwrap();
    fs::set_permissions(place.of(1), fs::Permissions::from_mode(0o777)).unwrap();
    spare.take_back(&lent);
    let lent = spare.lend(&place.of(2)).unwrap();
    let mode = fs::metadata(place.of(2)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    fs::remove_dir(place.of(2)).unwrap();
    assert!(!spare.take_back(&lent));
    let lent = spare.lend(&place.of(3)).unwrap();
    fs::write(place.of(3).join("mine"), "").unwrap();
    assert!(spare.take_back(&lent));
    spare.lend(&place.of(4)).unwrap();
    assert_eq!(fs::read_dir(place.of(4)).unwrap().count(), 0);
}

#[test]
fn something_else_with_the_name_of_a_task_is_refused() {
    let place = place();
    let elsewhere = place.dir.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.of(1)).unwrap();
    fs::write(place.of(2), "a file").unwrap();
    let mut spare = place.spare();
    for task in [1, 2] {
        assert!(spare.lend(&place.of(task)).is_err());
    }
    spare.lend(&place.of(3)).unwrap();
    assert!(elsewhere.exists());
}

#[test]
fn only_names_sizes_and_contents_are_changes() {
    type Deed = fn(&Path);
    let table: [(&str, bool, Deed); 10] = [
        ("nothing", false, |_| {}),
        ("touched", false, |at| {
            fs::write(at.join("a"), "one").unwrap();
        }),
        ("written anew", false, |at| {
            fs::write(at.join("b"), "one").unwrap();
            fs::rename(at.join("b"), at.join("a")).unwrap();
        }),
        ("made and gone", false, |at| {
            fs::write(at.join("sub/x"), "").unwrap();
            fs::remove_file(at.join("sub/x")).unwrap();
        }),
        ("half a value", false, |at| {
            fs::create_dir_all(at.join(".values")).unwrap();
            fs::write(at.join(".values/.new-k-1-2"), "x").unwrap();
        }),
        ("same size", true, |at| {
            fs::write(at.join("a"), "two").unwrap();
        }),
        ("longer", true, |at| {
            fs::write(at.join("a"), "one more").unwrap();
        }),
        ("gone", true, |at| fs::remove_file(at.join("a")).unwrap()),
        ("more", true, |at| fs::write(at.join("sub/x"), "").unwrap()),
        ("another link", true, |at| {
            fs::remove_file(at.join("link")).unwrap();
            std::os::unix::fs::symlink("b", at.join("link")).unwrap();
        }),
    ];
    for (what, expected, deed) in table {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::write(at.join("a"), "one").unwrap();
        fs::create_dir_all(at.join("sub")).unwrap();
        fs::create_dir_all(at.join(".values")).unwrap();
        std::os::unix::fs::symlink("a", at.join("link")).unwrap();
        let before = Trace::of(at);
        // Time stamps must be able to differ.
        std::thread::sleep(Duration::from_millis(10));
        deed(at);
        assert_eq!(before.differs_from(at), expected, "{what}");
    }
}

#[test]
fn values_are_kept_byte_for_byte_and_listed_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("7");
    assert_eq!(values::get(&at, &key("k")).unwrap(), None);
    assert!(values::list(&at).unwrap().is_empty());
    let bytes: Vec<u8> = (0..=255).collect();
    values::set(&at, &key("z"), &bytes).unwrap();
    values::set(&at, &key("a.b-c_1"), b"").unwrap();
    values::set(&at, &key("z"), &bytes[..9]).unwrap();
    assert_eq!(values::get(&at, &key("z")).unwrap().unwrap(), bytes[..9]);
    let listed: Vec<(String, u64)> = values::list(&at)
        .unwrap()
        .into_iter()
        .map(|one| (one.key.as_str().to_owned(), one.bytes))
        .collect();
    assert_eq!(listed, [("a.b-c_1".to_owned(), 0), ("z".to_owned(), 9)]);
    assert_eq!(values::clear(&at, Some(&key("z"))).unwrap(), 1);
    assert_eq!(values::clear(&at, None).unwrap(), 1);
    assert_eq!(values::clear(&at, None).unwrap(), 0);
}

#[test]
fn keys_that_could_be_mistaken_are_refused() {
    for bad in [
        "",
        ".new-x",
        "-n",
        "a/b",
        "..",
        "a b",
        "ü",
        &"k".repeat(129),
    ] {
        assert!(Key::new(bad).is_err(), "{bad}");
    }
    for good in ["1", "rows.done", "A_b-c", &"k".repeat(128)] {
        assert!(Key::new(good).is_ok(), "{good}");
    }
}

#[test]
fn what_is_done_with_goes_and_what_is_not_stays() {
    let place = place();
    let now = Timestamp::from_millis(1_700_000_000_000);
    for task in 1..=3 {
        values::set(&place.of(task), &key("k"), b"v").unwrap();
    }
    fs::create_dir(place.of(4)).unwrap();
    fs::create_dir(place.dir.checkpoints().join(".spare-1-0")).unwrap();
    fs::create_dir(place.dir.checkpoints().join(".spare-1-1")).unwrap();
    fs::write(place.dir.slots().join("1-1"), "").unwrap();
    let aside = set_aside(&place.dir, TaskId::new(3), now).unwrap().unwrap();
    assert_eq!(set_aside(&place.dir, TaskId::new(3), now).unwrap(), None);
    tidy(&place.dir, now, |task| task.get() == 1);
    assert_eq!(place.names(), [".aside", ".spare-1-1", "2"]);
    let kept = now.plus(Duration::from_hours(24 * 7));
    tidy(&place.dir, kept, |_| false);
    assert!(aside.exists());
    tidy(&place.dir, kept.plus(Duration::from_secs(1)), |_| false);
    assert!(!aside.exists());
}

#[test]
fn nothing_outside_is_read_written_or_removed_by_way_of_a_link() {
    let place = place();
    let victim = place.dir.root().join("victim");
    let link = |from: &Path| std::os::unix::fs::symlink(&victim, from).unwrap();
    fs::create_dir_all(victim.join("1-1")).unwrap();
    fs::write(victim.join("1-1/file"), "theirs").unwrap();
    fs::create_dir(victim.join("sub")).unwrap();
    for name in ["secret", ".new-half"] {
        fs::write(victim.join(name), "theirs").unwrap();
    }
    // The directory of one task, the values of another, and what is aside are links.
    link(&place.of(1));
    fs::create_dir(place.of(2)).unwrap();
    link(&place.of(2).join(values::FOLDER));
    link(&place.dir.checkpoints().join(ASIDE));
    fs::write(place.of(2).join("rows"), "1").unwrap();

    for task in [1, 2] {
        let at = place.of(task);
        let error = values::set(&at, &key("secret"), b"ours").unwrap_err();
        assert!(
            error.to_string().contains("links are not followed"),
            "{error}"
        );
        values::get(&at, &key("secret")).unwrap_err();
        values::list(&at).unwrap_err();
        values::clear(&at, None).unwrap_err();
        values::clear(&at, Some(&key("secret"))).unwrap_err();
    }
    place.spare().lend(&place.of(2)).unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000);
    set_aside(&place.dir, TaskId::new(2), now).unwrap_err();
    tidy(&place.dir, now, |_| true);

    let mut left: Vec<_> = fs::read_dir(&victim)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".new-half", "1-1", "secret", "sub"]);
    for name in ["secret", ".new-half", "1-1/file"] {
        assert_eq!(fs::read(victim.join(name)).unwrap(), b"theirs", "{name}");
    }
}
