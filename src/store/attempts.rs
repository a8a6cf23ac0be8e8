//! `attempts`: one row per start of a task, from the claim to the outcome.
//!
//! Each change of a row goes together with the event of its task in the journal. A row changes only
//! where it still is what it was read as, so a late or doubled word of a supervisor changes nothing.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use crate::model::attempt::AttemptState;
use crate::model::category::Classification;
use crate::model::ids::{AttemptId, BootId, Epoch, ProcessIdentity, RunId, TaskId};
use crate::model::outcome::{Ended, Exit, Outcome, StartFailureKind, StopReason};
use crate::model::state::{TaskEvent, TaskState};
use crate::store::connection::Transaction;
use crate::store::error::{Doing, StoreError};
use crate::store::journal::{self, Counters};
use crate::store::log::{self, Actor, Event};
use crate::store::open_attempts::OpenAttempt;
use crate::store::rows::{column, json_of, millis, word_of};
use crate::support::clock::Timestamp;

/// What is known when an attempt is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimFacts {
    /// The run that claims it.
    pub run: RunId,
    /// The boot of the machine.
    pub boot: BootId,
    /// The epoch of the run.
    pub epoch: Epoch,
    /// The time limit that holds for this attempt.
    pub timeout: Option<Duration>,
}

/// A claim that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedAttempt {
    /// The attempt.
    pub id: AttemptId,
    /// Which start of the task it is, from 1.
    pub number: u32,
}

/// How an attempt is brought to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finish<'a> {
    /// How it ended.
    pub outcome: &'a Outcome,
    /// Our judgement, when it failed.
    pub classification: Option<&'a Classification>,
    /// Whether it counts against the limit.
    pub used: bool,
    /// What follows and why, in words that can be stored; the report shows them.
    pub decision: &'a str,
    /// When the next attempt may start.
    pub next_at: Option<Timestamp>,
}

/// Gives a task the permission to start once.
///
/// # Errors
/// When the task is not waiting for a start, or when the database cannot be written.
pub fn claim(
    tx: &Transaction<'_>,
    task: TaskId,
    facts: &ClaimFacts,
    actor: &Actor,
    now: Timestamp,
) -> Result<ClaimedAttempt, StoreError> {
    const DOING: &str = "claim a task";
    let claimed = tx
        .connection
        .prepare_cached(
            "INSERT INTO attempts (task_id, number, state, run_id, epoch, boot, timeout_ms, \
             claimed_at, definition_hash) \
             SELECT id, attempts + 1, 'claimed', ?2, ?3, ?4, ?5, ?6, definition_hash \
             FROM task_records WHERE id = ?1 AND attempt_id IS NULL RETURNING id, number",
        )
        .and_then(|mut statement| {
            statement
                .query_row(
                    params![
                        task.get(),
                        facts.run.get(),
                        column(facts.epoch.0),
                        facts.boot.to_string(),
                        facts.timeout.map(millis),
                        now.as_millis(),
                    ],
                    |row| {
                        Ok(ClaimedAttempt {
                            id: AttemptId::new(row.get(0)?),
                            number: row.get(1)?,
                        })
                    },
                )
                .optional()
        })
        .doing(DOING)?;
    let Some(claimed) = claimed else {
        tx.state(task)?;
        return Err(StoreError::InUse { task });
    };
    let event = TaskEvent::Claimed {
        attempt: claimed.id,
    };
    let counters = Counters {
        attempts: 1,
        ..Counters::default()
    };
    journal::record_and_count(tx, task, &event, &actor.word(), now, counters)?;
    Ok(claimed)
}

