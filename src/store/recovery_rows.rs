//! `error_recovery_history`, read: what was done about failures, what is still waited for or to be done,
//! and how the next attempts of a task differ. It is written by [`crate::store::recoveries`].

use crate::model::category::Category;
use crate::model::ids::{AttemptId, RecoveryId, RunId, TaskId};
use crate::model::recovery::{PastRecovery, RecoveryPlan, RecoveryState, Risk};
use crate::model::remedy::{Adjustment, Remedy, RemedyOrder};
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::rows::{Cells, from_word};
use crate::support::clock::Timestamp;

/// A recovery of a task, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryRecord {
    /// Its number.
    pub id: RecoveryId,
    /// The task.
    pub task: TaskId,
    /// The attempt that failed.
    pub attempt: AttemptId,
    /// The run in which it failed.
    pub run: RunId,
    /// The pattern of the failure.
    pub pattern: String,
    /// The category of the failure.
    pub category: Category,
    /// The fingerprint of the failure.
    pub fingerprint: String,
    /// The strategy's stable name.
    pub strategy: String,
    /// Its risk class.
    pub risk: Risk,
    /// The strategy, whole; none where it was refused before that was worked out.
    pub plan: Option<RecoveryPlan>,
    /// What became of it.
    pub state: RecoveryState,
    /// The share of successes that was expected.
    pub expected: Option<f64>,
    /// How many recoveries by the strategy were known by then, up to a thousand; 0 where nothing was
    /// expected.
    pub known: u32,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// The attempt that followed.
    pub next_attempt: Option<AttemptId>,
    /// What was seen, done or in the way; untrusted text.
    pub detail: Option<String>,
}

const COLUMNS: &str = "id, task_id, attempt_id, run_id, error_type, category, fingerprint, \
                       strategy_used, risk, plan, state, expected, \
                       iif(expected IS NULL, 0, (SELECT count(*) FROM (SELECT 1 \
                       FROM error_recovery_history AS e WHERE e.error_type = h.error_type \
                       AND e.strategy_used = h.strategy_used AND e.success IS NOT NULL \
                       AND e.id < h.id LIMIT 1000))), started_at, ended_at, next_attempt, detail";

impl Reader {
    /// How the next attempts of a task differ from its definition.
    ///
    /// # Errors
    /// When there is no such task, or its row does not read.
    pub fn adjustments(&self, task: TaskId) -> Result<Adjustment, StoreError> {
        const DOING: &str = "read how the next attempts of a task differ";
        let mut statement = self
            .connection
            .prepare_cached("SELECT adjustments FROM task_records WHERE id = ?")
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        match rows.next().doing(DOING)? {
            Some(row) => Ok(Cells::of(row, "task_records")
                .optional_json()?
                .unwrap_or_default()),
            None => Err(StoreError::NoSuchTask { task }),
        }
    }

