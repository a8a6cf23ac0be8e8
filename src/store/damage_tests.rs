//! Damaged, missing and overfull: the queue is never replaced, and what it says is never wrong.

use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;

use crate::model::layout::StateDir;
use crate::store::check::Extent;
use crate::store::fixture::*;
use crate::store::tasks::{self, OnChange};
use crate::store::{Access, Filter, Store, StoreError, TaskLine};

/// A queue of some pages, all of them in the database file.
fn settled() -> (Queue, Vec<TaskLine>) {
    let mut queue = queue();
    let names: Vec<String> = (0..60).map(|n| format!("task-{n}")).collect();
    queue.add(&names.iter().map(String::as_str).collect::<Vec<_>>());
    queue.store.checkpoint().unwrap();
    let lines = queue.store.list(&Filter::default()).unwrap();
    (queue, lines)
}

/// What a start and a check make of the directory; the list of tasks if nothing was found.
fn look(dir: &StateDir) -> Result<Option<Vec<TaskLine>>, StoreError> {
    let store = Store::open(dir, Access::ReadWrite, NOW)?;
    if !store.check(Extent::Whole)?.is_sound() {
        return Ok(None);
    }
    store.list(&Filter::default()).map(Some)
}

#[test]
fn what_is_no_database_is_refused_and_left_as_it_is() {
    for contents in [&b"#!/bin/sh\necho hello\n"[..], &[0xff; 5_000], &[0; 5_000]] {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::at(folder.path());
        fs::write(dir.database(), contents).unwrap();
        for access in [Access::ReadWrite, Access::ReadOnly] {
            let error = Store::open(&dir, access, NOW).unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        }
        assert_eq!(fs::read(dir.database()).unwrap(), contents);
    }
}

#[test]
fn a_queue_that_was_cut_off_is_noticed() {
    let (queue, _) = settled();
    let whole = fs::read(queue.dir.database()).unwrap();
    let dir = queue.dir.clone();
    drop(queue.store);
    for kept in [
        100,
        4_096,
        whole.len() / 2,
        whole.len() - 4_096,
        whole.len() - 1,
    ] {
        fs::write(dir.database(), &whole[..kept]).unwrap();
        assert!(!matches!(look(&dir), Ok(Some(_))), "{kept} bytes kept");
    }
}

#[test]
fn a_log_without_its_database_is_not_thrown_away() {
    let mut queue = queue();
    queue.add(&["one"]);
    let (dir, folder) = (queue.dir.clone(), queue);
    drop(folder.store);
    let log = dir.root().join("queue.db-wal");
    let acknowledged = fs::read(&log).unwrap();
    for empty in [false, true] {
        if empty {
            fs::write(dir.database(), "").unwrap();
        } else {
            fs::remove_file(dir.database()).unwrap();
        }
        for access in [Access::ReadWrite, Access::ReadOnly] {
            let error = Store::open(&dir, access, NOW).unwrap_err();
            assert!(matches!(error, StoreError::Beheaded { .. }), "{error:?}");
        }
        assert_eq!(fs::read(&log).unwrap(), acknowledged);
    }
}

#[test]
fn a_link_in_place_of_the_database_is_not_followed() {
    let queue = queue();
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    std::os::unix::fs::symlink(queue.dir.database(), dir.database()).unwrap();
    assert!(Store::open(&dir, Access::ReadWrite, NOW).is_err());
    // A link above the directory is the user's own business.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(queue.dir.root(), &link).unwrap();
    Store::open(&StateDir::at(link), Access::ReadWrite, NOW).unwrap();
}

#[test]
fn a_full_disk_refuses_the_change_and_nothing_else() {
    let (mut queue, lines) = settled();
    let pages = |queue: &Queue, limit: &str| -> i64 {
        queue
            .store
            .connection
            .query_row(&format!("PRAGMA max_page_count{limit}"), [], |row| {
                row.get(0)
            })
            .unwrap()
    };
    let free = pages(&queue, "");
    // SQLite says the same as when the file system has no space left.
    pages(&queue, " = 1");
    let many: Vec<_> = (0..500).map(|n| new_task(&format!("more-{n}"))).collect();
    let full = queue
        .store
        .write(|tx| tasks::add(tx, &many, OnChange::Keep, &actor(), NOW))
        .unwrap_err();
    assert!(full.is_disk_full() && full.is_storage_failure(), "{full:?}");
    assert_eq!(queue.store.list(&Filter::default()).unwrap(), lines);
    // Space was given back: the same store goes on.
    pages(&queue, &format!(" = {free}"));
    queue
        .store
        .write(|tx| tasks::add(tx, &many, OnChange::Keep, &actor(), NOW))
        .unwrap();
    assert!(queue.store.check(Extent::Whole).unwrap().is_sound());
}

#[test]
fn a_copy_is_whole_and_never_replaces_a_file() {
    let (mut queue, lines) = settled();
    queue.add(&["unsettled"]);
    let folder = tempfile::tempdir().unwrap();
    let dir = StateDir::at(folder.path());
    queue.store.backup_to(&dir.database()).unwrap();
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "one file that can be carried away");
    assert!(matches!(
        queue.store.backup_to(&dir.database()),
        Err(StoreError::CopyExists { .. })
    ));
    let copied = look(&dir).unwrap().unwrap();
    assert_eq!(copied.len(), lines.len() + 1);
    let mode: String = Store::open(&dir, Access::ReadWrite, NOW)
        .unwrap()
        .connection
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(
        mode, "wal",
        "a copy that was put back is a queue like any other"
    );
}

static SETTLED: LazyLock<(Vec<u8>, Vec<TaskLine>)> = LazyLock::new(|| {
    let (queue, lines) = settled();
    (fs::read(queue.dir.database()).unwrap(), lines)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Wherever bytes change: either it is noticed, or every task is still what it was.
    #[test]
    fn flipped_bytes_never_make_a_wrong_queue(
        place in 0.0..1.0_f64, length in 1..40_usize, flip in 1..=255_u8
    ) {
        let (whole, lines) = &*SETTLED;
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::at(folder.path());
        let mut bytes = whole.clone();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                 reason = "a share of some kilobytes")]
        let start = (place * bytes.len() as f64) as usize;
        for byte in bytes.iter_mut().skip(start).take(length) {
            *byte ^= flip;
        }
        fs::write(dir.database(), bytes).unwrap();
        match look(&dir) {
            Ok(Some(found)) => {
                let facts = |lines: &[TaskLine]| -> Vec<_> {
                    lines.iter().map(|line| (line.id, line.name.clone(), line.state.clone())).collect()
                };
                prop_assert_eq!(facts(&found), facts(lines));
            }
            Ok(None) => {}
            Err(error) => prop_assert!(error.is_storage_failure(), "{:?}", error),
        }
    }
}