/// Gives back a claim that never started: its row goes away, its id is never used again.
///
/// # Errors
/// When the attempt is not a claim any more, or when the database cannot be written.
pub fn return_claim(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    actor: &Actor,
    now: Timestamp,
) -> Result<TaskState, StoreError> {
    let task = tx
        .connection
        .prepare_cached("DELETE FROM attempts WHERE id = ? AND state = 'claimed' RETURNING task_id")
        .and_then(|mut statement| {
            statement
                .query_row([attempt.get()], |row| row.get(0))
                .optional()
        })
        .doing("give back a claim")?
        .map(TaskId::new)
        .ok_or(StoreError::NotOpen { attempt })?;
    let event = TaskEvent::ClaimReturned { attempt };
    let counters = Counters {
        attempts: -1,
        ..Counters::default()
    };
    journal::record_and_count(tx, task, &event, &actor.word(), now, counters)
}

/// What a supervisor said when an attempt started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartFacts {
    /// The command's process, where it is known.
    pub process: Option<ProcessIdentity>,
    /// The slot.
    pub slot: Option<u32>,
    /// When it started.
    pub at: Timestamp,
}

/// Notes that an attempt runs.
///
/// # Errors
/// When the attempt is not a claim any more, or when the database cannot be written.
pub fn mark_started(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    facts: &StartFacts,
    actor: &Actor,
    now: Timestamp,
) -> Result<TaskState, StoreError> {
    let task = tx
        .connection
        .prepare_cached(
            "UPDATE attempts SET state = 'running', slot = ?2, pid = ?3, pid_start = ?4, \
             started_at = ?5 WHERE id = ?1 AND state = 'claimed' RETURNING task_id",
        )
        .and_then(|mut statement| {
            statement
                .query_row(
                    params![
                        attempt.get(),
                        facts.slot,
                        facts.process.map(|process| process.pid),
                        facts.process.map(|process| column(process.start)),
                        facts.at.as_millis(),
                    ],
                    |row| row.get(0),
                )
                .optional()
        })
        .doing("note that an attempt started")?
        .map(TaskId::new)
        .ok_or(StoreError::NotOpen { attempt })?;
    let event = TaskEvent::Started { attempt };
    let counters = Counters {
        started: Some(facts.at),
        ..Counters::default()
    };
    journal::record_and_count(tx, task, &event, &actor.word(), now, counters)
}

/// Stores how an attempt ended and what follows: outcome, judgement, decision and the task's new
/// state at once. An attempt that is still a claim is first noted as started.
///
/// # Errors
/// When the attempt is not open, when `event` does not follow from the task's state, or when the
/// database cannot be written.
pub fn finish(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    end: &Finish<'_>,
    event: &TaskEvent,
    actor: &Actor,
    now: Timestamp,
) -> Result<TaskState, StoreError> {
    let open: OpenAttempt = tx
        .open_attempt(attempt)?
        .ok_or(StoreError::NotOpen { attempt })?;
    if open.state == AttemptState::Claimed {
        let facts = StartFacts {
            process: None,
            slot: open.slot,
            at: end.outcome.started_at.unwrap_or(now),
        };
        mark_started(tx, attempt, &facts, actor, now)?;
    }
    end_row(tx, attempt, end, now)?;
    // A remedy that failed says nothing of the program: what that failed with before stays its cause.
    let is_of_a_remedy = matches!(&end.outcome.ended,
        Ended::CouldNotStart(failure) if failure.kind == StartFailureKind::RemedyFailed);
    if let Some(classification) = end.classification.filter(|_| !is_of_a_remedy) {
        note_category(tx, open.task, classification)?;
    }
    let counters = Counters {
        used: i64::from(end.used),
        ..Counters::default()
    };
    journal::record_and_count(tx, open.task, event, &actor.word(), now, counters)
}

