//! A full disk at every write, a failing disk at every sync, and nothing to spare at every start.
//!
//! Suite T4: `cargo test --test faults io_errors:: -- --nocapture`. The short form lets calls fail that are
//! spread over a run and a supervisor; the long form (`AUTOEXEC_FAULTS=long`) every one of them. Disks
//! that are really full or read-only are `full_disks`.

use std::collections::BTreeMap;

use rusqlite::{Connection, OpenFlags};

use crate::border::{self, Call, Fault, TracedSupervisor};
use crate::each_call::{ALL, Tally, chosen, with_queue};
use crate::sandbox::{Answer, Sandbox};
use crate::stage::{Death, NIGHT, judge, settle};
use crate::trials::Trials;

const RUN: &[&str] = &["run", "--no-progress", "-j", "2"];
const WRITES: &str = "write,writev,pwrite64,ftruncate,fallocate,mkdir,rename,openat";
const SYNCS: &str = "fsync,fdatasync";
/// Not those by which the library that waits for us sets up its loop: it panics there, and before that
/// the run has tried whether so many files can be opened.
const STARTS: &str = "clone,clone3,vfork,fork,pipe2,openat";

/// A campaign: which calls fail with what.
struct Campaign {
    suite: &'static str,
    test: &'static str,
    kinds: &'static str,
    short: u64,
    fault: fn(&Call) -> Fault,
    /// Which calls of the counted ones are meant.
    is_meant: fn(&Call, &Sandbox) -> bool,
    judge: fn(&Seen<'_>),
}

/// What came of one fault.
struct Seen<'a> {
    sandbox: &'a Sandbox,
    answer: &'a Answer,
    /// The calls as the tracer wrote them.
    lines: &'a [String],
    told: &'a str,
}

impl Seen<'_> {
    /// The call that was let fail, and those behind it.
    fn since_the_fault(&self) -> Option<(&String, &[String])> {
        let place = self
            .lines
            .iter()
            .position(|line| line.contains("(INJECTED)"))?;
        self.lines[place..].split_first()
    }

    fn hit_database(&self) -> bool {
        self.since_the_fault()
            .is_some_and(|(line, _)| is_of_database(line))
    }
}

fn is_of_database(line: &str) -> bool {
    // Not its index, which is memory.
    line.contains("/state/queue.db>") || line.contains("/state/queue.db-wal>")
}

/// A file of the queue, by what the tracer wrote.
fn is_ours(call: &Call, _: &Sandbox) -> bool {
    let is_made = call.kind != "openat" || call.line.contains("O_CREAT");
    is_made && call.line.contains("/state/")
}

#[test]
fn a_disk_that_is_full_at_any_write_of_a_run_loses_nothing() {
    carry_out(&Campaign {
        suite: "T4 no space at a write of a run",
        test: "io_errors::a_disk_that_is_full_at_any_write_of_a_run_loses_nothing",
        kinds: WRITES,
        short: 5,
        fault: |_| Fault::Once("ENOSPC"),
        is_meant: is_ours,
        judge: told_of_storage,
    });
}

#[test]
fn a_disk_that_stays_full_from_any_write_to_the_queue_on_loses_nothing() {
    carry_out(&Campaign {
        suite: "T4 no space from a write to the queue on",
        test: "io_errors::a_disk_that_stays_full_from_any_write_to_the_queue_on_loses_nothing",
        kinds: "pwrite64",
        short: 4,
        fault: |_| Fault::FromThereOn("ENOSPC"),
        is_meant: is_ours,
        judge: told_of_storage,
    });
}

#[test]
fn a_disk_that_fails_at_any_sync_of_a_run_stops_it_and_no_sync_is_tried_again() {
    carry_out(&Campaign {
        suite: "T4 failing sync of a run",
        test: "io_errors::a_disk_that_fails_at_any_sync_of_a_run_stops_it_and_no_sync_is_tried_again",
        kinds: SYNCS,
        short: 4,
        fault: |_| Fault::Once("EIO"),
        is_meant: |_, _| true,
        judge: |seen| {
            told_of_storage(seen);
            let Some((failed, later)) = seen.since_the_fault() else {
                return;
            };
            if is_of_database(failed) {
                let again = later.iter().find(|line| {
                    line.starts_with('f') && line.contains("sync(") && is_of_database(line)
                });
                assert_eq!(again, None, "{failed}\n{}", seen.told);
            }
        },
    });
}

#[test]
fn a_machine_without_anything_to_spare_at_any_start_of_a_run_uses_no_attempt_up() {
    carry_out(&Campaign {
        suite: "T4 nothing to spare for a run",
        test: "io_errors::a_machine_without_anything_to_spare_at_any_start_of_a_run_uses_no_attempt_up",
        kinds: STARTS,
        short: 4,
        fault: scarcity,
        is_meant: |call, _| {
            // Nor the library's threads: of them the first is tried before by one of our own.
            let is_library = ["/etc/", ".so", "CLONE_THREAD"];
            !is_library.iter().any(|word| call.line.contains(word))
        },
        judge: |seen| {
            // Where nothing could be begun at all, that is said; a run that got going goes on.
            assert!(
                matches!(seen.answer.code, 0 | 3 | 4),
                "{} {}",
                seen.answer.code,
                seen.told
            );
        },
    });
}

