//! Death at every system call of an upgrade: afterwards the queue has its old format or the new one,
//! whole, and the copy that was made before is kept.
//!
//! Suite T16: `cargo test --test faults upgrades:: -- --nocapture`. The short form dies at calls that are
//! spread over the upgrade of each released format (`tests/fixtures/queue-v*.sql`); the long form at every
//! call.

use std::fs;
use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};

use crate::border::{self, Fault};
use crate::each_call::{ALL, Tally, check_death, chosen};
use crate::sandbox::Sandbox;
use crate::stage::Stage;
use crate::trials::Trials;

/// A queue in every released format, the newest last; each says itself of which it is.
const QUEUES: [&str; 4] = [
    include_str!("../fixtures/queue-v1.sql"),
    include_str!("../fixtures/queue-v2.sql"),
    include_str!("../fixtures/queue-v3.sql"),
    include_str!("../fixtures/queue-v4.sql"),
];

/// A queue has a write-ahead log; a copy that was put back in its place has none.
const MODES: [&str; 2] = ["WAL", "DELETE"];

/// What each of these queues holds: tasks and attempts.
const LEAST: (i64, i64) = (9, 6);

#[test]
fn an_upgrade_that_dies_at_any_call_leaves_the_old_format_or_the_new_one() {
    const NAME: &str =
        "upgrades::an_upgrade_that_dies_at_any_call_leaves_the_old_format_or_the_new_one";
    if !border::is_open(NAME) {
        return;
    }
    let present = present();
    for (dump, mode) in QUEUES
        .iter()
        .flat_map(|dump| MODES.map(|mode| (dump, mode)))
    {
        let stage = restored(dump, mode);
        let sandbox = &stage.sandbox;
        let old = format_of(&database(sandbox));
        if old == present {
            continue;
        }
        let suite: &'static str =
            format!("T16 calls of the upgrade from format {old} ({mode})").leak();
        let mut trials = Trials::of(suite, 6, ALL);
        let before = contents(sandbox);
        let add = ["queue", "add", "--name", "another", "--", "true"];
        let (answer, calls) = border::calls(sandbox, &add, border::CHANGES, &[]);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        let mut tally = Tally::default();
        for call in chosen(&mut trials, &calls) {
            stage.reset();
            let (answer, lines) = border::with_fault(sandbox, &add, &[], (&call, Fault::Kill));
            let told = format!("format {old}: {call:?}\n{}", answer.stderr);
            tally.note(&call, check_death(&answer, &lines, &told));
            // By one that may write: what a journal has to take back is taken back by whoever opens it.
            let verdict =
                database(sandbox).query_row("PRAGMA integrity_check", [], |row| row.get(0));
            assert_eq!(verdict, Ok("ok".to_owned()), "{told}");
            let found = format_of(&database(sandbox));
            assert!(found == old || found == present, "format {found}: {told}");
            if found == old {
                assert_eq!(contents(sandbox), before, "{told}");
            } else {
                let copies = whole_copies(sandbox, old, &told);
                assert!(!copies.is_empty(), "no copy: {told}");
            }
            // The next command ends what was begun, and everything is still there.
            let check = sandbox.run(["db", "check"]);
            assert_eq!(check.code, 0, "{}\n{told}", check.stderr);
            assert_eq!(format_of(&database(sandbox)), present, "{told}");
            let after = contents(sandbox);
            assert!(
                after.0 >= LEAST.0 && after.1 == LEAST.1,
                "{after:?}: {told}"
            );
            assert!(after.2.starts_with(&before.2), "{told}");
            let copies = whole_copies(sandbox, old, &told);
            assert!((1..=3).contains(&copies.len()), "{copies:?}: {told}");
        }
        tally.tell(&trials, calls.len());
    }
}

#[test]
fn a_newer_format_is_refused_by_every_command_and_nothing_is_changed() {
    let stage = restored(QUEUES.last().unwrap(), "DELETE");
    let sandbox = &stage.sandbox;
    let newer = present() + 1;
    let path = sandbox.state().join("queue.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(&format!("PRAGMA user_version = {newer}"))
        .unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    for words in [
        &["queue", "add", "--", "true"][..],
        &["run"],
        &["queue", "list"],
        &["why", "1"],
        &["queue", "cancel", "1"],
        &["report", "--peek"],
        &["db", "check"],
        &["db", "prune"],
        &["db", "backup", "copy.db"],
    ] {
        let answer = sandbox.run(words);
        let (found, known) = (format!("format {newer}"), format!("up to {}", newer - 1));
        answer.fails(3, &[&found, &known]);
        assert_eq!(fs::read(&path).unwrap(), before, "{words:?}");
    }
    assert!(!sandbox.work().join("copy.db").exists());
}

/// The format of a queue that is made now.
fn present() -> i32 {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--", "true"]);
    format_of(&database(&sandbox))
}

fn restored(dump: &str, mode: &str) -> Stage {
    let stage = Stage::new();
    let folder = stage.sandbox.state();
    fs::create_dir(&folder).unwrap();
    let connection = Connection::open(folder.join("queue.db")).unwrap();
    connection.execute_batch(dump).unwrap();
    connection
        .query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(()))
        .unwrap();
    drop(connection);
    stage.keep();
    stage
}

fn database(sandbox: &Sandbox) -> Connection {
    Connection::open(sandbox.state().join("queue.db")).unwrap()
}

fn format_of(connection: &Connection) -> i32 {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

/// Tasks, attempts and the journal.
fn contents(sandbox: &Sandbox) -> (i64, i64, Vec<(i64, i64, String)>) {
    let connection = database(sandbox);
    let count = |table: &str| {
        connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get(0)
            })
            .unwrap()
    };
    let mut events = connection
        .prepare("SELECT id, task_id, event FROM execution_logs ORDER BY id")
        .unwrap();
    let journal = events
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    (count("task_records"), count("attempts"), journal)
}

/// Every file that bears the name of a copy is a whole queue of the old format.
fn whole_copies(sandbox: &Sandbox, old: i32, told: &str) -> Vec<PathBuf> {
    let folder = sandbox.state().join("backups");
    let copies: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "db"))
        .collect();
    for copy in &copies {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(copy, flags).unwrap();
        let verdict = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0));
        assert_eq!(verdict, Ok("ok".to_owned()), "{}: {told}", copy.display());
        assert_eq!(format_of(&connection), old, "{}: {told}", copy.display());
        let tasks = connection.query_row("SELECT count(*) FROM task_records", [], |row| row.get(0));
        assert_eq!(tasks, Ok(LEAST.0), "{}: {told}", copy.display());
    }
    copies
}
