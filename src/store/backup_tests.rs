//! Copies that are whole or not there.

use std::fs;

use rusqlite::Connection;

use super::*;
use crate::store::fixture::queue;

fn tasks_in(path: &Path) -> i64 {
    Connection::open(path)
        .unwrap()
        .query_row("SELECT count(*) FROM task_records", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn what_a_dead_process_left_of_a_copy_neither_stops_nor_spoils_the_next() {
    let mut queue = queue();
    queue.add(&["one", "two"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    // Half of another database, with the journal that would make it whole again.
    let partial = beside(&path, PARTIAL);
    fs::write(&partial, vec![b'x'; 5000]).unwrap();
    for kind in ["-journal", "-wal"] {
        fs::write(beside(&partial, kind), vec![b'y'; 5000]).unwrap();
    }
    queue.store.backup_to(&path).unwrap();
    assert_eq!(tasks_in(&path), 2);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_copy_that_somebody_else_makes_or_has_made_is_left_alone() {
    let mut queue = queue();
    queue.add(&["one"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    let partial = beside(&path, PARTIAL);
    let other = File::create(&partial).unwrap();
    other.lock().unwrap();
    let error = queue.store.backup_to(&path).unwrap_err();
    assert!(matches!(error, StoreError::CopyExists { .. }), "{error:?}");
    assert!(partial.exists());
    // It got its name after we had opened it.
    fs::rename(&partial, &path).unwrap();
    assert!(!is_still(&other, &partial).unwrap());
    assert!(is_still(&other, &path).unwrap());
}

#[test]
fn nothing_is_replaced_by_a_name_that_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let (new, old) = (folder.path().join("new"), folder.path().join("old"));
    fs::write(&new, "new").unwrap();
    fs::write(&old, "old").unwrap();
    let error = give_name(&new, &old).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&old).unwrap(), "old");
}

#[test]
fn halves_that_dead_migrations_left_are_cleared_away_and_count_for_nothing() {
    let queue = queue();
    let folder = queue.dir.backups();
    for half in ["queue-v1-1.db.partial", "queue-v1-1.db.partial-journal"] {
        fs::write(folder.join(half), "half").unwrap();
    }
    fs::write(folder.join("mine.db.partial"), "not ours").unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000);
    before_migration(&queue.store.connection, &queue.dir, now).unwrap();
    let mut left: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[0], "mine.db.partial");
}
