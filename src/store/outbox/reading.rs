//! Looking into the outbox: what is due, when the next try is, and what a report tells of it.

use rusqlite::Params;

use crate::model::ids::RunId;
use crate::model::notice::Occasion;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::outbox::{DUE, Delivery, Sent, Waiting, too_late};
use crate::store::rows::{Cells, column, from_word};
use crate::support::clock::Timestamp;

const DOING: &str = "read the outbox";

/// What [`read_waiting`] takes.
pub(crate) const COLUMNS: &str =
    "id, message_id, target, target_name, run_id, message, tries, created_at";

impl Reader {
    /// The messages whose time has come, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn messages_due(&self, now: Timestamp, limit: usize) -> Result<Vec<Waiting>, StoreError> {
        let rest = format!("{DUE} ORDER BY id LIMIT ?1");
        self.outbox(&rest, [column(limit), now.as_millis(), too_late(now)])
    }

    /// When the next message is to be tried; `None` when none waits.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_message(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(next_try_at) FROM outbox WHERE state = 'waiting'")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing(DOING)?;
        Ok(next.map(Timestamp::from_millis))
    }

    /// The messages of runs from `first` to `last`, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn messages_of(&self, first: RunId, last: RunId) -> Result<Vec<Sent>, StoreError> {
        self.sent("run_id BETWEEN ?1 AND ?2", [first.get(), last.get()])
    }

    /// The messages that came up since then, and those that still wait, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn messages_since(&self, from: Timestamp) -> Result<Vec<Sent>, StoreError> {
        self.sent("created_at >= ?1 OR state = 'waiting'", [from.as_millis()])
    }

    fn sent(&self, which: &str, parameters: impl Params) -> Result<Vec<Sent>, StoreError> {
        let sql = format!(
            "SELECT message_id, occasion, target_name, state, tries, created_at, ended_at, \
             last_error FROM outbox WHERE {which} ORDER BY id"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement.query(parameters).doing(DOING)?;
        let mut messages = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "outbox");
            messages.push(Sent {
                message_id: cells.take()?,
                occasion: cells.word(Occasion::parse)?,
                target_name: cells.take()?,
                state: cells.word(from_word::<Delivery>)?,
                tries: cells.number()?,
                created_at: cells.instant()?,
                ended_at: cells.optional_instant()?,
                error: cells.take()?,
            });
        }
        Ok(messages)
    }

    pub(crate) fn outbox(
        &self,
        which: &str,
        parameters: impl Params,
    ) -> Result<Vec<Waiting>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE {which}");
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement.query(parameters).doing(DOING)?;
        let mut messages = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            messages.push(read_waiting(&mut Cells::of(row, "outbox"))?);
        }
        Ok(messages)
    }
}

/// Reads [`COLUMNS`].
pub(crate) fn read_waiting(cells: &mut Cells<'_, '_>) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        id: cells.take()?,
        message_id: cells.take()?,
        target: cells.take()?,
        target_name: cells.take()?,
        run: cells.take::<Option<i64>>()?.map(RunId::new),
        notice: cells.json()?,
        tries: cells.number()?,
        created_at: cells.instant()?,
    })
}
