//! A pause: nothing new is started for a while, or until somebody says so.
//!
//! One flag of the whole queue, in `meta`. It is written directly, run or not, and looked at by the run
//! when it is woken; it is no task's state, so the journal does not know it.

use rusqlite::params;

use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;

/// A pause of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Until when; none: until somebody says so.
    pub until: Option<Timestamp>,
}

impl Pause {
    /// Whether nothing is started at this instant. A clock that was set back makes a pause with an
    /// end last twice as long at most.
    pub fn holds(self, now: Timestamp) -> bool {
        self.until
            .is_none_or(|until| now < until && self.since.since(now) <= until.since(self.since))
    }
}

/// Notes that nothing new shall be started; a pause that is there is replaced.
///
/// # Errors
/// When the database cannot be written.
pub fn pause(tx: &Transaction<'_>, pause: Pause) -> Result<(), StoreError> {
    set(tx, Some(pause))
}

/// Ends the pause.
///
/// # Errors
/// When the database cannot be written.
pub fn resume(tx: &Transaction<'_>) -> Result<(), StoreError> {
    set(tx, None)
}

fn set(tx: &Transaction<'_>, pause: Option<Pause>) -> Result<(), StoreError> {
    let since = pause.map(|pause| pause.since.as_millis());
    let until = pause.and_then(|pause| Some(pause.until?.as_millis()));
    tx.connection
        .prepare_cached("UPDATE meta SET paused_at = ?, paused_until = ?")
        .and_then(|mut statement| statement.execute(params![since, until]))
        .doing("note a pause")
        .map(|_| ())
}

impl Reader {
    /// The pause that was noted last, if nobody ended it; it may be over by itself
    /// ([`Pause::holds`]).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pause(&self) -> Result<Option<Pause>, StoreError> {
        const DOING: &str = "look whether the queue is paused";
        let mut statement = self
            .connection
            .prepare_cached("SELECT paused_at, paused_until FROM meta")
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(None);
        };
        let mut cells = Cells::of(row, "meta");
        let (since, until) = (cells.optional_instant()?, cells.optional_instant()?);
        Ok(since.map(|since| Pause { since, until }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{NOW, later, queue};

    #[test]
    fn a_pause_is_kept_replaced_and_ended() {
        let mut queue = queue();
        assert_eq!(queue.store.pause().unwrap(), None);
        for until in [None, Some(later(60))] {
            let wanted = Pause { since: NOW, until };
            queue.store.write(|tx| pause(tx, wanted)).unwrap();
            queue = queue.reopen();
            assert_eq!(queue.store.pause().unwrap(), Some(wanted));
        }
        queue.store.write(resume).unwrap();
        assert_eq!(queue.store.pause().unwrap(), None);
    }

    #[test]
    fn a_pause_with_an_end_is_over_by_itself() {
        let pause = |until| Pause { since: NOW, until };
        assert!(pause(None).holds(later(9_999_999)));
        assert!(pause(Some(later(60))).holds(later(59)));
        assert!(!pause(Some(later(60))).holds(later(60)));
        let earlier = |seconds| NOW.minus(std::time::Duration::from_secs(seconds));
        assert!(pause(Some(later(60))).holds(earlier(60)));
        assert!(!pause(Some(later(60))).holds(earlier(61)));
        assert!(pause(None).holds(earlier(9_999_999)));
    }
}
