//! Formats: made once, brought up to date with a copy kept, refused when they are not ours.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::store::check::Extent;
use crate::store::fixture::*;
use crate::store::{Access, Store};

const NEXT: &str = "ALTER TABLE runs ADD COLUMN note TEXT";

/// All steps, and another one.
fn with(step: &'static str) -> Vec<&'static str> {
    STEPS.iter().copied().chain([step]).collect()
}

fn backups(dir: &StateDir) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir.backups())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

fn plain(dir: &StateDir) -> Connection {
    Connection::open(dir.database()).unwrap()
}

fn version_of(connection: &Connection) -> i32 {
    pragma(connection, "PRAGMA user_version").unwrap()
}

#[test]
fn an_older_format_is_brought_up_to_date_and_a_copy_is_kept() {
    let mut queue = queue();
    queue.add(&["one", "two"]);
    let mut connection = plain(&queue.dir);
    let path = queue.dir.database();
    migrate_by(&with(NEXT), &mut connection, &queue.dir, &path, NOW).unwrap();
    assert_eq!(version_of(&connection), CURRENT + 1);
    let names: i64 = connection
        .query_row(
            "SELECT count(*) + count(note) FROM task_records, runs",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(
        names, 0,
        "no run was there, and the new column can be asked for"
    );

    let copies = backups(&queue.dir);
    assert_eq!(copies.len(), 1);
    let copy = Connection::open(&copies[0]).unwrap();
    assert_eq!(version_of(&copy), CURRENT);
    let tasks: i64 = copy
        .query_row("SELECT count(*) FROM task_records", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tasks, 2);
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let mut queue = queue();
    queue.add(&["one"]);
    let mut connection = plain(&queue.dir);
    let path = queue.dir.database();
    let broken = "ALTER TABLE runs ADD COLUMN note TEXT; INSERT INTO nowhere VALUES (1)";
    migrate_by(&with(broken), &mut connection, &queue.dir, &path, NOW).unwrap_err();
    assert_eq!(version_of(&connection), CURRENT);
    let queue = queue.reopen();
    assert!(queue.store.check(Extent::Whole).unwrap().is_sound());
}

#[test]
fn many_who_open_an_old_queue_at_once_make_one_copy() {
    let mut queue = queue();
    queue.add(&["one"]);
    for second in 0..3 {
        backup::before_migration(&plain(&queue.dir), &queue.dir, later(second)).unwrap();
    }
    let path = queue.dir.database();
    let (dir, path) = (&queue.dir, &path);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..6)
            .map(|number| {
                scope.spawn(move || {
                    let mut connection = connect(path, Access::ReadWrite).unwrap();
                    let steps = with(NEXT);
                    migrate_by(&steps, &mut connection, dir, path, later(10 + number))
                })
            })
            .collect();
        for one in all {
            // Whoever came late finds a format that this program does not know, and nothing else.
            let result = one.join().unwrap();
            let late =
                matches!(&result, Err(StoreError::Newer { found, .. }) if *found == CURRENT + 1);
            assert!(late || result.is_ok(), "{result:?}");
        }
    });
    assert_eq!(version_of(&plain(dir)), CURRENT + 1);
    assert_eq!(backups(dir).len(), 3);
    let of_the_migration = backups(dir)
        .iter()
        .filter(|copy| copy.to_string_lossy().contains("T22133"))
        .count();
    assert_eq!(of_the_migration, 1);
    for copy in backups(dir) {
        assert_eq!(version_of(&Connection::open(copy).unwrap()), CURRENT);
    }
}

#[test]
fn the_folder_of_copies_is_made_and_a_queue_that_cannot_be_copied_stays() {
    let mut queue = queue();
    queue.add(&["one"]);
    let path = queue.dir.database();
    let steps = with(NEXT);
    fs::remove_dir(queue.dir.backups()).unwrap();
    fs::write(queue.dir.backups(), "in the way").unwrap();
    let error = migrate_by(&steps, &mut plain(&queue.dir), &queue.dir, &path, NOW).unwrap_err();
    assert!(matches!(error, StoreError::NoWayBack { .. }), "{error:?}");
    assert!(error.is_storage_failure());
    assert_eq!(version_of(&plain(&queue.dir)), CURRENT);

    fs::remove_file(queue.dir.backups()).unwrap();
    migrate_by(&steps, &mut plain(&queue.dir), &queue.dir, &path, NOW).unwrap();
    assert_eq!(version_of(&plain(&queue.dir)), CURRENT + 1);
    assert_eq!(backups(&queue.dir).len(), 1);
}

#[test]
fn only_the_latest_copies_are_kept() {
    let queue = queue();
    let connection = plain(&queue.dir);
    for second in 0..5 {
        backup::before_migration(&connection, &queue.dir, later(second)).unwrap();
    }
    let copies = backups(&queue.dir);
    assert_eq!(copies.len(), 3);
    assert!(
        copies[2]
            .to_string_lossy()
            .contains("queue-v4-20231114T221324")
    );
}

#[test]
fn a_newer_format_is_refused_and_left_as_it_is() {
    let mut queue = queue();
    queue.add(&["one"]);
    plain(&queue.dir)
        .execute_batch("PRAGMA user_version = 7")
        .unwrap();
    // A process that had it open before notices, too.
    assert!(matches!(
        queue.store.raise_epoch(),
        Err(StoreError::Newer {
            found: 7,
            known: CURRENT,
            ..
        })
    ));
    let contents = fs::read(queue.dir.database()).unwrap();
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let error = Store::open(&queue.dir, access, NOW).unwrap_err();
        assert!(matches!(
            error,
            StoreError::Newer {
                found: 7,
                known: CURRENT,
                ..
            }
        ));
        assert!(error.is_storage_failure());
    }
    assert_eq!(fs::read(queue.dir.database()).unwrap(), contents);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    for contents in [
        "PRAGMA application_id = 77; PRAGMA user_version = 1;",
        "PRAGMA user_version = 3;",
        "CREATE TABLE theirs (x);",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::at(folder.path());
        plain(&dir).execute_batch(contents).unwrap();
        let before = fs::read(dir.database()).unwrap();
        for access in [Access::ReadWrite, Access::ReadOnly] {
            assert!(
                matches!(
                    Store::open(&dir, access, NOW),
                    Err(StoreError::Foreign { .. })
                ),
                "{contents}"
            );
        }
        assert_eq!(fs::read(dir.database()).unwrap(), before, "{contents}");
    }
}

#[test]
fn many_who_open_a_new_queue_at_once_get_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    let queues: Vec<QueueId> = std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut store = Store::open(&dir, Access::ReadWrite, NOW).unwrap();
                    store.raise_epoch().unwrap();
                    store.queue().unwrap()
                })
            })
            .collect();
        opened.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(queues.iter().all(|queue| *queue == queues[0]));
    let mut store = Store::open(&dir, Access::ReadWrite, NOW).unwrap();
    assert_eq!(store.raise_epoch().unwrap().0, 9);
}
