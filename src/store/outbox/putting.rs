//! Putting a notice into the box, and keeping a flood of them small.

use std::time::Duration;

use rusqlite::params;
use uuid::Uuid;

use crate::model::ids::RunId;
use crate::model::notice::{Notice, Occasion, Subscriber};
use crate::store::connection::Transaction;
use crate::store::error::{Doing, StoreError};
use crate::store::outbox::{GATHER, LONGEST_GAP};
use crate::store::rows::{Cells, json_of};
use crate::support::clock::Timestamp;

/// After the nth message of a kind in a run, the next one waits so long; the last holds for all others.
const GAPS: [Duration; 6] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::from_hours(1),
    LONGEST_GAP,
];

/// Puts a notice into the box, for everybody who wants to hear of it; how many messages are new.
///
/// # Errors
/// When the database cannot be written.
pub fn put(
    tx: &Transaction<'_>,
    subscribers: &[Subscriber],
    run: Option<RunId>,
    notice: &Notice,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let occasion = notice.occasion();
    let message_id = Uuid::new_v4().to_string();
    let mut new = 0;
    for subscriber in subscribers {
        if !subscriber.occasions.contains(&occasion) || absorbed(tx, subscriber, run, notice)? {
            continue;
        }
        let next = first_try(tx, subscriber, run, occasion, now)?;
        tx.connection
            .prepare_cached(
                "INSERT INTO outbox (message_id, target, target_name, occasion, run_id, message, \
                 state, created_at, next_try_at, expires_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7, ?8, ?9) \
                 ON CONFLICT (message_id, target) DO NOTHING",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    message_id,
                    subscriber.target,
                    subscriber.name,
                    occasion.as_str(),
                    run.map(RunId::get),
                    json_of(notice),
                    now.as_millis(),
                    next.as_millis(),
                    now.plus(occasion.keeps()).as_millis(),
                ])
            })
            .doing("put a message into the outbox")?;
        new += 1;
    }
    Ok(new)
}

/// Whether a message that was not tried yet could take the notice up.
fn absorbed(
    tx: &Transaction<'_>,
    subscriber: &Subscriber,
    run: Option<RunId>,
    notice: &Notice,
) -> Result<bool, StoreError> {
    const DOING: &str = "add to a message of the outbox";
    let mut statement = tx
        .connection
        .prepare_cached(
            "SELECT id, message FROM outbox WHERE run_id IS ?1 AND target = ?2 AND occasion = ?3 \
             AND state = 'waiting' AND tries = 0 ORDER BY id DESC LIMIT 1",
        )
        .doing(DOING)?;
    let key = params![
        run.map(RunId::get),
        subscriber.target,
        notice.occasion().as_str()
    ];
    let mut rows = statement.query(key).doing(DOING)?;
    let Some(row) = rows.next().doing(DOING)? else {
        return Ok(false);
    };
    let mut cells = Cells::of(row, "outbox");
    let id: i64 = cells.take()?;
    let mut earlier: Notice = cells.json()?;
    if earlier.absorb(notice.clone()).is_err() {
        return Ok(false);
    }
    tx.connection
        .prepare_cached("UPDATE outbox SET message = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![id, json_of(&earlier)]))
        .doing(DOING)?;
    Ok(true)
}

/// When a new message is tried first.
fn first_try(
    tx: &Transaction<'_>,
    subscriber: &Subscriber,
    run: Option<RunId>,
    occasion: Occasion,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    if !matches!(occasion, Occasion::TaskFailed | Occasion::Critical) {
        return Ok(now);
    }
    let (number, last): (usize, Option<i64>) = tx
        .connection
        .prepare_cached(
            "SELECT count(*), max(coalesce(ended_at, created_at)) FROM outbox \
             WHERE run_id IS ?1 AND target = ?2 AND occasion = ?3 AND created_at >= ?4",
        )
        .and_then(|mut statement| {
            let since = now.minus(occasion.keeps()).as_millis();
            let key = params![
                run.map(RunId::get),
                subscriber.target,
                occasion.as_str(),
                since
            ];
            statement.query_row(key, |row| {
                Ok((column_count(row.get::<_, i64>(0)?), row.get(1)?))
            })
        })
        .doing("look how much was told already")?;
    let soon = now.plus(GATHER);
    let gap = number.checked_sub(1).map_or(Duration::ZERO, |before| {
        GAPS.get(before).copied().unwrap_or(LONGEST_GAP)
    });
    let quiet_until = last.map_or(soon, |last| Timestamp::from_millis(last).plus(gap));
    // A clock that was set back must not make anybody wait for longer than the gap.
    Ok(soon.max(quiet_until.min(now.plus(gap))))
}

fn column_count(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