fn end_row(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    end: &Finish<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const DOING: &str = "store how an attempt ended";
    let outcome = end.outcome;
    let (code, signal) = exit_of(&outcome.ended);
    let judged = end.classification;
    let changed = tx
        .connection
        .prepare_cached(
            "UPDATE attempts SET state = 'ended', started_at = coalesce(?2, started_at), \
             ended_at = ?3, used = ?4, exit_code = ?5, signal = ?6, duration_ms = ?7, \
             max_rss_bytes = ?8, cpu_ms = ?9, category = ?10, pattern = ?11, retryable = ?12, \
             confidence = ?13, line = ?14, extracted = ?15, decision = ?16, next_at = ?17, \
             outcome = ?18, recorded_at = ?19 WHERE id = ?1 AND state = 'running'",
        )
        .doing(DOING)?
        .execute(params![
            attempt.get(),
            outcome.started_at.map(Timestamp::as_millis),
            outcome.ended_at.as_millis(),
            end.used,
            code,
            signal,
            millis(outcome.duration),
            column(outcome.usage.max_rss_bytes),
            millis(outcome.usage.cpu_user + outcome.usage.cpu_system),
            judged.map(|judged| judged.category.as_str()),
            judged.map(|judged| &judged.pattern),
            judged.map(|judged| judged.retryable.as_str()),
            judged.map(|judged| judged.confidence),
            judged.and_then(|judged| judged.line.as_ref()),
            judged.map(|judged| json_of(&judged.extracted)),
            end.decision,
            end.next_at.map(Timestamp::as_millis),
            json_of(outcome),
            now.as_millis(),
        ])
        .doing(DOING)?;
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::NotOpen { attempt })
    }
}

/// Notes what makes the success of an attempt hard to believe; `line` is untrusted text.
///
/// # Errors
/// When the database cannot be written.
pub fn doubt(tx: &Transaction<'_>, attempt: AttemptId, line: &str) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE attempts SET doubt = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![attempt.get(), line]))
        .doing("note a doubt about a success")
        .map(|_| ())
}

/// Notes what follows an attempt that is over, where that was decided anew.
///
/// # Errors
/// When the database cannot be written.
pub fn decide_again(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    decision: &str,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE attempts SET decision = ?2 WHERE id = ?1 AND state = 'ended'")
        .and_then(|mut statement| statement.execute(params![attempt.get(), decision]))
        .doing("note what was decided anew")
        .map(drop)
}

/// Exit code and signal, where the command ended by itself or was stopped.
const fn exit_of(ended: &Ended) -> (Option<i32>, Option<i32>) {
    match ended {
        Ended::ByItself(exit)
        | Ended::TimedOut { exit, .. }
        | Ended::WentSilent { exit, .. }
        | Ended::Stopped { exit, .. } => match exit {
            Exit::Code(code) => (Some(*code), None),
            Exit::Signal { signal, .. } => (None, Some(signal.number())),
        },
        Ended::CouldNotStart(_) | Ended::Lost(_) => (None, None),
    }
}

fn note_category(
    tx: &Transaction<'_>,
    task: TaskId,
    classification: &Classification,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE task_records SET last_category = ? WHERE id = ?")
        .and_then(|mut statement| {
            statement.execute(params![classification.category.as_str(), task.get()])
        })
        .doing("note the category of a failure")
        .map(|_| ())
}

/// Keeps what an attempt said of itself in the end.
///
/// # Errors
/// When the database cannot be written.
pub fn set_result(tx: &Transaction<'_>, attempt: AttemptId, json: &str) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE attempts SET result = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![attempt.get(), json]))
        .doing("keep what an attempt said")
        .map(drop)
}

/// Notes that an attempt is to be stopped, before anybody is told to stop it.
///
/// # Errors
/// When the attempt is not open, or when the database cannot be written.
pub fn set_stop_intent(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    reason: StopReason,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let task = tx
        .connection
        .prepare_cached(
            "UPDATE attempts SET stop_intent = ?2 WHERE id = ?1 AND state <> 'ended' \
             RETURNING task_id",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![attempt.get(), word_of(&reason)], |row| row.get(0))
                .optional()
        })
        .doing("note that an attempt is to be stopped")?
        .map(TaskId::new)
        .ok_or(StoreError::NotOpen { attempt })?;
    let event = Event::StopWanted { reason };
    log::append(tx, task, Some(attempt), &event, &actor.word(), now)
}
