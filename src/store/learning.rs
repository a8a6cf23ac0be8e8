//! What is known of strategies: evidence out of `error_recovery_history`, and what people say of them.
//!
//! Here it is read; saying something is [`crate::store::teaching`], what it means is `policy::learning`.

use rusqlite::params;

use crate::policy::learning::{Evidence, Experiment, Figures, Imported, MOST_EVIDENCE, Pin, Side};
use crate::policy::strategy;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::Cells;
use crate::support::clock::Timestamp;

/// What counts of a strategy, as the history has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedRow {
    /// The pattern of the failures.
    pub pattern: String,
    /// The strategy's stable name.
    pub strategy: String,
    /// How often it is known whether it helped.
    pub tried: u32,
    /// How often it did.
    pub helped: u32,
    /// What a person has said.
    pub pin: Option<Pin>,
    /// What other machines know.
    pub imported: Option<Imported>,
}

/// A comparison of two strategies, with what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentRow {
    /// The pattern of the failures.
    pub pattern: String,
    /// Its number and the strategies.
    pub experiment: Experiment,
    /// It ends after so many tasks; none: when somebody ends it.
    pub limit: Option<u32>,
    /// How many tasks took part.
    pub tasks: u32,
    /// How often the first strategy helped, and was tried.
    pub a: (u32, u32),
    /// The same of the second one.
    pub b: (u32, u32),
    /// When it began.
    pub started_at: Timestamp,
    /// When somebody ended it.
    pub ended_at: Option<Timestamp>,
}

impl ExperimentRow {
    /// Whether tasks are still shared out.
    pub fn is_running(&self) -> bool {
        self.ended_at.is_none() && self.limit.is_none_or(|limit| self.tasks < limit)
    }
}

const DOING: &str = "read what was learned of recoveries";
/// What of the history `h` still counts.
const COUNTS: &str = "h.success IS NOT NULL AND NOT EXISTS (SELECT 1 FROM recovery_forgotten f \
                      WHERE f.error_type = h.error_type AND f.strategy_used IN ('', h.strategy_used) \
                      AND h.id <= f.up_to)";