fn scarcity(call: &Call) -> Fault {
    Fault::Once(match call.kind.as_str() {
        "clone" | "clone3" | "vfork" | "fork" => "EAGAIN",
        _ => "EMFILE",
    })
}

/// A run that could not write its queue says so, and tells whoever is not there.
fn told_of_storage(seen: &Seen<'_>) {
    let code = seen.answer.code;
    assert!(matches!(code, 0 | 3), "{code} {}", seen.told);
    let Some((failed, _)) = seen.since_the_fault() else {
        assert_eq!(code, 0, "{}", seen.told);
        return;
    };
    if seen.hit_database() {
        assert_eq!(code, 3, "{failed}\n{}", seen.told);
    }
    if code == 3 && !failed.contains("alerts.jsonl") {
        let alerts = seen.sandbox.state().join("alerts.jsonl");
        let alerts = std::fs::read_to_string(alerts).unwrap_or_default();
        assert!(
            alerts.contains("\"storage\""),
            "nobody was told: {failed}\n{}",
            seen.told
        );
    }
}

fn carry_out(campaign: &Campaign) {
    if !border::is_open(campaign.test) {
        return;
    }
    let mut trials = Trials::of(campaign.suite, campaign.short, ALL);
    let stage = with_queue();
    let sandbox = &stage.sandbox;
    let (answer, mut calls) = border::calls(sandbox, RUN, campaign.kinds, &[]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let usual = used(sandbox);
    calls.retain(|call| (campaign.is_meant)(call, sandbox));
    let files = match (campaign.fault)(calls.first().unwrap()) {
        // Only the queue's own, or every pipe would be full from there on.
        Fault::FromThereOn(_) => {
            let folder = sandbox.state();
            let files = vec![folder.join("queue.db"), folder.join("queue.db-wal")];
            stage.reset();
            calls = border::calls(sandbox, RUN, campaign.kinds, &files).1;
            files
        }
        Fault::Kill | Fault::Once(_) => Vec::new(),
    };
    let mut tally = Tally::default();
    for call in chosen(&mut trials, &calls) {
        stage.reset();
        let fault = (campaign.fault)(&call);
        let (answer, lines) = border::with_fault(sandbox, RUN, &files, (&call, fault));
        let hit = lines.iter().find(|line| line.contains("(INJECTED)"));
        let told = format!("{call:?}\nhit: {hit:?}\n{}", answer.stderr);
        tally.note(&call, hit.is_some());
        (campaign.judge)(&Seen {
            sandbox,
            answer: &answer,
            lines: &lines,
            told: &told,
        });
        settle(sandbox, &told);
        // Nobody died: not even what asks after a crash had to.
        judge(sandbox, NIGHT, Death::OfTheRun, &told);
        assert_eq!(used(sandbox), usual, "attempts were used up\n{told}");
    }
    tally.tell(&trials, calls.len());
}

#[test]
fn a_supervisor_to_which_any_call_fails_loses_and_doubles_nothing() {
    const NAME: &str = "io_errors::a_supervisor_to_which_any_call_fails_loses_and_doubles_nothing";
    if !border::is_open(NAME) {
        return;
    }
    for (suite, kinds, short) in [
        ("T4 no space at a write of a supervisor", WRITES, 3),
        ("T4 failing sync of a supervisor", SYNCS, 1),
        ("T4 nothing to spare for a supervisor", STARTS, 3),
    ] {
        let mut trials = Trials::of(suite, short, ALL);
        let stage = with_queue();
        let sandbox = &stage.sandbox;
        let (answer, traced) = TracedSupervisor::run(sandbox, kinds, None);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        let usual = used(sandbox);
        let is_library = |call: &Call| call.line.contains("/etc/") || call.line.contains(".so");
        let mut calls = traced.calls();
        calls.retain(|call| match kinds {
            WRITES => is_ours(call, sandbox),
            _ => !is_library(call),
        });
        if calls.is_empty() {
            trials.tell(&[("calls", &0)]);
            continue;
        }
        let mut tally = Tally::default();
        for call in chosen(&mut trials, &calls) {
            stage.reset();
            let fault = match kinds {
                WRITES => Fault::Once("ENOSPC"),
                SYNCS => Fault::Once("EIO"),
                _ => scarcity(&call),
            };
            let (answer, supervisor) = TracedSupervisor::run(sandbox, kinds, Some((&call, fault)));
            let lines = supervisor.lines();
            let hit = lines.iter().find(|line| line.contains("(INJECTED)"));
            let told = format!("{call:?}\nhit: {hit:?}\n{}", answer.stderr);
            assert!(matches!(answer.code, 0 | 1), "{} {told}", answer.code);
            tally.note(&call, hit.is_some());
            settle(sandbox, &told);
            judge(sandbox, NIGHT, Death::OfASupervisor, &told);
            if kinds == STARTS && hit.is_some_and(|line| !line.starts_with("openat")) {
                assert_eq!(used(sandbox), usual, "attempts were used up\n{told}");
            }
        }
        tally.tell(&trials, calls.len());
    }
}

/// How many attempts of each task count.
pub(crate) fn used(sandbox: &Sandbox) -> BTreeMap<String, i64> {
    let path = sandbox.state().join("queue.db");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut rows = database
        .prepare("SELECT name, used FROM task_records")
        .unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap()
}
