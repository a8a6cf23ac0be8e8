//! `circuit_breakers` and `breaker_events`: how services stand, over runs and restarts.
//!
//! What follows from a failure or a success is `policy::breaker`; a breaker is read, changed and written
//! back inside the transaction of a beat. A breaker that nobody has heard of yet is closed and has no row.

use rusqlite::params;

use crate::model::category::Category;
use crate::model::ids::{AttemptId, TaskId};
use crate::policy::breaker::{Breaker, BreakerState, LastFailure, Lease};
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{Cells, json_of};
use crate::support::clock::Timestamp;

/// What a breaker is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A service that tasks declare.
    Service,
    /// A failure that tasks without a declared service have in common.
    Cause,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Cause => "cause",
        }
    }
}

/// A breaker with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBreaker {
    /// The service, or the fingerprint of the cause.
    pub name: String,
    /// The breaker.
    pub breaker: Breaker,
    /// When it changed last.
    pub changed_at: Timestamp,
}

/// Something that became of the breaker of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerEvent {
    /// The service.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// What it was from then on: `closed`, `open` or `half_open`.
    pub state: String,
    /// Why, in a few words.
    pub because: String,
}

const COLUMNS: &str = "name, state, opened_at, next_probe_at, lease_attempt, failures, in_a_row, opened, \
                       failed_probes, passed, most_at_once, steady, last_category, last_pattern, \
                       last_line, changed_at";

/// Writes a breaker.
///
/// # Errors
/// When the database cannot be written.
pub fn save(
    tx: &Transaction<'_>,
    kind: Kind,
    name: &str,
    breaker: &Breaker,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (opened_at, next_probe_at, lease) = match breaker.state {
        BreakerState::Closed => (None, None, None),
        BreakerState::Open { since, probe_at } => (Some(since), Some(probe_at), None),
        BreakerState::HalfOpen { since, lease } => {
            let attempt = lease.and_then(|lease| lease.attempt);
            (Some(since), lease.map(|lease| lease.until), attempt)
        }
    };
    let last = breaker.last.as_ref();
    tx.connection
        .prepare_cached(
            "INSERT INTO circuit_breakers (kind, name, state, opened_at, next_probe_at, \
             lease_attempt, failures, in_a_row, opened, failed_probes, passed, most_at_once, steady, \
             last_category, last_pattern, last_line, changed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
             ON CONFLICT DO UPDATE SET state = ?3, opened_at = ?4, next_probe_at = ?5, \
             lease_attempt = ?6, failures = ?7, in_a_row = ?8, opened = ?9, failed_probes = ?10, \
             passed = ?11, most_at_once = ?12, steady = ?13, last_category = ?14, \
             last_pattern = ?15, last_line = ?16, changed_at = ?17",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                kind.as_str(),
                name,
                breaker.state.as_str(),
                opened_at.map(Timestamp::as_millis),
                next_probe_at.map(Timestamp::as_millis),
                lease.map(AttemptId::get),
                json_of(&breaker.failures),
                breaker.in_a_row,
                breaker.opened,
                breaker.failed_probes,
                breaker.passed,
                breaker.most_at_once,
                breaker.steady,
                last.map(|last| last.category.as_str()),
                last.map(|last| &last.pattern),
                last.and_then(|last| last.line.as_ref()),
                now.as_millis(),
            ])
        })
        .doing("write a circuit breaker")
        .map(drop)
}

/// Notes what became of the breaker of a service.
///
/// # Errors
/// When the database cannot be written.
pub fn note(
    tx: &Transaction<'_>,
    name: &str,
    state: &BreakerState,
    because: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("INSERT INTO breaker_events (name, at, state, because) VALUES (?, ?, ?, ?)")
        .and_then(|mut statement| {
            statement.execute(params![name, now.as_millis(), state.as_str(), because])
        })
        .doing("note what became of a circuit breaker")
        .map(drop)
}

/// Forgets causes that nobody fails of any more, and what became of breakers before then.
///
/// # Errors
/// When the database cannot be written.
pub fn forget(tx: &Transaction<'_>, before: Timestamp) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("DELETE FROM circuit_breakers WHERE kind = 'cause' AND changed_at < ?")
        .and_then(|mut statement| statement.execute([before.as_millis()]))
        .doing("forget what failures had in common")?;
    tx.connection
        .prepare_cached("DELETE FROM breaker_events WHERE at < ?")
        .and_then(|mut statement| statement.execute([before.as_millis()]))
        .doing("forget what became of circuit breakers")
        .map(drop)
}

/// Notes what a task failed of last, or that it succeeded.
///
/// # Errors
/// When the database cannot be written.
pub fn set_last_cause(
    tx: &Transaction<'_>,
    task: TaskId,
    cause: Option<&str>,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE task_records SET last_cause = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![task.get(), cause]))
        .doing("note what a task failed of")
        .map(drop)
}

