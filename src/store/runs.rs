//! `runs`: one row per life of the engine.

use rusqlite::{OptionalExtension, params};

use crate::model::ids::{AttemptId, BootId, Epoch, ProcessIdentity, RunId};
use crate::store::connection::{Reader, Transaction};
use crate::store::error::{Doing, StoreError};
use crate::store::open_attempts::process_of;
use crate::store::rows::{Cells, column};
use crate::support::clock::Timestamp;

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// How it was started: `run`, `command`, ….
    pub mode: String,
    /// Its process.
    pub process: ProcessIdentity,
    /// The boot of the machine.
    pub boot: BootId,
    /// Its epoch.
    pub epoch: Epoch,
    /// How many attempts it runs at once.
    pub slots: u32,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// How it was started.
    pub mode: String,
    /// Its process.
    pub process: ProcessIdentity,
    /// The boot of the machine.
    pub boot: BootId,
    /// Its epoch.
    pub epoch: Epoch,
    /// How many attempts it ran at once.
    pub slots: u32,
    /// No attempt of it has a lower id.
    pub first_attempt: AttemptId,
    /// When it began.
    pub started_at: Timestamp,
    /// When its window opened or opens, where it kept to one.
    pub window_start: Option<Timestamp>,
    /// When its window, or what `--until` said, is over.
    pub window_end: Option<Timestamp>,
    /// How it ended; `None` while it runs or when it died.
    pub end: Option<RunEnd>,
}

/// How a command that changed the queue without a run is noted: as a run of this mode.
pub const COMMAND_MODE: &str = "command";

impl Run {
    /// Whether it goes on with the night of an earlier run that died: both kept to the same window.
    pub fn goes_on_with(&self, earlier: &Self) -> bool {
        earlier.end.is_none()
            && earlier.mode == self.mode
            && self.window_start.is_some()
            && earlier.window_start == self.window_start
    }
}

/// Of runs in their order, commands left out, the one at `last` and those that died right before it and
/// whose night it goes on with: nobody else tells of them.
pub fn night(runs: &[Run], last: RunId) -> &[Run] {
    let end = runs.iter().take_while(|run| run.id <= last).count();
    let until = runs.get(..end).unwrap_or_default();
    let Some(own) = until.last().filter(|run| run.id == last) else {
        return &[];
    };
    let earlier = until.iter().rev().skip(1);
    let died = earlier.take_while(|run| own.goes_on_with(run)).count();
    until.get(end - died - 1..).unwrap_or_default()
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// Why: `drained`, `signal`, `storage`, ….
    pub because: String,
    /// What the command returned.
    pub exit_code: i32,
}

/// Notes that a run begins.
///
/// # Errors
/// When the database cannot be written.
pub fn start(tx: &Transaction<'_>, run: &NewRun, now: Timestamp) -> Result<RunId, StoreError> {
    tx.connection
        .prepare_cached(
            "INSERT INTO runs (mode, pid, pid_start, boot, epoch, slots, first_attempt, started_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, \
             1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'attempts'), 0), ?7)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                run.mode,
                run.process.pid,
                column(run.process.start),
                run.boot.to_string(),
                column(run.epoch.0),
                run.slots,
                now.as_millis(),
            ])
        })
        .doing("note that a run begins")?;
    Ok(RunId::new(tx.connection.last_insert_rowid()))
}

/// Notes the hours that a run keeps to.
///
/// # Errors
/// When the database cannot be written.
pub fn set_window(
    tx: &Transaction<'_>,
    run: RunId,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE runs SET window_start = ?2, window_end = ?3 WHERE id = ?1")
        .and_then(|mut statement| {
            statement.execute(params![
                run.get(),
                start.map(Timestamp::as_millis),
                end.map(Timestamp::as_millis)
            ])
        })
        .doing("note the hours of a run")
        .map(|_| ())
}

/// Notes how a run ended.
///
/// # Errors
/// When the database cannot be written.
pub fn end(tx: &Transaction<'_>, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE runs SET ended_at = ?2, ended_because = ?3, exit_code = ?4 WHERE id = ?1",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                run.get(),
                end.at.as_millis(),
                end.because,
                end.exit_code
            ])
        })
        .doing("note that a run ended")
        .map(|_| ())
}

