//! `runner_deaths`: how often a runner died while it was busy with an attempt.
//!
//! When that is too often is `policy::poison`.

use rusqlite::params;

use crate::model::ids::AttemptId;
use crate::policy::poison::Deaths;
use crate::store::connection::Transaction;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::Cells;

/// Counts a death and says how many there were.
///
/// A death by the runner's own making (`crashed`) counts for the task; a silent one only as long as
/// the same attempt is the one that every dying runner was busy with.
///
/// # Errors
/// When the database cannot be written.
pub fn count(
    tx: &Transaction<'_>,
    attempt: AttemptId,
    crashed: bool,
) -> Result<Deaths, StoreError> {
    const DOING: &str = "count a death of the runner";
    tx.connection
        .prepare_cached("UPDATE runner_deaths SET silent = 0 WHERE attempt_id <> ?")
        .and_then(|mut statement| statement.execute([attempt.get()]))
        .doing(DOING)?;
    tx.connection
        .prepare_cached(
            "INSERT INTO runner_deaths (attempt_id, task_id, crashes, silent) \
             SELECT id, task_id, ?2, ?3 FROM attempts WHERE id = ?1 \
             ON CONFLICT (attempt_id) DO UPDATE \
             SET crashes = crashes + excluded.crashes, silent = silent + excluded.silent",
        )
        .and_then(|mut statement| statement.execute(params![attempt.get(), crashed, !crashed]))
        .doing(DOING)?;
    let mut statement = tx
        .connection
        .prepare_cached(
            "SELECT coalesce(sum(crashes), 0), \
             coalesce(sum(iif(attempt_id = ?1, silent, 0)), 0) FROM runner_deaths \
             WHERE task_id = (SELECT task_id FROM attempts WHERE id = ?1)",
        )
        .doing(DOING)?;
    let mut rows = statement.query([attempt.get()]).doing(DOING)?;
    let Some(row) = rows.next().doing(DOING)? else {
        return Ok(Deaths {
            crashes: 0,
            silent: 0,
        });
    };
    let mut cells = Cells::of(row, "runner_deaths");
    Ok(Deaths {
        crashes: cells.number()?,
        silent: cells.number()?,
    })
}

/// A run went on past the place at which silent deaths count: they are in a row no longer.
///
/// # Errors
/// When the database cannot be written.
pub fn forget_silent(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE runner_deaths SET silent = 0 WHERE silent > 0")
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .doing("forget silent deaths of the runner")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Queue, queue};

    #[test]
    fn silent_deaths_count_only_in_a_row() {
        let mut queue = queue();
        let task = queue.add(&["one"])[0];
        let run = queue.run();
        let attempt = queue.claim(task, run);
        let die = |queue: &mut Queue| {
            let counted = queue.store.write(|tx| count(tx, attempt, false));
            counted.unwrap().silent
        };
        assert_eq!((die(&mut queue), die(&mut queue)), (1, 2));
        queue.store.write(forget_silent).unwrap();
        assert_eq!(die(&mut queue), 1);
    }

    #[test]
    fn deaths_of_its_own_making_are_not_forgotten() {
        let mut queue = queue();
        let task = queue.add(&["one"])[0];
        let run = queue.run();
        let attempt = queue.claim(task, run);
        for crashes in 1..=2 {
            let counted = queue.store.write(|tx| count(tx, attempt, true)).unwrap();
            assert_eq!(counted.crashes, crashes);
            queue.store.write(forget_silent).unwrap();
        }
    }
}
