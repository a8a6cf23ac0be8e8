//! `error_patterns`: the built-in patterns as this program knows them, and those of the user.
//!
//! How often a pattern was met is counted by a trigger. Which of several patterns decides is
//! `policy::classify::user`; what may stand in one is checked before it comes here.
//!
//! INVARIANT: whatever changes what counts raises `meta.pattern_changes`, so that a run sees it; and
//! `enabled` of a built-in pattern is the user's: bringing the table up to date never touches it.

use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;

use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::model::pattern::PatternSpec;
use crate::store::connection::Reader;
use crate::store::connection::Transaction;
use crate::store::error::Doing;
use crate::store::error::StoreError;
use crate::store::rows::Cells;
use crate::store::rows::column;
use crate::store::rows::json_of;
use crate::support::clock::Timestamp;

/// Who wrote a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It comes with the program.
    BuiltIn,
    /// `autoexec patterns add` or `import`.
    User,
}

impl Origin {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::User => "user",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::BuiltIn, Self::User]
            .into_iter()
            .find(|origin| origin.as_str() == word)
    }
}

/// A built-in pattern, as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltInRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// The category of such failures.
    pub category: Category,
    /// Whether running again can work.
    pub retryable: Retryable,
    /// Why.
    pub reason: &'a str,
    /// Lines that it judges.
    pub examples: &'a [&'a str],
    /// What is usually tried.
    pub strategies: &'a [&'a str],
    /// The pattern that it is another word for.
    pub stands_for: Option<&'a str>,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPattern {
    /// What it matches and means; of a built-in one only what it means.
    pub spec: PatternSpec,
    /// Who wrote it.
    pub origin: Origin,
    /// Whether it counts.
    pub enabled: bool,
    /// How often it was met.
    pub sightings: Sightings,
}

/// How often a pattern was met, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sightings {
    /// How often.
    pub seen: u64,
    /// When last.
    pub last: Option<Timestamp>,
}

impl Reader {
    /// All rows; those of the user in the order in which they were added.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn patterns(&self) -> Result<Vec<StoredPattern>, StoreError> {
        const DOING: &str = "read the error patterns";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT name, origin, category, retryable, matches, exit_codes, tool, strategies, \
                 enabled, seen, last_seen FROM error_patterns ORDER BY rowid",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut patterns = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            patterns.push(stored(row)?);
        }
        Ok(patterns)
    }

    /// The version of the built-in patterns that the table holds.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn patterns_of(&self) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row("SELECT patterns_of FROM meta", [], |row| row.get(0))
            .doing("read the version of the error patterns")
    }

    /// A number that grows with every change of what counts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pattern_changes(&self) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached("SELECT pattern_changes FROM meta")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("look for changes of the error patterns")
    }

    /// How often a pattern was met that the table does not hold, counted one by one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sightings(&self, name: &str) -> Result<Sightings, StoreError> {
        self.connection
            .prepare_cached("SELECT count(*), max(ended_at) FROM attempts WHERE pattern = ?")
            .and_then(|mut statement| {
                statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .map(|(seen, last): (i64, Option<i64>)| Sightings {
                seen: u64::try_from(seen).unwrap_or_default(),
                last: last.map(Timestamp::from_millis),
            })
            .doing("count the failures of a pattern")
    }
}

/// Writes the built-in patterns of this program, unless the table holds them already.
///
/// A name to which the user gave another meaning keeps it.
///
/// # Errors
/// When the database cannot be written.
pub fn bring_up_to_date(
    tx: &Transaction<'_>,
    version: &str,
    patterns: &[BuiltInRow<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    const DOING: &str = "bring the error patterns up to date";
    let held = tx.patterns_of()?;
    if held.as_deref() == Some(version) {
        return Ok(());
    }
    let names: Vec<&str> = patterns.iter().map(|pattern| pattern.name).collect();
    tx.connection
        .execute(
            "DELETE FROM error_patterns WHERE origin = 'built_in' \
             AND name NOT IN (SELECT value FROM json_each(?))",
            [json_of(&names)],
        )
        .doing(DOING)?;
    for pattern in patterns {
        write_built_in(tx, pattern, now)?;
    }
    if held.is_none() {
        // A queue of an earlier format: its failures were not counted by the trigger.
        tx.connection
            .execute(
                "UPDATE error_patterns SET seen = past.seen, last_seen = past.last FROM \
                 (SELECT pattern, count(*) AS seen, max(ended_at) AS last FROM attempts \
                 WHERE pattern IS NOT NULL GROUP BY pattern) AS past \
                 WHERE past.pattern = coalesce(stands_for, name)",
                [],
            )
            .doing(DOING)?;
    }
    tx.connection
        .execute("UPDATE meta SET patterns_of = ?", [version])
        .doing(DOING)?;
    note_change(tx)
}

/// Writes a built-in pattern whose name the user's pattern no longer takes.
///
/// # Errors
/// When the database cannot be written.
pub fn restore_built_in(
    tx: &Transaction<'_>,
    pattern: &BuiltInRow<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    write_built_in(tx, pattern, now)?;
    let met = tx.sightings(pattern.stands_for.unwrap_or(pattern.name))?;
    tx.connection
        .execute(
            "UPDATE error_patterns SET seen = ?, last_seen = ? WHERE name = ?",
            params![
                column(met.seen),
                met.last.map(Timestamp::as_millis),
                pattern.name
            ],
        )
        .map(|_| ())
        .doing("store a built-in error pattern")
}

/// Writes a built-in pattern; one that is there keeps whether it is enabled and how often it was met.
fn write_built_in(
    tx: &Transaction<'_>,
    pattern: &BuiltInRow<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "INSERT INTO error_patterns (name, origin, category, retryable, strategies, reason, \
             examples, stands_for, changed_at) VALUES (?1, 'built_in', ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (name) DO UPDATE SET category = ?2, retryable = ?3, strategies = ?4, \
             reason = ?5, examples = ?6, stands_for = ?7, changed_at = ?8 WHERE origin = 'built_in'",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                pattern.name,
                pattern.category.as_str(),
                pattern.retryable.as_str(),
                json_of(&pattern.strategies),
                pattern.reason,
                json_of(&pattern.examples),
                pattern.stands_for,
                now.as_millis(),
            ])
        })
        .map(|_| ())
        .doing("store a built-in error pattern")
}

