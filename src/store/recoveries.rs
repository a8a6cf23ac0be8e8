//! `error_recovery_history`: what was done about failures, and whether it helped; and how the next
//! attempts of a task differ from its definition (`task_records.adjustments`).
//!
//! What is chosen is `policy::recovery`, what is credited `engine::healing`. What was learned is read
//! elsewhere; here is what carrying recoveries out needs.
//!
//! INVARIANT: a failed attempt has at most one recovery that is `pending`, so a wait is found by its
//! attempt. A task that is over, put aside or called off has none that is open.

use rusqlite::params;

use crate::model::category::{Category, Classification};
use crate::model::ids::{AttemptId, RecoveryId, RunId, TaskId};
use crate::model::recovery::{PastRecovery, RecoveryPlan, RecoveryState, Risk};
use crate::model::remedy::{Adjustment, Remedy, RemedyOrder};
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{Cells, from_word, json_of, word_of};
use crate::support::clock::Timestamp;

/// A recovery that is begun, or one that is only told of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewRecovery<'a> {
    /// The attempt that failed.
    pub attempt: AttemptId,
    /// What it failed with.
    pub failure: &'a Classification,
    /// The program that failed; empty where nobody knows.
    pub tool: &'a str,
    /// The fingerprint of the failure.
    pub fingerprint: &'a str,
    /// The strategy's stable name.
    pub strategy: &'a str,
    /// Its risk class.
    pub risk: Risk,
    /// The strategy, whole; none where it was refused before that was worked out.
    pub plan: Option<&'a RecoveryPlan>,
    /// Which variant of the strategy.
    pub variant: Option<&'a str>,
    /// The share of successes that is expected.
    pub expected: Option<f64>,
    /// What was drawn for it.
    pub draw: Option<f64>,
    /// What the draws were made from.
    pub seed: Option<u64>,
    /// What becomes of it at once.
    pub state: RecoveryState,
    /// Why it is not done, or what is done, in a sentence; untrusted text.
    pub detail: Option<&'a str>,
}

/// A recovery of a task, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryRecord {
    /// Its number.
    pub id: RecoveryId,
    /// The task.
    pub task: TaskId,
    /// The attempt that failed.
    pub attempt: AttemptId,
    /// The run in which it failed.
    pub run: RunId,
    /// The pattern of the failure.
    pub pattern: String,
    /// The category of the failure.
    pub category: Category,
    /// The fingerprint of the failure.
    pub fingerprint: String,
    /// The strategy's stable name.
    pub strategy: String,
    /// Its risk class.
    pub risk: Risk,
    /// The strategy, whole; none where it was refused before that was worked out.
    pub plan: Option<RecoveryPlan>,
    /// What became of it.
    pub state: RecoveryState,
    /// The share of successes that was expected.
    pub expected: Option<f64>,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// The attempt that followed.
    pub next_attempt: Option<AttemptId>,
    /// What was seen, done or in the way; untrusted text.
    pub detail: Option<String>,
}

/// How a recovery goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What becomes of it.
    pub state: RecoveryState,
    /// The attempt that followed, once there is one.
    pub next_attempt: Option<AttemptId>,
    /// What was seen, done or in the way, in a sentence; what was known before stays where this is
    /// `None`. Untrusted text.
    pub detail: Option<&'a str>,
}

const COLUMNS: &str = "id, task_id, attempt_id, run_id, error_type, category, fingerprint, \
                       strategy_used, risk, plan, state, expected, started_at, ended_at, next_attempt, detail";

/// Writes down a recovery.
///
/// # Errors
/// When there is no such attempt, or when the database cannot be written.
pub fn begin(
    tx: &Transaction<'_>,
    new: &NewRecovery<'_>,
    now: Timestamp,
) -> Result<RecoveryId, StoreError> {
    let is_over = !matches!(new.state, RecoveryState::Pending | RecoveryState::Applied);
    let tool = Some(new.tool).filter(|tool| !tool.is_empty());
    // The seed is bits, not a quantity: it is kept as the signed number of the same bits.
    let seed = new.seed.map(u64::cast_signed);
    tx.connection
        .prepare_cached(
            "INSERT INTO error_recovery_history (task_id, task_name, attempt_id, run_id, \
             error_type, category, tool, fingerprint, strategy_used, variant, risk, plan, state, \
             expected, draw, seed, started_at, ended_at, detail, undo) \
             SELECT t.id, t.name, a.id, a.run_id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
             ?13, ?14, iif(?15, ?14, NULL), ?16, ?17 \
             FROM attempts a JOIN task_records t ON t.id = a.task_id WHERE a.id = ?1 RETURNING id",
        )
        .and_then(|mut statement| {
            statement.query_row(
                params![
                    new.attempt.get(),
                    new.failure.pattern,
                    new.failure.category.as_str(),
                    tool,
                    new.fingerprint,
                    new.strategy,
                    new.variant,
                    word_of(&new.risk),
                    new.plan.map(json_of),
                    new.state.as_str(),
                    new.expected,
                    new.draw,
                    seed,
                    now.as_millis(),
                    is_over,
                    new.detail,
                    new.plan.and_then(|plan| plan.undo.as_ref()),
                ],
                |row| row.get(0),
            )
        })
        .doing("write down a recovery")
        .map(RecoveryId::new)
}

