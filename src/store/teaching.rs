//! What people and other machines say of strategies: pins, forgetting, figures, comparisons.
//!
//! Reading it is [`crate::store::learning`]. Forgetting deletes no evidence: a mark says from where on it
//! counts, so that the history still tells what was done.

use rusqlite::{OptionalExtension, params};

use crate::policy::learning::{Imported, Pin};
use crate::store::connection::Transaction;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::column;
use crate::support::clock::Timestamp;

/// Says that a strategy comes first or never.
///
/// # Errors
/// When the database cannot be written.
pub fn pin(
    tx: &Transaction<'_>,
    pattern: &str,
    strategy: &str,
    place: Pin,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.connection
        .execute(
            "INSERT INTO recovery_pins (error_type, strategy_used, place, at) \
             VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (error_type, strategy_used) DO UPDATE SET place = ?3, at = ?4",
            params![pattern, strategy, place.as_str(), now.as_millis()],
        )
        .doing("pin a strategy")
        .map(drop)
}

/// Takes back what was said of one strategy, or of all; how many that were.
///
/// # Errors
/// When the database cannot be written.
pub fn unpin(
    tx: &Transaction<'_>,
    pattern: &str,
    strategy: Option<&str>,
) -> Result<usize, StoreError> {
    tx.connection
        .execute(
            "DELETE FROM recovery_pins WHERE error_type = ?1 \
             AND (?2 IS NULL OR strategy_used = ?2)",
            params![pattern, strategy],
        )
        .doing("unpin a strategy")
}

/// Lets what is known so far of one strategy, or of all, count no longer.
///
/// # Errors
/// When the database cannot be written.
pub fn forget(
    tx: &Transaction<'_>,
    pattern: &str,
    strategy: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const DOING: &str = "forget what was learned";
    tx.connection
        .execute(
            "INSERT INTO recovery_forgotten (error_type, strategy_used, up_to, at) \
             SELECT ?1, coalesce(?2, ''), coalesce(max(id), 0), ?3 FROM error_recovery_history \
             WHERE true ON CONFLICT (error_type, strategy_used) \
             DO UPDATE SET up_to = excluded.up_to, at = excluded.at",
            params![pattern, strategy, now.as_millis()],
        )
        .doing(DOING)?;
    tx.connection
        .execute(
            "DELETE FROM recovery_imported WHERE error_type = ?1 \
             AND (?2 IS NULL OR strategy_used = ?2)",
            params![pattern, strategy],
        )
        .doing(DOING)
        .map(drop)
}

/// Keeps what another machine has learned, in place of what it said before.
///
/// # Errors
/// When the database cannot be written.
pub fn import(tx: &Transaction<'_>, pattern: &str, figures: &Imported) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "INSERT INTO recovery_imported (error_type, strategy_used, helped, tried, as_of) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (error_type, strategy_used) \
             DO UPDATE SET helped = ?3, tried = ?4, as_of = ?5",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                pattern,
                figures.strategy,
                figures.helped,
                figures.tried,
                figures.as_of.as_millis()
            ])
        })
        .doing("import what was learned")
        .map(drop)
}

/// Begins a comparison; one of the same pattern that goes on is ended.
///
/// # Errors
/// When the database cannot be written.
pub fn compare(
    tx: &Transaction<'_>,
    pattern: &str,
    [a, b]: [&str; 2],
    tasks: Option<u32>,
    now: Timestamp,
) -> Result<(), StoreError> {
    end_comparison(tx, pattern, now)?;
    tx.connection
        .execute(
            "INSERT INTO recovery_experiments (error_type, strategy_a, strategy_b, tasks, started_at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![pattern, a, b, tasks.map(column), now.as_millis()],
        )
        .doing("begin a comparison of strategies")
        .map(drop)
}

/// Ends the comparison of a pattern; whether one went on.
///
/// # Errors
/// When the database cannot be written.
pub fn end_comparison(
    tx: &Transaction<'_>,
    pattern: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.connection
        .query_row(
            "UPDATE recovery_experiments SET ended_at = ?2 \
             WHERE error_type = ?1 AND ended_at IS NULL RETURNING id",
            params![pattern, now.as_millis()],
            |row| row.get::<_, i64>(0),
        )
        .optional()
        .doing("end a comparison of strategies")
        .map(|ended| ended.is_some())
}
