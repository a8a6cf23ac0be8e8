//! Every format that was ever written is opened, and holds what it held.
//!
//! `tests/fixtures/queue-v*.sql` are dumps of small queues, one per format, kept for ever.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::model::layout::StateDir;
use crate::model::state::TaskStatus;
use crate::store::check::Extent;
use crate::store::fixture::*;
use crate::store::pick::{self, Selection};
use crate::store::{Access, Filter, Store};

const V1: &str = include_str!("../../tests/fixtures/queue-v1.sql");
const V2: &str = include_str!("../../tests/fixtures/queue-v2.sql");
const V3: &str = include_str!("../../tests/fixtures/queue-v3.sql");
const V4: &str = include_str!("../../tests/fixtures/queue-v4.sql");

/// A state directory with the queue that a dump describes.
fn restored(dump: &str) -> (tempfile::TempDir, StateDir) {
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    std::fs::create_dir(dir.backups()).unwrap();
    let connection = Connection::open(dir.database()).unwrap();
    connection.execute_batch(dump).unwrap();
    (folder, dir)
}

fn tables(dir: &StateDir) -> BTreeMap<String, String> {
    Connection::open(dir.database())
        .unwrap()
        .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap()
}

#[test]
fn a_queue_of_any_format_is_opened_with_all_that_is_in_it() {
    for dump in [V1, V2, V3, V4] {
        everything_is_there(dump);
    }
}

fn everything_is_there(dump: &str) {
    let (_folder, dir) = restored(dump);
    let mut store = Store::open(&dir, Access::ReadWrite, NOW).unwrap();
    let found = store.check(Extent::Whole).unwrap();
    assert!(found.is_sound(), "{:?}", found.problems);
    assert_eq!((found.tasks, found.attempts), (9, 6));
    let counts = store.counts(Selection::All).unwrap();
    for status in TaskStatus::ALL {
        let expected = match status {
            TaskStatus::Queued => 3,
            TaskStatus::Recovering => 0,
            TaskStatus::Running
            | TaskStatus::Held
            | TaskStatus::Succeeded
            | TaskStatus::Failed
            | TaskStatus::Cancelled
            | TaskStatus::Skipped => 1,
        };
        assert_eq!(counts.of(status), expected, "{status}");
    }
    for line in store.list(&Filter::default()).unwrap() {
        let task = store.task(line.id).unwrap();
        assert_eq!(task.spec.hash(), task.definition_hash, "{}", line.name);
        assert_eq!(
            store.attempts_of(line.id).unwrap().len(),
            task.attempts as usize
        );
    }
    assert_eq!(store.open_attempts().unwrap().len(), 2);
    assert_eq!(store.pending_requests().unwrap().len(), 1);
    assert_eq!(store.raise_epoch().unwrap().0, 2);
    let next = store
        .write(|tx| pick::candidates(tx, later(600), 9, Selection::All))
        .unwrap();
    let names: Vec<String> = next
        .iter()
        .map(|candidate| store.task(candidate.id).unwrap().spec.name.to_string())
        .collect();
    assert_eq!(names, ["urgent", "waiting"]);
}

#[test]
fn the_newest_dump_is_of_the_format_that_is_written() {
    let (_folder, old) = restored(V4);
    let new = queue();
    assert_eq!(tables(&old), tables(&new.dir));
}
