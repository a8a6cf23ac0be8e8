//! Whether the queue is sound: what SQLite says, and what must be true of tasks, attempts and events.
//!
//! The log of events is the measure: its chain of checksums is followed from the first event to the
//! last, and replaying it must give every task exactly as it is stored. Nothing is repaired here.

use std::collections::BTreeMap;

use rusqlite::Row;

use crate::model::ids::TaskId;
use crate::model::spec::TaskSpec;
use crate::store::connection::Reader;
use crate::store::error::{Doing, StoreError};
use crate::store::journal::{self, STATE_COLUMNS};
use crate::store::log::{Checksum, Event, Line};
use crate::store::replay::{Replay, Replayed};
use crate::store::rows::Cells;
use crate::support::untrusted::Untrusted;

/// More problems than these are only counted.
const NAMED: usize = 50;

const DOING: &str = "check the queue";

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Soundness {
    /// A sentence for each problem, at most fifty.
    pub problems: Vec<String>,
    /// How many problems there are.
    pub problem_count: usize,
    /// Tasks that were looked at.
    pub tasks: usize,
    /// Attempts that were looked at.
    pub attempts: usize,
    /// Events that were looked at.
    pub events: usize,
}

impl Soundness {
    /// Whether nothing is wrong.
    pub const fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn note(&mut self, problem: &str) {
        self.problem_count += 1;
        if self.problems.len() < NAMED {
            self.problems.push(Untrusted::from(problem).for_terminal());
        }
    }
}

impl Reader {
    /// Looks at everything, as of one instant. Takes a while on a large queue.
    ///
    /// # Errors
    /// When the database cannot be read; what is read and wrong is in the result.
    pub fn check(&self) -> Result<Soundness, StoreError> {
        let mut found = Soundness::default();
        self.read(|reader| {
            reader.check_pages(&mut found)?;
            let replay = reader.replay(&mut found)?;
            reader.check_tasks(replay.tasks, &mut found)?;
            reader.check_attempts(&mut found)
        })?;
        Ok(found)
    }

    /// What SQLite itself finds.
    fn check_pages(&self, found: &mut Soundness) -> Result<(), StoreError> {
        self.each("PRAGMA integrity_check(50)", |row| {
            let verdict: String = row.get(0).doing(DOING)?;
            if verdict != "ok" {
                found.note(&format!("the database is damaged: {verdict}"));
            }
            Ok(())
        })?;
        self.each("PRAGMA foreign_key_check", |row| {
            let table: String = row.get(0).doing(DOING)?;
            found.note(&format!(
                "a row of `{table}` refers to a row that is not there"
            ));
            Ok(())
        })
    }

    /// Follows the chain and replays the events.
    fn replay(&self, found: &mut Soundness) -> Result<Replay, StoreError> {
        let (mut last_id, mut last_sum): (i64, Checksum) = self
            .connection
            .query_row("SELECT log_pruned_to, log_anchor FROM meta", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .doing(DOING)?;
        let mut replay = self.replay_begins()?;
        let sql = "SELECT id, at, task_id, attempt_id, actor, event, details, checksum \
                   FROM execution_logs ORDER BY id";
        self.each(sql, |row| {
            found.events += 1;
            let mut cells = Cells::of(row, "execution_logs");
            let (id, at, task, attempt) =
                (cells.take()?, cells.take()?, cells.take()?, cells.take()?);
            let texts: [String; 3] = [cells.take()?, cells.take()?, cells.take()?];
            let [actor, event, details] = &texts;
            let checksum: Checksum = cells.take()?;
            let line = Line {
                id,
                at,
                task,
                attempt,
                actor,
                event,
                details,
            };
            if id != last_id + 1 {
                found.note(&format!("events are missing between {last_id} and {id}"));
            } else if line.checksum(&last_sum) != checksum {
                found.note(&format!("event {id} is not what was written"));
            }
            (last_id, last_sum) = (id, checksum);
            match (serde_json::from_str::<Event>(details), task) {
                (Ok(event), Some(task)) => {
                    if let Err(problem) = replay.take(TaskId::new(task), &event) {
                        found.note(&format!("event {id}: {problem}"));
                    }
                }
                (Ok(_), None) => {}
                (Err(error), _) => found.note(&format!("event {id} does not read: {error}")),
            }
            Ok(())
        })?;
        Ok(replay)
    }

    /// Holds every stored task against its replay.
    fn check_tasks(
        &self,
        mut replayed: BTreeMap<TaskId, Replayed>,
        found: &mut Soundness,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT id, definition_hash, spec, {STATE_COLUMNS} FROM task_records ORDER BY id"
        );
        self.each(&sql, |row| {
            found.tasks += 1;
            let mut cells = Cells::of(row, "task_records");
            let id = TaskId::new(cells.take()?);
            let (hash, spec): (String, String) = (cells.take()?, cells.take()?);
            let state = match journal::read_state(&mut cells) {
                Ok(state) => state,
                Err(error) => {
                    found.note(&format!("task {id}: {error}"));
                    return Ok(());
                }
            };
            if TaskSpec::hash_of(&spec) != hash {
                found.note(&format!("task {id}: its definition is not what was added"));
            }
            match replayed.remove(&id) {
                Some(Replayed {
                    state: Some(told),
                    definition,
                }) => {
                    if told != state {
                        found.note(&format!(
                            "task {id} is stored as {}, and its events make it {}",
                            state.status(),
                            told.status()
                        ));
                    }
                    if definition.is_some_and(|told| told != hash) {
                        found.note(&format!("task {id}: its events tell of another definition"));
                    }
                }
                Some(Replayed { state: None, .. }) => {
                    found.note(&format!("task {id}: nobody knows where its events begin"));
                }
                None => found.note(&format!("task {id} has no events")),
            }
            Ok(())
        })?;
        for id in replayed.into_keys() {
            found.note(&format!("task {id} has events and is not there"));
        }
        Ok(())
    }