/// Notes what the command of a run returned in the end, where that is known later than the rest.
///
/// # Errors
/// When the database cannot be written.
pub fn set_exit_code(tx: &Transaction<'_>, run: RunId, code: i32) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE runs SET exit_code = ?2 WHERE id = ?1 AND ended_at IS NOT NULL")
        .and_then(|mut statement| statement.execute(params![run.get(), code]))
        .doing("note what a run returned")
        .map(|_| ())
}

/// Notes up to where a person has read the report; see [`Reader::report_read`].
///
/// # Errors
/// When the database cannot be written.
pub fn mark_report_read(tx: &Transaction<'_>, read: ReportRead) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached("UPDATE meta SET report_read_to = ?, report_read_at = ?")
        .and_then(|mut statement| statement.execute(params![read.to, read.at.as_millis()]))
        .doing("note that the report was read")
        .map(|_| ())
}

/// How far a report goes: what it shows is what had happened when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportRead {
    /// The last event that it takes into account.
    pub to: i64,
    /// When it was made.
    pub at: Timestamp,
}

const RUN_COLUMNS: &str = "id, mode, pid, pid_start, boot, epoch, slots, first_attempt, \
                           started_at, window_start, window_end, ended_at, ended_because, \
                           exit_code";

impl Reader {
    /// A run; `None` when there is none with this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn run(&self, run: RunId) -> Result<Option<Run>, StoreError> {
        self.read_runs("WHERE id = ?", [run.get()])
            .map(|runs| runs.into_iter().next())
    }

    /// The latest run of any mode; `None` when there never was one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_run(&self) -> Result<Option<Run>, StoreError> {
        self.read_runs("ORDER BY id DESC LIMIT 1", [])
            .map(|runs| runs.into_iter().next())
    }

    /// The latest `limit` runs, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs(&self, limit: usize) -> Result<Vec<Run>, StoreError> {
        self.read_runs("ORDER BY id DESC LIMIT ?", [column(limit)])
    }

    /// The runs of whose attempts something was noted after this event.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs_after(&self, event: i64) -> Result<Vec<RunId>, StoreError> {
        const DOING: &str = "read which runs worked lately";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT DISTINCT run_id FROM execution_logs AS log \
                 CROSS JOIN attempts ON attempts.id = log.attempt_id \
                 WHERE log.id > ? AND log.event IN ('claimed', 'started', 'succeeded', 'failed')",
            )
            .doing(DOING)?;
        let runs = statement
            .query_map([event], |row| row.get(0).map(RunId::new))
            .doing(DOING)?;
        runs.collect::<Result<_, _>>().doing(DOING)
    }

    fn read_runs<const N: usize>(
        &self,
        rest: &str,
        values: [i64; N],
    ) -> Result<Vec<Run>, StoreError> {
        const DOING: &str = "read the runs";
        let sql = format!("SELECT {RUN_COLUMNS} FROM runs {rest}");
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(values))
            .doing(DOING)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            runs.push(read_run(&mut Cells::of(row, "runs"))?);
        }
        Ok(runs)
    }

    /// Up to where a person has read the report; `None` when none was ever read.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn report_read(&self) -> Result<Option<ReportRead>, StoreError> {
        const DOING: &str = "look up when the report was read";
        self.connection
            .prepare_cached(
                "SELECT report_read_to, report_read_at FROM meta WHERE report_read_at IS NOT NULL",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([], |row| {
                        Ok(ReportRead {
                            to: row.get(0)?,
                            at: Timestamp::from_millis(row.get(1)?),
                        })
                    })
                    .optional()
            })
            .doing(DOING)
    }
}

fn read_run(cells: &mut Cells<'_, '_>) -> Result<Run, StoreError> {
    let id = RunId::new(cells.take()?);
    let mode = cells.take()?;
    let Some(process) = process_of(cells)? else {
        return Err(cells.last("is missing".to_owned()));
    };
    Ok(Run {
        id,
        mode,
        process,
        boot: cells.word(BootId::parse)?,
        epoch: Epoch(cells.number()?),
        slots: cells.number()?,
        first_attempt: AttemptId::new(cells.take()?),
        started_at: cells.instant()?,
        window_start: cells.optional_instant()?,
        window_end: cells.optional_instant()?,
        end: match (
            cells.optional_instant()?,
            cells.take::<Option<String>>()?,
            cells.optional_number()?,
        ) {
            (Some(at), Some(because), Some(exit_code)) => Some(RunEnd {
                at,
                because,
                exit_code,
            }),
            _ => None,
        },
    })
}
