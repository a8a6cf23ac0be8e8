//! `error_recovery_history`: what was done about failures, and whether it helped; and how the next
//! attempts of a task differ from its definition (`task_records.adjustments`).
//!
//! What is chosen is `policy::recovery`, what is credited `engine::healing`. What was learned is read
//! elsewhere; here is what carrying recoveries out needs.
//!
//! INVARIANT: a failed attempt has at most one recovery that is `pending`, so a wait is found by its
//! attempt. A task that is over, put aside or called off has none that is open.

use rusqlite::params;

use crate::model::category::Classification;
use crate::model::ids::{AttemptId, RecoveryId, TaskId};
use crate::model::recovery::{RecoveryPlan, RecoveryState, Risk};
use crate::model::remedy::Adjustment;
use crate::store::connection::Transaction;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{json_of, word_of};
use crate::support::clock::Timestamp;

pub use crate::store::recovery_rows::RecoveryRecord;

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

/// Keeps a recovery of something that is no task of this queue, such as a call of Rust code, after it
/// has ended. It is evidence like any other.
///
/// # Errors
/// When the database cannot be written.
pub fn learn_elsewhere(
    tx: &Transaction<'_>,
    name: &str,
    of: &NewRecovery<'_>,
    (began, ended): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let id = tx
        .connection
        .prepare_cached(
            "INSERT INTO error_recovery_history (task_id, task_name, attempt_id, run_id, \
             error_type, category, fingerprint, strategy_used, variant, risk, plan, state, \
             expected, draw, started_at, detail) \
             VALUES (0, ?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'applied', ?10, ?11, ?12, ?13) \
             RETURNING id",
        )
        .and_then(|mut statement| {
            statement.query_row(
                params![
                    name,
                    of.attempt.get(),
                    of.failure.pattern,
                    of.failure.category.as_str(),
                    of.fingerprint,
                    of.strategy,
                    of.variant,
                    word_of(&of.risk),
                    of.plan.map(json_of),
                    of.expected,
                    of.draw,
                    began.as_millis(),
                    of.detail,
                ],
                |row| row.get(0),
            )
        })
        .doing("keep what was learned elsewhere")
        .map(RecoveryId::new)?;
    let progress = Progress {
        state: of.state,
        next_attempt: None,
        detail: None,
    };
    // In a second step, because the counters of patterns follow from the end of a recovery.
    go_on(tx, id, progress, ended)
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
            "UPDATE task_records SET adjustments = NULL, rescue_round = 0, rescued_at = NULL, \
             recoveries_before = coalesce(\
             (SELECT max(id) FROM error_recovery_history WHERE task_id = ?1), recoveries_before) \
             WHERE id = ?1",
        )
        .and_then(|mut statement| statement.execute([task.get()]))
        .doing("let a task begin anew")
        .map(drop)
}

#[cfg(test)]
#[path = "recoveries_tests.rs"]
mod tests;