    /// What must be true of attempts and their tasks.
    fn check_attempts(&self, found: &mut Soundness) -> Result<(), StoreError> {
        found.attempts = self
            .connection
            .query_row("SELECT count(*) FROM attempts", [], |row| {
                row.get::<_, u32>(0)
            })
            .doing(DOING)
            .map(|count| usize::try_from(count).unwrap_or(usize::MAX))?;
        for (sql, problem) in RULES {
            self.each(sql, |row| {
                let id: i64 = row.get(0).doing(DOING)?;
                found.note(&format!("task {id}: {problem}"));
                Ok(())
            })?;
        }
        Ok(())
    }

    fn each(
        &self,
        sql: &str,
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare(sql).doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            take(row)?;
        }
        Ok(())
    }
}

/// Statements that give the tasks which break a rule, and the rule's words.
const RULES: [(&str, &str); 9] = [
    (
        "SELECT task_id FROM attempts WHERE state <> 'ended' GROUP BY task_id HAVING count(*) > 1",
        "more than one attempt of it is open",
    ),
    (
        "SELECT t.id FROM task_records t LEFT JOIN attempts a ON a.id = t.attempt_id \
         WHERE t.attempt_id IS NOT NULL AND (a.task_id IS NOT t.id OR a.state IS NOT CASE t.status \
         WHEN 'queued' THEN 'claimed' WHEN 'running' THEN 'running' ELSE 'ended' END)",
        "its attempt is not in the state that the task is in",
    ),
    (
        "SELECT a.task_id FROM attempts a JOIN task_records t ON t.id = a.task_id \
         WHERE a.state <> 'ended' AND t.attempt_id IS NOT a.id",
        "an attempt of it is open, and the task does not know it",
    ),
    (
        "SELECT t.id FROM task_records t WHERE t.attempts <> \
         (SELECT count(*) FROM attempts a WHERE a.task_id = t.id) OR t.attempts <> \
         (SELECT coalesce(max(number), 0) FROM attempts a WHERE a.task_id = t.id)",
        "its attempts are not numbered one by one",
    ),
    (
        "SELECT t.id FROM task_records t WHERE t.used > \
         (SELECT count(*) FROM attempts a WHERE a.task_id = t.id AND a.used)",
        "more attempts count against its limit than there were",
    ),
    (
        "SELECT id FROM task_records t WHERE unmet <> \
         (SELECT count(*) FROM task_dependencies d WHERE d.task_id = t.id AND NOT d.met)",
        "it does not know for how many tasks it waits",
    ),
    (
        "SELECT task_id FROM (SELECT d.task_id, d.wanted, d.met, d.in_vain, CASE \
         WHEN u.status = 'succeeded' THEN 'good' \
         WHEN u.status = 'failed' OR u.status = 'cancelled' OR u.skip = 'blocked' THEN 'bad' \
         WHEN u.skip = 'not_needed' THEN 'none' END AS ended \
         FROM task_dependencies d JOIN task_records u ON u.id = d.upstream_id) \
         WHERE met IS NOT (ended IS NOT NULL AND (wanted = 'always' \
         OR (wanted = 'success' AND ended = 'good') OR (wanted = 'failure' AND ended = 'bad'))) \
         OR in_vain IS NOT iif(met OR ended IS NULL, NULL, iif(ended = 'bad', 'blocked', 'not_needed'))",
        "it does not know how the task ended that it waits for",
    ),
    (
        "SELECT t.id FROM task_records t WHERE status = 'queued' AND attempt_id IS NULL AND EXISTS \
         (SELECT 1 FROM task_dependencies d WHERE d.task_id = t.id AND in_vain IS NOT NULL)",
        "it waits in vain",
    ),
    (
        "SELECT t.id FROM task_records t WHERE status = 'skipped' \
         AND EXISTS (SELECT 1 FROM task_dependencies d WHERE d.task_id = t.id) \
         AND NOT EXISTS (SELECT 1 FROM task_dependencies d \
         WHERE d.task_id = t.id AND d.in_vain = t.skip) \
         AND NOT EXISTS (SELECT 1 FROM task_records n WHERE n.name = t.name AND n.id <> t.id)",
        "it is skipped, and no task that it waits for is the reason",
    ),
];

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
