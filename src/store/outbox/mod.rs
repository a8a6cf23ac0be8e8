//! `outbox`: what is to be told to people elsewhere, until it is delivered or given up.
//!
//! A notice is put here in the transaction that makes it true. It is delivered at least once: a try
//! is counted before it is made ([`begin_try`]) and the success is noted after it, so a death in
//! between means one more try with the same `message_id`. Which target it is for is known by a hash
//! and a harmless name: addresses never come here.
//!
//! A flood is kept small: failures and alerts that come while an earlier message of their kind has
//! not been tried yet are added to it, and the next message of the kind waits longer than the last.

mod putting;
mod reading;

use std::time::Duration;

use rusqlite::params;

use crate::model::ids::RunId;
use crate::model::notice::{Notice, Occasion};
use crate::store::connection::Transaction;
use crate::store::error::{Doing, StoreError};
use crate::store::outbox::reading::{COLUMNS, read_waiting};
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;

pub use putting::put;

/// How long after the end of a run somebody may still hear that it began.
const OLD_NEWS: Duration = Duration::from_mins(1);

/// Tries before a message is given up.
pub const MOST_TRIES: u32 = 20;
/// Tries of a message that its receiver does not want.
const MOST_REFUSALS: u32 = 3;
/// Before the second try; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// Between two tries at most.
const LONGEST_WAIT: Duration = Duration::from_mins(30);
/// Between two messages of a kind at most.
const LONGEST_GAP: Duration = Duration::from_hours(2);
/// For what comes together: a task rarely fails alone.
const GATHER: Duration = Duration::from_secs(2);

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its row.
    pub id: i64,
    /// The same in every try.
    pub message_id: String,
    /// The hash of its target.
    pub target: String,
    /// What a person knows the target by.
    pub target_name: String,
    /// The run that it tells of.
    pub run: Option<RunId>,
    /// What it tells.
    pub notice: Notice,
    /// Tries so far, with the one that is being made.
    pub tries: u32,
    /// When it came up.
    pub created_at: Timestamp,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Not delivered yet.
    Waiting,
    /// The target has taken it.
    Delivered,
    /// It was tried for long enough.
    GivenUp,
    /// Nobody wants to hear it any more.
    Expired,
}

/// A message, as a report tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The same in every try.
    pub message_id: String,
    /// What it is about.
    pub occasion: Occasion,
    /// What a person knows the target by.
    pub target_name: String,
    /// What became of it.
    pub state: Delivery,
    /// Tries so far.
    pub tries: u32,
    /// When it came up.
    pub created_at: Timestamp,
    /// When it was delivered, given up or no longer wanted.
    pub ended_at: Option<Timestamp>,
    /// Why the last try failed; holds nothing that the target said.
    pub error: Option<String>,
}

/// Why a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The target cannot be reached, or is in trouble: other messages for it wait, too.
    Target,
    /// The target does not want this message.
    Message,
}

/// What follows from a try that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Another one, not before this instant.
    Again(Timestamp),
    /// Nothing: it was tried for long enough.
    GivenUp,
}

/// Counts a try that is about to be made; `None` if the message is no longer due.
///
/// # Errors
/// When the database cannot be written.
pub fn begin_try(
    tx: &Transaction<'_>,
    id: i64,
    now: Timestamp,
) -> Result<Option<Waiting>, StoreError> {
    const DOING: &str = "count a try to deliver a message";
    let mut statement = tx
        .connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM outbox WHERE id = ?1 AND {DUE}"
        ))
        .doing(DOING)?;
    let mut rows = statement
        .query(params![id, now.as_millis(), too_late(now)])
        .doing(DOING)?;
    let Some(row) = rows.next().doing(DOING)? else {
        return Ok(None);
    };
    let mut message = read_waiting(&mut Cells::of(row, "outbox"))?;
    message.tries = message.tries.saturating_add(1);
    // CRASH: a message whose try nobody saw the end of is due again after this.
    tx.connection
        .prepare_cached("UPDATE outbox SET tries = ?2, next_try_at = ?3 WHERE id = ?1")
        .and_then(|mut statement| {
            let next = now.plus(wait_after(message.tries));
            statement.execute(params![id, message.tries, next.as_millis()])
        })
        .doing(DOING)?;
    Ok(Some(message))
}

/// Notes that the target has taken a message.
///
/// # Errors
/// When the database cannot be written.
pub fn delivered(tx: &Transaction<'_>, id: i64, now: Timestamp) -> Result<(), StoreError> {
    end(tx, id, "delivered", now)
}

