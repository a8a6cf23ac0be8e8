//! Recoveries and breakers as a report tells them: read only, in short rows.

use crate::model::ids::{AttemptId, TaskId};
use crate::model::recovery::RecoveryState;
use crate::model::state::TaskEvent;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::log::Event;
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// What was done about a failure.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryBrief {
    /// The task.
    pub task: TaskId,
    /// The attempt that failed.
    pub attempt: AttemptId,
    /// The pattern of the failure.
    pub pattern: String,
    /// The strategy.
    pub strategy: String,
    /// What became of it.
    pub state: RecoveryState,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// What was done or was in the way; untrusted.
    pub detail: Option<String>,
}

/// How often a strategy helped against a pattern, over all nights that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateBrief {
    /// The pattern of the failures.
    pub pattern: String,
    /// The strategy.
    pub strategy: String,
    /// How often it is known whether it helped.
    pub tried: u64,
    /// How often it did.
    pub succeeded: u64,
}

/// A circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerBrief {
    /// The service; untrusted.
    pub name: String,
    /// `closed`, `open` or `half_open`.
    pub state: String,
    /// How often it opened in all.
    pub opened: u64,
    /// When it opened last.
    pub opened_at: Option<Timestamp>,
    /// When the service is tried next.
    pub next_probe_at: Option<Timestamp>,
    /// When anything about it changed last.
    pub changed_at: Timestamp,
    /// The line of the failure that counted last; untrusted.
    pub last_line: Option<String>,
}

impl BreakerBrief {
    /// Whether it is open, or anything about it changed since an instant.
    pub fn is_of_interest(&self, since: Timestamp) -> bool {
        self.state != "closed" || (self.opened > 0 && self.changed_at >= since)
    }
}

impl Reader {
    /// Why a task was given up between or before its attempts, if that was its last end: a stable
    /// identifier, and a sentence.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn given_up(&self, task: TaskId) -> Result<Option<(String, Untrusted)>, StoreError> {
        const DOING: &str = "read why a task was given up";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT details FROM execution_logs WHERE task_id = ? \
                 AND event IN ('given_up', 'failed') ORDER BY id DESC LIMIT 1",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(None);
        };
        let event: Event = Cells::of(row, "execution_logs").json()?;
        let Event::Task(TaskEvent::GivenUp { code, reason }) = event else {
            return Ok(None);
        };
        Ok(Some((code, reason.into())))
    }

    /// When a person queued a task again last; `None` if nobody did.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn requeued_at(&self, task: TaskId) -> Result<Option<Timestamp>, StoreError> {
        const DOING: &str = "read when a task was queued again";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT max(at) FROM execution_logs WHERE task_id = ? AND event = 'requeued'",
            )
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        match rows.next().doing(DOING)? {
            Some(row) => Cells::of(row, "execution_logs").optional_instant(),
            None => Ok(None),
        }
    }

    /// What was done about failures of these tasks, by task and in its order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recovery_briefs(&self, tasks: &[TaskId]) -> Result<Vec<RecoveryBrief>, StoreError> {
        const DOING: &str = "read what was done about failures";
        let mut statement = self
            .connection
            .prepare_cached(
                // The first condition spares a look for each of many tasks where there is nothing.
                "SELECT task_id, attempt_id, error_type, strategy_used, state, started_at, \
                 ended_at, detail FROM json_each(?) CROSS JOIN error_recovery_history \
                 ON task_id = value \
                 WHERE EXISTS (SELECT 1 FROM error_recovery_history) ORDER BY task_id, error_recovery_history.id",
            )
            .doing(DOING)?;
        let wanted = serde_json::to_string(tasks).unwrap_or_default();
        let mut rows = statement.query([wanted]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "error_recovery_history");
            found.push(RecoveryBrief {
                task: TaskId::new(cells.take()?),
                attempt: AttemptId::new(cells.take()?),
                pattern: cells.take()?,
                strategy: cells.take()?,
                state: cells.word(RecoveryState::parse)?,
                started_at: cells.instant()?,
                ended_at: cells.optional_instant()?,
                detail: cells.take()?,
            });
        }
        Ok(found)
    }

    /// How often each strategy helped against each pattern.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recovery_rates(&self) -> Result<Vec<RateBrief>, StoreError> {
        const DOING: &str = "read how often strategies helped";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT error_type, strategy_used, count(*), sum(success) \
                 FROM error_recovery_history WHERE success IS NOT NULL \
                 GROUP BY error_type, strategy_used",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "error_recovery_history");
            found.push(RateBrief {
                pattern: cells.take()?,
                strategy: cells.take()?,
                tried: cells.number()?,
                succeeded: cells.number()?,
            });
        }
        Ok(found)
    }

    /// The circuit breakers, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn breaker_briefs(&self) -> Result<Vec<BreakerBrief>, StoreError> {
        const DOING: &str = "read the circuit breakers";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT name, state, opened, opened_at, next_probe_at, changed_at, last_line \
                 FROM circuit_breakers WHERE kind = 'service' ORDER BY name",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "circuit_breakers");
            found.push(BreakerBrief {
                name: cells.take()?,
                state: cells.take()?,
                opened: cells.number()?,
                opened_at: cells.optional_instant()?,
                next_probe_at: cells.optional_instant()?,
                changed_at: cells.instant()?,
                last_line: cells.take()?,
            });
        }
        Ok(found)
    }
}