/// Writes a pattern of the user's; another one of its name, built-in or not, is replaced. It counts
/// from now on.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &Transaction<'_>, pattern: &PatternSpec, now: Timestamp) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "INSERT INTO error_patterns (name, origin, category, retryable, matches, exit_codes, \
             tool, strategies, changed_at, seen, last_seen) \
             SELECT ?1, 'user', ?2, ?3, ?4, ?5, ?6, ?7, ?8, count(*), max(ended_at) \
             FROM attempts WHERE pattern = ?1 \
             ON CONFLICT (name) DO UPDATE SET origin = 'user', category = ?2, retryable = ?3, \
             matches = ?4, exit_codes = ?5, tool = ?6, strategies = ?7, changed_at = ?8, \
             enabled = 1, reason = NULL, examples = NULL, stands_for = NULL",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                pattern.name,
                pattern.category.as_str(),
                pattern.retryable.map(Retryable::as_str),
                pattern.matches,
                json_of(&pattern.exit_codes),
                pattern.tool,
                json_of(&pattern.strategies),
                now.as_millis(),
            ])
        })
        .doing("store an error pattern")?;
    note_change(tx)
}

/// Takes out a pattern of the user's; whether there was one.
///
/// # Errors
/// When the database cannot be written.
pub fn remove(tx: &Transaction<'_>, name: &str) -> Result<bool, StoreError> {
    let removed = tx
        .connection
        .execute(
            "DELETE FROM error_patterns WHERE name = ? AND origin = 'user'",
            [name],
        )
        .doing("remove an error pattern")?;
    note_change(tx)?;
    Ok(removed > 0)
}

/// Switches a pattern on or off; whether that changed anything, `None` if there is no such row.
///
/// # Errors
/// When the database cannot be written.
pub fn set_enabled(
    tx: &Transaction<'_>,
    name: &str,
    enabled: bool,
    now: Timestamp,
) -> Result<Option<bool>, StoreError> {
    const DOING: &str = "switch an error pattern on or off";
    let held: Option<bool> = tx
        .connection
        .query_row(
            "SELECT enabled FROM error_patterns WHERE name = ?",
            [name],
            |row| row.get(0),
        )
        .optional()
        .doing(DOING)?;
    if held.is_some_and(|held| held != enabled) {
        tx.connection
            .execute(
                "UPDATE error_patterns SET enabled = ?, changed_at = ? WHERE name = ?",
                params![enabled, now.as_millis(), name],
            )
            .doing(DOING)?;
        note_change(tx)?;
    }
    Ok(held.map(|held| held != enabled))
}

fn note_change(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.connection
        .execute("UPDATE meta SET pattern_changes = pattern_changes + 1", [])
        .map(|_| ())
        .doing("note a change of the error patterns")
}

fn stored(row: &Row<'_>) -> Result<StoredPattern, StoreError> {
    let mut cells = Cells::of(row, "error_patterns");
    let name: String = cells.take()?;
    let origin = cells.word(Origin::parse)?;
    let spec = PatternSpec {
        name,
        category: cells.word(Category::parse)?,
        retryable: cells.optional_word(Retryable::parse)?,
        matches: cells.take()?,
        exit_codes: cells.optional_json()?.unwrap_or_default(),
        tool: cells.take()?,
        strategies: cells.optional_json()?.unwrap_or_default(),
    };
    Ok(StoredPattern {
        spec,
        origin,
        enabled: cells.take()?,
        sightings: Sightings {
            seen: cells.number()?,
            last: cells.optional_instant()?,
        },
    })
}

#[cfg(test)]
#[path = "patterns_tests.rs"]
mod tests;
