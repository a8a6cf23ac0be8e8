//! What the tests of crashes share: finding a sandbox's processes, killing them, and reading the
//! queue's own story.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fastrand::Rng;
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::Sandbox;

/// The scripted program.
pub(crate) fn fake_task() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let profile = own.parent().and_then(Path::parent).unwrap();
    let path = profile.join("examples/fake_task");
    assert!(
        path.is_file(),
        "build it first: cargo build --example fake_task"
    );
    path
}

/// A process that belongs to a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) kind: Kind,
    pub(crate) command: String,
}

/// What a process is to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A run or another command.
    Program,
    /// A supervisor: the program, holding a slot file open.
    Supervisor,
    /// Whatever carries the marker of an attempt.
    Task,
}

/// Every process of the sandbox, found by its environment, which names the sandbox's directories.
pub(crate) fn processes(sandbox: &Sandbox) -> Vec<Process> {
    let home = sandbox.home();
    let slots = sandbox.state().canonicalize().map(|s| s.join("slots"));
    let program = Path::new(env!("CARGO_BIN_EXE_autoexec"))
        .canonicalize()
        .unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let proc = entry.path();
        // A zombie has no environment any more.
        let environment = fs::read(proc.join("environ")).unwrap_or_default();
        if !contains(&environment, home.to_str().unwrap().as_bytes()) {
            continue;
        }
        let is_program = fs::read_link(proc.join("exe")).is_ok_and(|exe| exe == program);
        // What started the program for us, `unshare` for instance, is as good as the program.
        let kind = if !is_program && contains(&environment, b"AUTOEXEC_MARK=") {
            Kind::Task
        } else if slots
            .as_ref()
            .is_ok_and(|slots| holds_file_in(&proc, slots))
        {
            Kind::Supervisor
        } else {
            Kind::Program
        };
        let command = fs::read(proc.join("cmdline")).unwrap_or_default();
        found.push(Process {
            pid,
            kind,
            command: String::from_utf8_lossy(&command).replace('\0', " "),
        });
    }
    found
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle)
}

fn holds_file_in(proc: &Path, folder: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(proc.join("fd")) else {
        return false;
    };
    descriptors
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| target.starts_with(folder) && !target.ends_with("epoch"))
}

/// SIGKILL; a process that is gone already is as good.
pub(crate) fn kill(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone_already = kill_process(pid, Signal::KILL);
    }
}

/// A task as the database knows it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) status: String,
    /// Why it is held, if it is.
    pub(crate) hold: Option<String>,
    /// The attempts that ended with success.
    pub(crate) successes: Vec<i64>,
}

fn open(sandbox: &Sandbox) -> Connection {
    let path = sandbox.state().join("queue.db");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    database.busy_timeout(Duration::from_mins(2)).unwrap();
    database
}

/// Whether the database is whole, down to its pages.
pub(crate) fn is_whole(sandbox: &Sandbox) -> bool {
    let answer: String = open(sandbox)
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    answer == "ok"
}

/// Every task of the queue, in the order in which it was added.
pub(crate) fn tasks(sandbox: &Sandbox) -> Vec<Stored> {
    let database = open(sandbox);
    let mut successes: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut events = database
        .prepare(
            "SELECT task_id, attempt_id FROM execution_logs WHERE event = 'succeeded' ORDER BY id",
        )
        .unwrap();
    let rows = events
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    for row in rows {
        let (task, attempt) = row.unwrap();
        successes.entry(task).or_default().push(attempt);
    }
    let mut records = database
        .prepare("SELECT id, name, status, hold_code FROM task_records ORDER BY id")
        .unwrap();
    records
        .query_map([], |row| {
            Ok(Stored {
                name: row.get(1)?,
                status: row.get(2)?,
                hold: row.get(3)?,
                successes: successes.remove(&row.get(0)?).unwrap_or_default(),
            })
        })
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// An attempt as the database knows it.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) category: Option<String>,
    pub(crate) exit_code: Option<i64>,
    pub(crate) signal: Option<i64>,
}

/// Every attempt of the queue, the oldest first.
pub(crate) fn attempts(sandbox: &Sandbox) -> Vec<Ended> {
    let database = open(sandbox);
    let mut attempts = database
        .prepare("SELECT category, exit_code, signal FROM attempts ORDER BY id")
        .unwrap();
    attempts
        .query_map([], |row| {
            Ok(Ended {
                category: row.get(0)?,
                exit_code: row.get(1)?,
                signal: row.get(2)?,
            })
        })
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// What happened to each task, event by event, without times, ids and claims: a claim that was
/// given back is no part of a task's story, because nothing was started.
pub(crate) fn story(sandbox: &Sandbox) -> BTreeMap<String, Vec<String>> {
    let database = open(sandbox);
    let mut events = database
        .prepare(
            "SELECT t.name, e.event FROM execution_logs e JOIN task_records t ON t.id = e.task_id
             WHERE e.event NOT IN ('claimed', 'claim_returned') ORDER BY e.id",
        )
        .unwrap();
    let rows = events
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
        .unwrap();
    let mut story: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let (name, event) = row.unwrap();
        story.entry(name).or_default().push(event);
    }
    story
}

/// `start 17 4711` → 17.
pub(crate) fn attempt_of_line(line: &str) -> Option<i64> {
    line.split(' ').nth(1)?.parse().ok()
}

/// Kills one of them, if there is any; how many that were.
pub(crate) fn kill_one(rng: &mut Rng, victims: &[Process]) -> u32 {
    rng.choice(victims).map_or(0, |victim| {
        kill(victim.pid);
        1
    })
}

/// Kills all of them; how many that were.
pub(crate) fn kill_all(victims: &[Process]) -> u32 {
    for victim in victims {
        kill(victim.pid);
    }
    u32::try_from(victims.len()).unwrap()
}
