//! What the program told the world, and whether a disk still knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use autoexec::model::layout::StateDir;
use autoexec::store::{Access, Extent, Store};
use autoexec::support::clock::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::trace::Seen;

/// Something that must not be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A task was added.
    Added(String),
    /// A line told how an attempt stands: task, number, and one of the events that can mean it.
    Tried {
        task: String,
        number: i64,
        events: &'static [&'static str],
    },
    /// A task was cancelled.
    Cancelled(String),
    /// The command of a task was started. Nobody was told; but who asks before it is started again
    /// must be asked.
    Began { task: String },
    /// A task kept a value.
    Saved { task: String, value: u32 },
    /// The report file was written, for the so-manieth time.
    Reported(usize),
    /// A copy of the queue was made.
    Copied,
}

impl Fact {
    /// Whether a task was started that must not be started again by itself.
    pub(crate) fn is_start_of_an_only_one(&self) -> bool {
        matches!(self, Self::Began { task } if starts_only_once(task))
    }
}

fn starts_only_once(task: &str) -> bool {
    task.starts_with("ask-") || task.starts_with("fail-")
}

/// What follows from the lines that the program printed and the programs that ended well.
pub(crate) fn learned_from(seen: &[(usize, Seen)]) -> Vec<(usize, Fact)> {
    let mut reports = 0;
    let mut facts = Vec::new();
    for (place, seen) in seen {
        let fact = match seen {
            Seen::Said(line) => said(line),
            Seen::Began(words) => match words.as_slice() {
                [_, record, _, task, ..] if record == "record" => {
                    Some(Fact::Began { task: task.clone() })
                }
                _ => None,
            },
            Seen::Ended(words, 0) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                match words.as_slice() {
                    [_, "checkpoint", "set", task, value] => Some(Fact::Saved {
                        task: (*task).to_owned(),
                        value: value.parse().unwrap(),
                    }),
                    [_, "report", ..] => {
                        reports += 1;
                        Some(Fact::Reported(reports - 1))
                    }
                    [_, "db", "backup", _] => Some(Fact::Copied),
                    [_, "queue", "cancel", task] => Some(Fact::Cancelled((*task).to_owned())),
                    _ => None,
                }
            }
            Seen::Ended(..) => None,
        };
        facts.extend(fact.map(|fact| (*place, fact)));
    }
    facts
}

fn said(line: &str) -> Option<Fact> {
    if let Some(rest) = line.strip_prefix("added `") {
        return Some(Fact::Added(rest.split('`').next()?.to_owned()));
    }
    // `[08:35:20] good: attempt 1 of 5 succeeded after 0.1s`
    let (_, rest) = line.split_once("] ")?;
    let (task, rest) = rest.split_once(": attempt ")?;
    let (number, rest) = rest.split_once(" of ")?;
    let (_, what) = rest.split_once(' ')?;
    let events: &[&str] = match what.split([' ', ';']).next()? {
        "started" => &["started"],
        "succeeded" => &["succeeded"],
        "failed" => &["failed", "retry_scheduled"],
        _ => return None,
    };
    Some(Fact::Tried {
        task: task.to_owned(),
        number: number.parse().ok()?,
        events,
    })
}

/// What a disk knows.
#[derive(Debug, Default)]
pub(crate) struct Found {
    root: PathBuf,
    /// Why the queue cannot be used, or what is wrong in it.
    broken: Option<String>,
    /// Status by name.
    tasks: BTreeMap<String, String>,
    /// Name, number of the attempt, event.
    events: BTreeSet<(String, i64, String)>,
}

impl Found {
    /// Opens the queue as the program does, holds it against its rules, and reads it.
    pub(crate) fn on(root: &Path) -> Self {
        let dir = StateDir::at(root.join("var/state"));
        let mut found = Self {
            root: root.to_owned(),
            ..Self::default()
        };
        let now = Timestamp::from_millis(1_800_000_000_000);
        let checked =
            Store::open(&dir, Access::ReadWrite, now).and_then(|store| store.check(Extent::Whole));
        match checked {
            Ok(soundness) if soundness.is_sound() => {}
            Ok(soundness) => found.broken = Some(format!("{:?}", soundness.problems)),
            Err(error) => found.broken = Some(format!("{error}: {error:?}")),
        }
        if found.broken.is_none() {
            found.read(&dir.database());
        }
        found
    }

