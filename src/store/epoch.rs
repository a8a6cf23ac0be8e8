//! The epoch: a number that is new for everyone who takes over the queue.
//!
//! What it fences off is decided in `engine` and `supervisor`; the file that supervisors read is in
//! `process::epoch`.

use crate::model::ids::Epoch;
use crate::store::connection::Reader;
use crate::store::connection::Store;
use crate::store::error::Doing;
use crate::store::error::StoreError;

/// Ids that name files, and more of them than are given out between a copy and its return.
const LEAPS: [(&str, i64); 3] = [
    ("attempts", 10_000_000),
    ("runs", 10_000),
    ("task_records", 1_000_000),
];

impl Reader {
    /// The number of whoever took over the queue last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn epoch(&self) -> Result<Epoch, StoreError> {
        let epoch: i64 = self
            .connection
            .query_row("SELECT epoch FROM meta", [], |row| row.get(0))
            .doing("read the epoch")?;
        as_epoch(epoch)
    }
}

impl Store {
    /// Takes the next epoch; it is committed when this returns.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn raise_epoch(&mut self) -> Result<Epoch, StoreError> {
        self.write(|tx| {
            let epoch: i64 = tx
                .connection
                .query_row(
                    "UPDATE meta SET epoch = epoch + 1 RETURNING epoch",
                    [],
                    |row| row.get(0),
                )
                .doing("raise the epoch")?;
            as_epoch(epoch)
        })
    }

    /// Passes over a later epoch and all ids that may have been given out until then, by a life of this
    /// queue that it does not know because it was put back from a copy.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn leap_over(&mut self, later: Epoch) -> Result<(), StoreError> {
        const DOING: &str = "pass over the ids of a later life of the queue";
        let later = i64::try_from(later.0).unwrap_or(i64::MAX - 1);
        self.write(|tx| {
            tx.connection
                .execute("UPDATE meta SET epoch = max(epoch, ?1)", [later])
                .doing(DOING)?;
            for (table, leap) in LEAPS {
                let known = "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 WHERE NOT EXISTS \
                             (SELECT 1 FROM sqlite_sequence WHERE name = ?1)";
                tx.connection.execute(known, [table]).doing(DOING)?;
                tx.connection
                    .execute(
                        "UPDATE sqlite_sequence SET seq = seq + ?2 WHERE name = ?1",
                        (table, leap),
                    )
                    .doing(DOING)?;
            }
            Ok(())
        })
    }
}

fn as_epoch(epoch: i64) -> Result<Epoch, StoreError> {
    u64::try_from(epoch)
        .map(Epoch)
        .map_err(|_| StoreError::Unreadable {
            table: "meta",
            column: "epoch".to_owned(),
            problem: format!("is out of range: {epoch}"),
        })
}