/// Says how an open recovery went on. One that is over already stays as it is: whoever was first, such
/// as a person who called the task off, is right.
///
/// # Errors
/// When the database cannot be written.
pub fn go_on(
    tx: &Transaction<'_>,
    recovery: RecoveryId,
    progress: Progress<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_over = !matches!(
        progress.state,
        RecoveryState::Pending | RecoveryState::Applied
    );
    tx.connection
        .prepare_cached(
            "UPDATE error_recovery_history SET state = ?2, success = ?3, \
             ended_at = iif(?4, ?5, ended_at), next_attempt = coalesce(?6, next_attempt), \
             detail = coalesce(?7, detail) WHERE id = ?1 AND state IN ('pending', 'applied')",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                recovery.get(),
                progress.state.as_str(),
                progress.state.verdict(),
                is_over,
                now.as_millis(),
                progress.next_attempt.map(AttemptId::get),
                progress.detail,
            ])
        })
        .doing("note how a recovery went on")
        .map(drop)
}

/// Gives up what is open of a task's recoveries: nobody needs them any more.
///
/// # Errors
/// When the database cannot be written.
pub fn abandon(tx: &Transaction<'_>, task: TaskId, now: Timestamp) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE error_recovery_history SET state = 'abandoned', ended_at = ?2 \
             WHERE task_id = ?1 AND state IN ('pending', 'applied')",
        )
        .and_then(|mut statement| statement.execute(params![task.get(), now.as_millis()]))
        .doing("give up the recoveries of a task")
        .map(drop)
}

/// Lets the next attempts of a task differ from its definition, besides what they differ in already.
///
/// # Errors
/// When there is no such task, or when the database cannot be written.
pub fn adjust(
    tx: &Transaction<'_>,
    task: TaskId,
    adjustment: &Adjustment,
) -> Result<(), StoreError> {
    let together = tx.adjustments(task)?.and(adjustment.clone());
    let text = (!together.is_empty()).then(|| json_of(&together));
    tx.connection
        .prepare_cached("UPDATE task_records SET adjustments = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![task.get(), text]))
        .doing("note how the next attempts of a task differ")
        .map(drop)
}

/// Lets the next attempts of a task be as they are defined, and forgets what was done about its
/// failures: it begins anew.
///
/// # Errors
/// When the database cannot be written.
pub fn forget(tx: &Transaction<'_>, task: TaskId) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE task_records SET adjustments = NULL, recoveries_before = coalesce(\
             (SELECT max(id) FROM error_recovery_history WHERE task_id = ?1), recoveries_before) \
             WHERE id = ?1",
        )
        .and_then(|mut statement| statement.execute([task.get()]))
        .doing("let a task begin anew")
        .map(drop)
}

impl Reader {
    /// How the next attempts of a task differ from its definition.
    ///
    /// # Errors
    /// When there is no such task, or its row does not read.
    pub fn adjustments(&self, task: TaskId) -> Result<Adjustment, StoreError> {
        const DOING: &str = "read how the next attempts of a task differ";
        let mut statement = self
            .connection
            .prepare_cached("SELECT adjustments FROM task_records WHERE id = ?")
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        match rows.next().doing(DOING)? {
            Some(row) => Ok(Cells::of(row, "task_records")
                .optional_json()?
                .unwrap_or_default()),
            None => Err(StoreError::NoSuchTask { task }),
        }
    }