    /// All that was done about a task's failures, or only told of, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recoveries_of(&self, task: TaskId) -> Result<Vec<RecoveryRecord>, StoreError> {
        self.read_recoveries("task_id = ? ORDER BY id", task.get())
    }

    /// A recovery, if there is one of this number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recovery(&self, id: RecoveryId) -> Result<Option<RecoveryRecord>, StoreError> {
        let found = self.read_recoveries("id = ?", id.get())?;
        Ok(found.into_iter().next())
    }

    /// What was done about a task's failures since somebody queued it, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn past_recoveries(&self, task: TaskId) -> Result<Vec<RecoveryRecord>, StoreError> {
        self.read_recoveries(
            "task_id = ?1 AND id > (SELECT recoveries_before FROM task_records WHERE id = ?1) \
             ORDER BY id",
            task.get(),
        )
    }

    /// What the supervisor of a task's next attempt is asked for, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pending_orders(&self, task: TaskId) -> Result<Vec<RemedyOrder>, StoreError> {
        let open =
            self.read_recoveries("task_id = ? AND state = 'pending' ORDER BY id", task.get())?;
        Ok(open.into_iter().filter_map(RecoveryRecord::order).collect())
    }

    /// What is waited for after a failed attempt, if anything is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting_recovery(
        &self,
        task: TaskId,
        attempt: AttemptId,
    ) -> Result<Option<RecoveryRecord>, StoreError> {
        let open =
            self.read_recoveries("task_id = ? AND state = 'pending' ORDER BY id", task.get())?;
        Ok(open.into_iter().rev().find(|recovery| {
            recovery.attempt == attempt && matches!(recovery.remedy(), Some(Remedy::Await(_)))
        }))
    }

    /// The tasks that are being recovered, with the attempts that failed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recovering(&self) -> Result<Vec<(TaskId, AttemptId)>, StoreError> {
        const DOING: &str = "look for tasks that are being recovered";
        // The first two conditions are those of the index of what is being worked on.
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, attempt_id FROM task_records \
                 WHERE status <> 'queued' AND status IN ('running', 'recovering', 'held') \
                 AND status = 'recovering' AND attempt_id IS NOT NULL ORDER BY id",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "task_records");
            found.push((TaskId::new(cells.take()?), AttemptId::new(cells.take()?)));
        }
        Ok(found)
    }

    /// How many recoveries were begun since an instant, of all tasks.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recoveries_since(&self, since: Timestamp) -> Result<u32, StoreError> {
        let count: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM error_recovery_history WHERE started_at >= ? \
                 AND state NOT IN ('suggested', 'refused') AND strategy_used <> 'rescue_round'",
            )
            .and_then(|mut statement| statement.query_row([since.as_millis()], |row| row.get(0)))
            .doing("count the recoveries of a night")?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn read_recoveries(
        &self,
        condition: &str,
        value: i64,
    ) -> Result<Vec<RecoveryRecord>, StoreError> {
        const DOING: &str = "read the recoveries of a task";
        let sql = format!("SELECT {COLUMNS} FROM error_recovery_history AS h WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql).doing(DOING)?;
        let mut rows = statement.query([value]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)? {
            found.push(read_record(&mut Cells::of(row, "error_recovery_history"))?);
        }
        Ok(found)
    }
}

fn read_record(cells: &mut Cells<'_, '_>) -> Result<RecoveryRecord, StoreError> {
    Ok(RecoveryRecord {
        id: RecoveryId::new(cells.take()?),
        task: TaskId::new(cells.take()?),
        attempt: AttemptId::new(cells.take()?),
        run: RunId::new(cells.take()?),
        pattern: cells.take()?,
        category: cells.word(Category::parse)?,
        fingerprint: cells.take()?,
        strategy: cells.take()?,
        risk: cells.word(from_word)?,
        plan: cells.optional_json()?,
        state: cells.word(RecoveryState::parse)?,
        expected: cells.take()?,
        known: cells.number()?,
        started_at: cells.instant()?,
        ended_at: cells.optional_instant()?,
        next_attempt: cells.take::<Option<i64>>()?.map(AttemptId::new),
        detail: cells.take()?,
    })
}

impl RecoveryRecord {
    /// Whether it is neither over nor only told of.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, RecoveryState::Pending | RecoveryState::Applied)
    }

    /// What is done, where that was worked out.
    pub fn remedy(&self) -> Option<&Remedy> {
        self.plan.as_ref().map(|plan| &plan.remedy)
    }

    /// What a supervisor is asked for; none unless it acts.
    pub fn order(self) -> Option<RemedyOrder> {
        let plan = self.plan?;
        match plan.remedy {
            Remedy::Act(action) => Some(RemedyOrder {
                recovery: self.id,
                strategy: self.strategy,
                action,
                timeout: plan.timeout,
            }),
            Remedy::Await(_) | Remedy::Adjust(_) | Remedy::SlowDown { .. } | Remedy::Retry => None,
        }
    }

    /// The recovery, as the choice of the next one looks at it.
    pub fn past(&self) -> PastRecovery {
        PastRecovery {
            id: self.id,
            strategy: self.strategy.clone(),
            plan: self.plan.clone(),
            pattern: self.pattern.clone(),
            fingerprint: self.fingerprint.clone(),
            state: self.state,
            started_at: self.started_at,
            ended_at: self.ended_at,
        }
    }
}