fn read_kept(cells: &mut Cells<'_, '_>) -> Result<KeptBreaker, StoreError> {
    let name = cells.take()?;
    let word: String = cells.take()?;
    let since = cells.optional_instant()?;
    let next = cells.optional_instant()?;
    let attempt = cells.take::<Option<i64>>()?.map(AttemptId::new);
    let state = match (word.as_str(), since, next) {
        ("open", Some(since), Some(probe_at)) => BreakerState::Open { since, probe_at },
        ("half_open", Some(since), until) => BreakerState::HalfOpen {
            since,
            lease: until.map(|until| Lease { attempt, until }),
        },
        // The table allows nothing else.
        _ => BreakerState::Closed,
    };
    let failures = cells.json()?;
    let in_a_row = cells.number()?;
    let opened = cells.number()?;
    let failed_probes = cells.number()?;
    let passed = cells.number()?;
    let most_at_once = cells.optional_number()?;
    let steady = cells.number()?;
    let category = cells.optional_word(Category::parse)?;
    let pattern: Option<String> = cells.take()?;
    let line = cells.take()?;
    let last = category
        .zip(pattern)
        .map(|(category, pattern)| LastFailure {
            category,
            pattern,
            line,
        });
    Ok(KeptBreaker {
        name,
        breaker: Breaker {
            state,
            failures,
            in_a_row,
            opened,
            failed_probes,
            passed,
            most_at_once,
            steady,
            last,
        },
        changed_at: cells.instant()?,
    })
}

impl Reader {
    /// A breaker; closed where nobody has heard of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn breaker(&self, kind: Kind, name: &str) -> Result<Breaker, StoreError> {
        let found = self.kept_breakers("kind = ?1 AND name = ?2", [kind.as_str(), name])?;
        Ok(found
            .into_iter()
            .next()
            .map(|kept| kept.breaker)
            .unwrap_or_default())
    }

    /// All breakers of a kind, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn breakers(&self, kind: Kind) -> Result<Vec<KeptBreaker>, StoreError> {
        self.kept_breakers("kind = ?1 ORDER BY name", [kind.as_str()])
    }

    /// Those of a kind that keep tasks back.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn strict_breakers(&self, kind: Kind) -> Result<Vec<KeptBreaker>, StoreError> {
        self.kept_breakers(
            "kind = ?1 AND (state <> 'closed' OR most_at_once IS NOT NULL) ORDER BY name",
            [kind.as_str()],
        )
    }

    /// Whether there are any such, of either kind.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_strict_breakers(&self) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM circuit_breakers \
                 WHERE state <> 'closed' OR most_at_once IS NOT NULL)",
            )
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("read the circuit breakers")
    }

    /// Those of a kind whose probe is lent to an attempt.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn breakers_lent_to(
        &self,
        kind: Kind,
        attempt: AttemptId,
    ) -> Result<Vec<KeptBreaker>, StoreError> {
        self.kept_breakers(
            "kind = ?1 AND lease_attempt = ?2",
            params![kind.as_str(), attempt.get()],
        )
    }

    fn kept_breakers(
        &self,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<KeptBreaker>, StoreError> {
        const DOING: &str = "read the circuit breakers";
        let sql = format!("SELECT {COLUMNS} FROM circuit_breakers WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement.query(values).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            found.push(read_kept(&mut Cells::of(row, "circuit_breakers"))?);
        }
        Ok(found)
    }

    /// What became of breakers in a span of time, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn breaker_events(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<BreakerEvent>, StoreError> {
        const DOING: &str = "read what became of circuit breakers";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT name, at, state, because FROM breaker_events \
                 WHERE at BETWEEN ?1 AND ?2 ORDER BY id",
            )
            .doing(DOING)?;
        let mut rows = statement
            .query([from.as_millis(), to.as_millis()])
            .doing(DOING)?;
        let mut events = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "breaker_events");
            events.push(BreakerEvent {
                name: cells.take()?,
                at: cells.instant()?,
                state: cells.take()?,
                because: cells.take()?,
            });
        }
        Ok(events)
    }

    /// What a task failed of last, if it did and has no service.
    ///
    /// # Errors
    /// When there is no such task, or the database cannot be read.
    pub fn last_cause(&self, task: TaskId) -> Result<Option<String>, StoreError> {
        self.connection
            .prepare_cached("SELECT last_cause FROM task_records WHERE id = ?")
            .and_then(|mut statement| statement.query_row([task.get()], |row| row.get(0)))
            .doing("look up what a task failed of")
    }

    /// Services that unfinished tasks declare, in order, with how many tasks do.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn declared_services(&self) -> Result<Vec<(String, u32)>, StoreError> {
        const DOING: &str = "look which services tasks declare";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT value, count(*) FROM task_records, json_each(spec, '$.service') \
                 WHERE finished_at IS NULL GROUP BY value ORDER BY value",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .doing(DOING)?;
        rows.collect::<Result<_, _>>().doing(DOING)
    }
}

#[cfg(test)]
#[path = "breakers_tests.rs"]
mod tests;
