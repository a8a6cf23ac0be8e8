//! `execution_logs`: every event of the queue, append-only, each with a checksum over itself and
//! the one before.
//!
//! Which events there may be is the business of [`crate::store::journal`] and of the writers of
//! whole rows ([`Event`]). A changed or missing row anywhere but at the very end breaks the chain.

use rusqlite::{CachedStatement, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::ids::{AttemptId, QueueId, RunId, TaskId};
use crate::model::state::TaskEvent;
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{column, json_of};
use crate::support::clock::Timestamp;

const APPENDING: &str = "append to the log of events";

/// A checksum of the chain.
pub(crate) type Checksum = [u8; 32];

/// The last event that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: i64,
    pub(crate) checksum: Checksum,
}

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A run, in its ordinary work.
    Run(RunId),
    /// A run, while it cleared up after a crash.
    Recovery(RunId),
    /// A command, by its name.
    Command(String),
}

impl Actor {
    /// What stands in the column `actor`.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Run(run) => format!("run {run}"),
            Self::Recovery(run) => format!("recovery {run}"),
            Self::Command(name) => format!("command {name}"),
        }
    }
}

/// What the log holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The task came into the queue.
    Added {
        /// Not before this instant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// The hash of the definition.
        definition: String,
    },
    /// The task got another definition.
    Redefined {
        /// The hash of the definition.
        definition: String,
        /// That it starts at another time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rescheduled: Option<Rescheduled>,
    },
    /// The task got another priority.
    Reprioritized {
        /// The priority.
        priority: i64,
    },
    /// The task left the queue; what happened to it stays in the log.
    Removed,
    /// A person believes a success that was doubted.
    Accepted {
        /// Why.
        reason: String,
        /// What was doubted; untrusted text.
        doubt: String,
    },
    /// An attempt is to be stopped.
    StopWanted {
        /// Why.
        reason: crate::model::outcome::StopReason,
    },
    /// The state of the task changed.
    #[serde(untagged)]
    Task(TaskEvent),
}

/// Another time for a task that was never claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescheduled {
    /// Not before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

impl Event {
    /// The stable identifier of the kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Added { .. } => "added",
            Self::Redefined { .. } => "redefined",
            Self::Reprioritized { .. } => "reprioritized",
            Self::Removed => "removed",
            Self::Accepted { .. } => "accepted",
            Self::StopWanted { .. } => "stop_wanted",
            Self::Task(event) => event.kind(),
        }
    }
}

/// Where the chain of a queue begins.
pub(crate) fn genesis(queue: QueueId) -> Checksum {
    Sha256::digest(format!("autoexec events of queue {queue}\n")).into()
}

/// A row of the log without its checksum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) id: i64,
    pub(crate) at: i64,
    pub(crate) task: Option<i64>,
    pub(crate) attempt: Option<i64>,
    pub(crate) actor: &'a str,
    pub(crate) event: &'a str,
    pub(crate) details: &'a str,
}

impl Line<'_> {
    /// The checksum of this row after the one with the checksum `before`.
    pub(crate) fn checksum(&self, before: &Checksum) -> Checksum {
        let mut hasher = Sha256::new();
        hasher.update(before);
        for number in [
            self.id,
            self.at,
            self.task.unwrap_or(-1),
            self.attempt.unwrap_or(-1),
        ] {
            hasher.update(number.to_le_bytes());
        }
        // The lengths keep "ab" + "c" apart from "a" + "bc".
        for text in [self.actor, self.event, self.details] {
            hasher.update(column(text.len()).to_le_bytes());
            hasher.update(text);
        }
        hasher.finalize().into()
    }
}

/// Appends an event.
pub(crate) fn append(
    tx: &Transaction<'_>,
    task: TaskId,
    attempt: Option<AttemptId>,
    event: &Event,
    actor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    Appender::new(tx, actor, now)?.append(task, attempt, event)
}

/// Appends many events of one actor at one instant.
pub(crate) struct Appender<'tx, 'store> {
    tx: &'tx Transaction<'store>,
    statement: CachedStatement<'tx>,
    actor: &'tx str,
    now: Timestamp,
}

impl<'tx, 'store> Appender<'tx, 'store> {
    pub(crate) fn new(
        tx: &'tx Transaction<'store>,
        actor: &'tx str,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let statement = tx
            .connection
            .prepare_cached(
                "INSERT INTO execution_logs \
                 (id, at, task_id, attempt_id, actor, event, details, checksum) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .doing(APPENDING)?;
        Ok(Self {
            tx,
            statement,
            actor,
            now,
        })
    }

    pub(crate) fn append(
        &mut self,
        task: TaskId,
        attempt: Option<AttemptId>,
        event: &Event,
    ) -> Result<(), StoreError> {
        let before = head(self.tx)?;
        let details = json_of(event);
        let line = Line {
            id: before.id + 1,
            at: self.now.as_millis(),
            task: Some(task.get()),
            attempt: attempt.map(AttemptId::get),
            actor: self.actor,
            event: event.kind(),
            details: &details,
        };
        let checksum = line.checksum(&before.checksum);
        self.statement
            .execute(params![
                line.id,
                line.at,
                line.task,
                line.attempt,
                line.actor,
                line.event,
                line.details,
                checksum
            ])
            .doing(APPENDING)?;
        self.tx.head.set(Some(Head {
            id: line.id,
            checksum,
        }));
        Ok(())
    }
}

/// The last event, read once per transaction: nobody else can write meanwhile.
fn head(tx: &Transaction<'_>) -> Result<Head, StoreError> {
    if let Some(head) = tx.head.get() {
        return Ok(head);
    }
    let head = tx
        .connection
        .prepare_cached(
            "SELECT id, checksum FROM (SELECT id, checksum FROM execution_logs ORDER BY id DESC LIMIT 1) \
             UNION ALL SELECT log_pruned_to, log_anchor FROM meta LIMIT 1",
        )
        .and_then(|mut statement| {
            statement.query_row([], |row| {
                Ok(Head {
                    id: row.get(0)?,
                    checksum: row.get(1)?,
                })
            })
        })
        .doing("read the end of the log of events")?;
    tx.head.set(Some(head));
    Ok(head)
}

impl Reader {
    /// The number of the last event; 0 when there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_event(&self) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT max(log_pruned_to, coalesce((SELECT max(id) FROM execution_logs), 0)) \
                 FROM meta",
            )
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("read the end of the log of events")
    }

    /// The last event by which an attempt came to an end of its own: it succeeded, failed, or another
    /// one follows it. `None` when there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_end(&self) -> Result<Option<i64>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT id FROM execution_logs \
                 WHERE event IN ('succeeded', 'failed', 'retry_scheduled') \
                 ORDER BY id DESC LIMIT 1",
            )
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
            .doing("read when an attempt ended last")
    }
}