/// Notes that a try failed.
///
/// # Errors
/// When the database cannot be written.
pub fn failed(
    tx: &Transaction<'_>,
    message: &Waiting,
    fault: Fault,
    error: &str,
    now: Timestamp,
) -> Result<After, StoreError> {
    const DOING: &str = "note that a message could not be delivered";
    tx.connection
        .prepare_cached("UPDATE outbox SET last_error = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![message.id, error]))
        .doing(DOING)?;
    let most = match fault {
        Fault::Target => MOST_TRIES,
        Fault::Message => MOST_REFUSALS,
    };
    if message.tries >= most {
        end(tx, message.id, "given_up", now)?;
        return Ok(After::GivenUp);
    }
    let next = now.plus(wait_after(message.tries));
    let rest = match fault {
        // What else is for a target that is not there need not find that out by itself.
        Fault::Target => "OR (target = ?3 AND next_try_at < ?2)",
        Fault::Message => "AND target = ?3",
    };
    tx.connection
        .prepare_cached(&format!(
            "UPDATE outbox SET next_try_at = ?2 WHERE state = 'waiting' AND (id = ?1 {rest})"
        ))
        .and_then(|mut statement| {
            statement.execute(params![message.id, next.as_millis(), message.target])
        })
        .doing(DOING)?;
    Ok(After::Again(next))
}

/// Gives up a message that cannot be delivered, and says why.
///
/// # Errors
/// When the database cannot be written.
pub fn abandon(
    tx: &Transaction<'_>,
    id: i64,
    error: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE outbox SET last_error = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![id, error]))
        .doing("note why a message is not delivered")?;
    end(tx, id, "expired", now)
}

fn end(tx: &Transaction<'_>, id: i64, state: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE outbox SET state = ?2, ended_at = ?3, next_try_at = NULL \
             WHERE id = ?1 AND state = 'waiting'",
        )
        .and_then(|mut statement| statement.execute(params![id, state, now.as_millis()]))
        .doing("note what became of a message")
        .map(|_| ())
}

/// Lets go of what nobody wants to hear any more; gives back what was tried and never delivered.
///
/// # Errors
/// When the database cannot be written.
pub fn expire(tx: &Transaction<'_>, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
    let old = tx.outbox("state = 'waiting' AND expires_at < ?1", [now.as_millis()])?;
    for message in &old {
        end(tx, message.id, "expired", now)?;
    }
    Ok(old.into_iter().filter(|old| old.tries > 0).collect())
}

/// What the end of a run means for its messages: that it began is no news any more once that was tried
/// in vain; of a run so short that nobody had the time to try, it still goes out before the end, or
/// never. Whatever was held back to keep a flood small goes out now.
///
/// # Errors
/// When the database cannot be written.
pub fn run_ends(tx: &Transaction<'_>, run: RunId, now: Timestamp) -> Result<(), StoreError> {
    for message in tx.outbox(
        "state = 'waiting' AND run_id = ?1 AND occasion = 'run_started' AND tries > 0",
        [run.get()],
    )? {
        end(tx, message.id, "expired", now)?;
    }
    tx.connection
        .prepare_cached(
            "UPDATE outbox SET expires_at = min(expires_at, ?2) \
             WHERE state = 'waiting' AND run_id = ?1 AND occasion = 'run_started'",
        )
        .and_then(|mut statement| {
            statement.execute(params![run.get(), now.plus(OLD_NEWS).as_millis()])
        })
        .doing("let the messages of a run go")?;
    tx.connection
        .prepare_cached(
            "UPDATE outbox SET next_try_at = ?2 \
             WHERE state = 'waiting' AND run_id = ?1 AND tries = 0 AND next_try_at > ?2",
        )
        .and_then(|mut statement| statement.execute(params![run.get(), now.as_millis()]))
        .doing("let the messages of a run go")
        .map(|_| ())
}

/// Lets go of the reports that wait for a target, because it was just sent a newer one.
///
/// # Errors
/// When the database cannot be written.
pub fn replace_reports(
    tx: &Transaction<'_>,
    target: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE outbox SET state = 'expired', ended_at = ?2, next_try_at = NULL \
             WHERE state = 'waiting' AND target = ?1 AND occasion = 'report'",
        )
        .and_then(|mut statement| statement.execute(params![target, now.as_millis()]))
        .doing("let go of older reports")
        .map(|_| ())
}

/// Makes everything due that waits: somebody asks for it.
///
/// # Errors
/// When the database cannot be written.
pub fn hurry(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE outbox SET next_try_at = ?1 WHERE state = 'waiting' AND next_try_at > ?1",
        )
        .and_then(|mut statement| statement.execute([now.as_millis()]))
        .doing("let the messages go")
        .map(|_| ())
}

/// Due at ?2, or as far ahead of it as only a clock that was set back can bring about (?3).
const DUE: &str = "state = 'waiting' AND (next_try_at <= ?2 OR next_try_at > ?3)";

fn too_late(now: Timestamp) -> i64 {
    now.plus(LONGEST_GAP + GATHER).as_millis()
}

/// How long to wait after so many tries.
fn wait_after(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    LONGEST_WAIT.min(FIRST_WAIT.saturating_mul(1 << doublings))
}

#[cfg(test)]
mod tests;
