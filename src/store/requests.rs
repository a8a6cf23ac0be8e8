//! `requests`: what commands want of a run that is active.
//!
//! A command that meets an active run does not change tasks itself; it leaves a row here and wakes
//! the run, whose answer means accepted or refused, not yet done.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use crate::model::ids::TaskId;
use crate::model::message::Force;
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{Cells, json_of};
use crate::support::clock::Timestamp;

/// The number of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(i64);

impl RequestId {
    /// The number, as it stands in the database.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Call tasks off; what runs of them is stopped.
    Cancel {
        /// The tasks.
        tasks: Vec<TaskId>,
        /// How hard a running one is stopped.
        force: Force,
    },
    /// Try tasks again that are failed, skipped, cancelled or held.
    Retry {
        /// The tasks.
        tasks: Vec<TaskId>,
        /// As if they had never run: finished steps and checkpoints are put aside.
        #[serde(default)]
        from_scratch: bool,
    },
    /// Try failed tasks again whose cause is seen to be gone.
    Rescue {
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// Put tasks aside; what runs of them is stopped.
    Hold {
        /// The tasks.
        tasks: Vec<TaskId>,
        /// Why, in the words of whoever asked.
        reason: String,
    },
    /// Let tasks go on that are held.
    Release {
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// Declare tasks done; what runs of them is stopped.
    Complete {
        /// The tasks.
        tasks: Vec<TaskId>,
        /// Why, in the words of whoever asked.
        reason: String,
    },
    /// Give tasks another priority.
    Reprioritize {
        /// The tasks.
        tasks: Vec<TaskId>,
        /// The priority.
        priority: i64,
    },
    /// Take tasks out of the queue.
    Remove {
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// Let services count as back.
    ResetBreakers {
        /// Their names.
        services: Vec<String>,
    },
    /// End the run.
    Stop {
        /// How.
        how: StopHow,
    },
}

/// How a run is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopHow {
    /// After what is running.
    Drain,
    /// What is running is asked to end.
    Gentle,
    /// What is running is killed.
    Now,
}

/// A request that was not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// When it was made.
    pub made_at: Timestamp,
    /// By which command.
    pub made_by: String,
    /// What is wanted.
    pub wish: Wish,
}

/// A task of a wish that was granted without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The task.
    pub task: TaskId,
    /// Why it was not changed, in a sentence.
    pub why: String,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is carried out.
    pub verdict: Verdict,
    /// A sentence for whoever made it.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// Whether a request is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is, or is about to be.
    Accepted,
    /// It is not.
    Refused,
}

/// Leaves a request.
///
/// # Errors
/// When the database cannot be written.
pub fn put(
    tx: &Transaction<'_>,
    wish: &Wish,
    made_by: &str,
    now: Timestamp,
) -> Result<RequestId, StoreError> {
    tx.connection
        .prepare_cached("INSERT INTO requests (made_at, made_by, wish) VALUES (?, ?, ?)")
        .and_then(|mut statement| {
            statement.execute(params![now.as_millis(), made_by, json_of(wish)])
        })
        .doing("leave a request for the run")?;
    Ok(RequestId(tx.connection.last_insert_rowid()))
}

/// The text of an answer that grants a wish without some of its tasks.
pub fn passed_over(tasks: &[PassedOver]) -> String {
    json_of(&tasks)
}

/// Answers a request; one that has an answer keeps it.
///
/// # Errors
/// When the database cannot be written.
pub fn answer(
    tx: &Transaction<'_>,
    request: RequestId,
    verdict: Verdict,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE requests SET answered_at = ?, accepted = ?, answer = ? \
             WHERE id = ? AND answered_at IS NULL",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                now.as_millis(),
                verdict == Verdict::Accepted,
                text,
                request.0
            ])
        })
        .doing("answer a request")
        .map(|_| ())
}

impl Reader {
    /// The requests that wait for an answer, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pending_requests(&self) -> Result<Vec<Request>, StoreError> {
        const DOING: &str = "read the requests";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, made_at, made_by, wish FROM requests \
                 WHERE answered_at IS NULL ORDER BY id",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut requests = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "requests");
            requests.push(Request {
                id: RequestId(cells.take()?),
                made_at: cells.instant()?,
                made_by: cells.take()?,
                wish: cells.json()?,
            });
        }
        Ok(requests)
    }

    /// The reason that was given lately for putting a task aside or declaring it done.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reason_given(&self, task: TaskId) -> Result<Option<String>, StoreError> {
        const DOING: &str = "read the requests";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT wish FROM requests WHERE accepted = 1 ORDER BY id DESC LIMIT 100",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            match Cells::of(row, "requests").json()? {
                Wish::Hold { tasks, reason } | Wish::Complete { tasks, reason }
                    if tasks.contains(&task) =>
                {
                    return Ok(Some(reason));
                }
                Wish::Hold { .. }
                | Wish::Complete { .. }
                | Wish::Cancel { .. }
                | Wish::Retry { .. }
                | Wish::Rescue { .. }
                | Wish::Release { .. }
                | Wish::Reprioritize { .. }
                | Wish::Remove { .. }
                | Wish::ResetBreakers { .. }
                | Wish::Stop { .. } => {}
            }
        }
        Ok(None)
    }

    /// By which command, and when, a run was asked to call a task off or to let it count as done; the
    /// newest of the last requests that were granted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn asked_to_end(&self, task: TaskId) -> Result<Option<(String, Timestamp)>, StoreError> {
        const DOING: &str = "read the requests";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT made_by, made_at FROM (SELECT * FROM requests WHERE accepted = 1 \
                 ORDER BY id DESC LIMIT 1000) WHERE EXISTS (SELECT 1 FROM json_each( \
                  coalesce(wish -> '$.cancel.tasks', wish -> '$.complete.tasks', '[]')) \
                  WHERE value = ?) ORDER BY id DESC LIMIT 1",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(None);
        };
        let mut cells = Cells::of(row, "requests");
        Ok(Some((cells.take()?, cells.instant()?)))
    }

    /// The answer to a request, if there is one by now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answer_of(&self, request: RequestId) -> Result<Option<Answer>, StoreError> {
        const DOING: &str = "read the answer to a request";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT accepted, coalesce(answer, ''), answered_at FROM requests \
                 WHERE id = ? AND answered_at IS NOT NULL",
            )
            .doing(DOING)?;
        let mut rows = statement.query([request.0]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(None);
        };
        let mut cells = Cells::of(row, "requests");
        Ok(Some(Answer {
            verdict: if cells.take()? {
                Verdict::Accepted
            } else {
                Verdict::Refused
            },
            text: cells.take()?,
            at: cells.instant()?,
        }))
    }
}