    /// All that was done about a task's failures, or only told of, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recoveries_of(&self, task: TaskId) -> Result<Vec<RecoveryRecord>, StoreError> {
        self.read_recoveries("task_id = ? ORDER BY id", task)
    }

    /// What was done about a task's failures since somebody queued it, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn past_recoveries(&self, task: TaskId) -> Result<Vec<RecoveryRecord>, StoreError> {
        self.read_recoveries(
            "task_id = ?1 AND id > (SELECT recoveries_before FROM task_records WHERE id = ?1) \
             ORDER BY id",
            task,
        )
    }

    /// What the supervisor of a task's next attempt is asked for, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pending_orders(&self, task: TaskId) -> Result<Vec<RemedyOrder>, StoreError> {
        let open = self.read_recoveries("task_id = ? AND state = 'pending' ORDER BY id", task)?;
        Ok(open.into_iter().filter_map(RecoveryRecord::order).collect())
    }

    /// What is waited for after a failed attempt, if anything is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting_recovery(
        &self,
        task: TaskId,
        attempt: AttemptId,
    ) -> Result<Option<RecoveryRecord>, StoreError> {
        let open = self.read_recoveries("task_id = ? AND state = 'pending' ORDER BY id", task)?;
        Ok(open.into_iter().rev().find(|recovery| {
            recovery.attempt == attempt && matches!(recovery.remedy(), Some(Remedy::Await(_)))
        }))
    }

    /// The tasks that are being recovered, with the attempts that failed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recovering(&self) -> Result<Vec<(TaskId, AttemptId)>, StoreError> {
        const DOING: &str = "look for tasks that are being recovered";
        // The first two conditions are those of the index of what is being worked on.
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, attempt_id FROM task_records \
                 WHERE status <> 'queued' AND status IN ('running', 'recovering', 'held') \
                 AND status = 'recovering' AND attempt_id IS NOT NULL ORDER BY id",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "task_records");
            found.push((TaskId::new(cells.take()?), AttemptId::new(cells.take()?)));
        }
        Ok(found)
    }

    /// How many recoveries were begun since an instant, of all tasks.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recoveries_since(&self, since: Timestamp) -> Result<u32, StoreError> {
        let count: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM error_recovery_history WHERE started_at >= ? \
                 AND state NOT IN ('suggested', 'refused')",
            )
            .and_then(|mut statement| statement.query_row([since.as_millis()], |row| row.get(0)))
            .doing("count the recoveries of a night")?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn read_recoveries(
        &self,
        condition: &str,
        task: TaskId,
    ) -> Result<Vec<RecoveryRecord>, StoreError> {
        const DOING: &str = "read the recoveries of a task";
        let sql = format!("SELECT {COLUMNS} FROM error_recovery_history WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            found.push(read_record(&mut Cells::of(row, "error_recovery_history"))?);
        }
        Ok(found)
    }
}

fn read_record(cells: &mut Cells<'_, '_>) -> Result<RecoveryRecord, StoreError> {
    Ok(RecoveryRecord {
        id: RecoveryId::new(cells.take()?),
        task: TaskId::new(cells.take()?),
        attempt: AttemptId::new(cells.take()?),
        run: RunId::new(cells.take()?),
        pattern: cells.take()?,
        category: cells.word(Category::parse)?,
        fingerprint: cells.take()?,
        strategy: cells.take()?,
        risk: cells.word(from_word)?,
        plan: cells.optional_json()?,
        state: cells.word(RecoveryState::parse)?,
        expected: cells.take()?,
        started_at: cells.instant()?,
        ended_at: cells.optional_instant()?,
        next_attempt: cells.take::<Option<i64>>()?.map(AttemptId::new),
        detail: cells.take()?,
    })
}

impl RecoveryRecord {
    /// Whether it is neither over nor only told of.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, RecoveryState::Pending | RecoveryState::Applied)
    }

    /// What is done, where that was worked out.
    pub fn remedy(&self) -> Option<&Remedy> {
        self.plan.as_ref().map(|plan| &plan.remedy)
    }

    /// What a supervisor is asked for; none unless it acts.
    pub fn order(self) -> Option<RemedyOrder> {
        let plan = self.plan?;
        match plan.remedy {
            Remedy::Act(action) => Some(RemedyOrder {
                recovery: self.id,
                strategy: self.strategy,
                action,
                timeout: plan.timeout,
            }),
            Remedy::Await(_) | Remedy::Adjust(_) | Remedy::SlowDown { .. } | Remedy::Retry => None,
        }
    }

    /// The recovery, as the choice of the next one looks at it.
    pub fn past(&self) -> PastRecovery {
        PastRecovery {
            id: self.id,
            strategy: self.strategy.clone(),
            plan: self.plan.clone(),
            pattern: self.pattern.clone(),
            fingerprint: self.fingerprint.clone(),
            state: self.state,
            started_at: self.started_at,
            ended_at: self.ended_at,
        }
    }
}

#[cfg(test)]
#[path = "recoveries_tests.rs"]
mod tests;