impl Reader {
    /// All that is known of strategies for a pattern, of each the latest recoveries.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn figures(&self, pattern: &str) -> Result<Figures, StoreError> {
        let mut evidence = Vec::new();
        for name in strategy::ALL {
            self.evidence(pattern, name, &mut evidence)?;
        }
        let rows = self.said(Some(pattern))?;
        let imported = rows.iter().filter_map(|row| row.imported.clone()).collect();
        let pins = rows
            .into_iter()
            .filter_map(|row| Some((row.strategy, row.pin?)))
            .collect();
        let experiments = self.experiments(Some(pattern), Past::LeaveOut)?;
        let running = experiments.into_iter().find(ExperimentRow::is_running);
        Ok(Figures {
            evidence,
            imported,
            pins,
            experiment: running.map(|row| row.experiment),
        })
    }

    fn evidence(
        &self,
        pattern: &str,
        strategy: &str,
        into: &mut Vec<Evidence>,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT success, coalesce(ended_at, started_at), tool, category \
                 FROM error_recovery_history WHERE error_type = ?1 AND strategy_used = ?2 \
                 AND success IS NOT NULL AND id > (SELECT coalesce(max(up_to), 0) \
                 FROM recovery_forgotten WHERE error_type = ?1 AND strategy_used IN ('', ?2)) \
                 ORDER BY id DESC LIMIT ?3",
            )
            .doing(DOING)?;
        let mut rows = statement
            .query(params![pattern, strategy, MOST_EVIDENCE])
            .doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "error_recovery_history");
            into.push(Evidence {
                strategy: strategy.to_owned(),
                helped: cells.take()?,
                at: cells.instant()?,
                tool: cells.take()?,
                category: cells.take()?,
            });
        }
        Ok(())
    }

    /// Every strategy of which anything is known or said, by pattern.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn learned_rows(&self, pattern: Option<&str>) -> Result<Vec<LearnedRow>, StoreError> {
        let mut all = self.said(pattern)?;
        let sql = format!(
            "SELECT error_type, strategy_used, count(*), sum(success) FROM error_recovery_history h \
             WHERE (?1 IS NULL OR error_type = ?1) AND {COUNTS} GROUP BY error_type, strategy_used"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement.query([pattern]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "error_recovery_history");
            let (pattern, strategy): (String, String) = (cells.take()?, cells.take()?);
            let one = row_of(&mut all, pattern, strategy);
            (one.tried, one.helped) = (cells.number()?, cells.number()?);
        }
        all.sort_by(|one, other| {
            (&one.pattern, &one.strategy).cmp(&(&other.pattern, &other.strategy))
        });
        Ok(all)
    }

    /// What people and other machines say.
    fn said(&self, pattern: Option<&str>) -> Result<Vec<LearnedRow>, StoreError> {
        let mut all = Vec::new();
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT error_type, strategy_used, place FROM recovery_pins \
                 WHERE ?1 IS NULL OR error_type = ?1",
            )
            .doing(DOING)?;
        let mut rows = statement.query([pattern]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "recovery_pins");
            let (pattern, strategy) = (cells.take()?, cells.take()?);
            row_of(&mut all, pattern, strategy).pin = Some(cells.word(Pin::parse)?);
        }
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT error_type, strategy_used, helped, tried, as_of FROM recovery_imported \
                 WHERE ?1 IS NULL OR error_type = ?1",
            )
            .doing(DOING)?;
        let mut rows = statement.query([pattern]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "recovery_imported");
            let (pattern, strategy): (String, String) = (cells.take()?, cells.take()?);
            let imported = Imported {
                strategy: strategy.clone(),
                helped: cells.number()?,
                tried: cells.number()?,
                as_of: cells.instant()?,
            };
            row_of(&mut all, pattern, strategy).imported = Some(imported);
        }
        Ok(all)
    }

    /// Comparisons of strategies, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn experiments(
        &self,
        pattern: Option<&str>,
        past: Past,
    ) -> Result<Vec<ExperimentRow>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT error_type, id, strategy_a, strategy_b, tasks, started_at, ended_at \
                 FROM recovery_experiments WHERE (?1 IS NULL OR error_type = ?1) \
                 AND (?2 OR ended_at IS NULL) ORDER BY id DESC",
            )
            .doing(DOING)?;
        let mut rows = statement
            .query(params![pattern, past == Past::Too])
            .doing(DOING)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "recovery_experiments");
            let mut one = ExperimentRow {
                pattern: cells.take()?,
                experiment: Experiment {
                    id: cells.take()?,
                    a: cells.take()?,
                    b: cells.take()?,
                },
                limit: cells.optional_number()?,
                tasks: 0,
                a: (0, 0),
                b: (0, 0),
                started_at: cells.instant()?,
                ended_at: cells.optional_instant()?,
            };
            let [a, b] = [Side::A, Side::B].map(|side| one.experiment.variant(side));
            one.a = self.of_variant(&a)?;
            one.b = self.of_variant(&b)?;
            one.tasks = self
                .connection
                .prepare_cached(
                    "SELECT count(DISTINCT task_id) FROM error_recovery_history \
                     WHERE variant IN (?1, ?2)",
                )
                .and_then(|mut statement| statement.query_row([&a, &b], |row| row.get(0)))
                .doing(DOING)?;
            all.push(one);
        }
        Ok(all)
    }

    /// How often a variant helped, and was tried.
    fn of_variant(&self, variant: &str) -> Result<(u32, u32), StoreError> {
        self.connection
            .prepare_cached(
                "SELECT coalesce(sum(success), 0), count(*) FROM error_recovery_history \
                 WHERE variant = ?1 AND success IS NOT NULL",
            )
            .and_then(|mut statement| {
                statement.query_row([variant], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .doing(DOING)
    }

    /// Whether a failure of this pattern was ever met.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_met(&self, pattern: &str) -> Result<bool, StoreError> {
        self.connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM attempts WHERE pattern = ?1) \
                 OR EXISTS (SELECT 1 FROM error_recovery_history WHERE error_type = ?1)",
                [pattern],
                |row| row.get(0),
            )
            .doing(DOING)
    }
}

/// Whether comparisons that were ended are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// They are not.
    LeaveOut,
    /// They are, too.
    Too,
}

fn row_of(all: &mut Vec<LearnedRow>, pattern: String, strategy: String) -> &mut LearnedRow {
    let place = all
        .iter()
        .position(|row| row.pattern == pattern && row.strategy == strategy)
        .unwrap_or(all.len());
    if place == all.len() {
        all.push(LearnedRow {
            pattern,
            strategy,
            tried: 0,
            helped: 0,
            pin: None,
            imported: None,
        });
    }
    #[expect(clippy::indexing_slicing, reason = "it was found or put there")]
    &mut all[place]
}

#[cfg(test)]
#[path = "learning_tests.rs"]
mod tests;