    fn read(&mut self, database: &Path) {
        let database =
            Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut tasks = database
            .prepare("SELECT name, status FROM task_records")
            .unwrap();
        self.tasks = tasks
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let mut events = database
            .prepare(
                "SELECT t.name, coalesce(a.number, 0), e.event FROM execution_logs e
                 JOIN task_records t ON t.id = e.task_id LEFT JOIN attempts a ON a.id = e.attempt_id",
            )
            .unwrap();
        self.events = events
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
    }

    fn knows(&self, task: &str, number: i64, event: &str) -> bool {
        let event = (task.to_owned(), number, event.to_owned());
        self.events.contains(&event)
    }

    fn has_succeeded(&self, task: &str) -> bool {
        self.tasks
            .get(task)
            .is_some_and(|status| status == "succeeded")
    }

    /// What was told and is not there.
    pub(crate) fn missing(&self, facts: &[&Fact], reports: &[Vec<u8>]) -> Vec<String> {
        let is_promised = |fact: &&&Fact| !matches!(fact, Fact::Began { .. });
        if let Some(problem) = &self.broken {
            let promised = facts.iter().filter(is_promised).count();
            // Before anything was acknowledged there may be no queue at all.
            return if promised == 0 {
                Vec::new()
            } else {
                vec![format!("{promised} facts are lost: {problem}")]
            };
        }
        facts
            .iter()
            .filter(|fact| !self.still_holds(fact, reports))
            .map(|fact| format!("{fact:?}"))
            .collect()
    }

    fn still_holds(&self, fact: &Fact, reports: &[Vec<u8>]) -> bool {
        match fact {
            Fact::Added(task) => self.tasks.contains_key(task),
            Fact::Tried {
                task,
                number,
                events,
            } => events.iter().any(|event| self.knows(task, *number, event)),
            Fact::Cancelled(task) => self
                .tasks
                .get(task)
                .is_some_and(|status| status == "cancelled"),
            Fact::Began { .. } => true,
            Fact::Saved { task, value } => {
                self.has_succeeded(task) || self.saved(task).is_some_and(|kept| kept >= *value)
            }
            Fact::Reported(number) => {
                let kept = fs::read(self.root.join("report.md")).unwrap_or_default();
                reports.get(*number..).unwrap().contains(&kept)
            }
            Fact::Copied => {
                let copy = self.root.join("copy.db");
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
                Connection::open_with_flags(copy, flags)
                    .and_then(|copy| {
                        copy.query_row(
                            "SELECT count(*) FROM task_records, pragma_integrity_check
                             WHERE integrity_check = 'ok'",
                            [],
                            |row| row.get::<_, i64>(0),
                        )
                    })
                    .is_ok_and(|tasks| tasks > 16)
            }
        }
    }

    /// The value that a task kept; its key is the task's name.
    fn saved(&self, task: &str) -> Option<u32> {
        let folders = fs::read_dir(self.root.join("var/state/checkpoints")).ok()?;
        folders
            .flatten()
            .filter_map(|folder| {
                let value = folder.path().join(".values").join(task);
                fs::read_to_string(value).ok()?.trim().parse().ok()
            })
            .max()
    }

    /// What the next run did that it must not do, or left undone; `started` has a line for every
    /// command that it started.
    pub(crate) fn wrong_at_the_end(&self, facts: &[&Fact], started: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let has_started = |task: &str| {
            started
                .lines()
                .any(|line| line.split(' ').next() == Some(task))
        };
        for (task, status) in &self.tasks {
            let is_settled = match status.as_str() {
                "succeeded" => true,
                "held" => task.starts_with("ask-"),
                "failed" => task.starts_with("fail-") || task.starts_with("hopeless-"),
                "cancelled" => task.starts_with("cancelled-"),
                _ => false,
            };
            if !is_settled {
                wrong.push(format!("`{task}` ended {status}"));
            }
        }
        for fact in facts {
            if let Fact::Began { task } = fact
                && starts_only_once(task)
                && has_started(task)
            {
                wrong.push(format!("`{task}` was started again unasked"));
            }
            if let Fact::Tried { task, events, .. } = fact
                && events == &["succeeded"]
                && has_started(task)
            {
                wrong.push(format!("`{task}` was started after its success"));
            }
        }
        wrong
    }
}
