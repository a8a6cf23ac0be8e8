//! Replaying the log of events: what they make of every task.
//!
//! The log is the measure of the queue (`store::check`) and begins at an anchor: what came before was
//! cleared away, and a snapshot says where the tasks stood that are still there (`store::retention`).

use std::collections::BTreeMap;

use crate::model::ids::TaskId;
use crate::model::state::TaskState;
use crate::store::connection::Reader;
use crate::store::error::Doing;
use crate::store::error::StoreError;
use crate::store::log::Event;
use crate::store::rows::Cells;

/// Tasks as the events tell them.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    pub(crate) tasks: BTreeMap<TaskId, Replayed>,
    /// The events do not begin with the queue: of some tasks only their leaving is told.
    pub(crate) pruned: bool,
}

/// A task as the events tell it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Replayed {
    /// `None` when the events before the first one known were cleared away.
    pub(crate) state: Option<TaskState>,
    pub(crate) definition: Option<String>,
}

impl Reader {
    /// The beginning of a replay: where the tasks stood at the anchor.
    pub(crate) fn replay_begins(&self) -> Result<Replay, StoreError> {
        const DOING: &str = "read where the log of events begins";
        let pruned: bool = self
            .connection
            .query_row("SELECT log_pruned_to > 0 FROM meta", [], |row| row.get(0))
            .doing(DOING)?;
        let mut replay = Replay {
            pruned,
            ..Replay::default()
        };
        let mut statement = self
            .connection
            .prepare("SELECT task_id, state, definition FROM log_snapshot")
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let mut cells = Cells::of(row, "log_snapshot");
            let task = TaskId::new(cells.take()?);
            let known = Replayed {
                state: Some(cells.json()?),
                definition: Some(cells.take()?),
            };
            replay.tasks.insert(task, known);
        }
        Ok(replay)
    }

    /// Where a task stood at the anchor, if it was there.
    pub(crate) fn at_the_anchor(&self, task: TaskId) -> Result<Option<Replayed>, StoreError> {
        const DOING: &str = "read where the log of events begins";
        let mut statement = self
            .connection
            .prepare_cached("SELECT state, definition FROM log_snapshot WHERE task_id = ?")
            .doing(DOING)?;
        let mut rows = statement.query([task.get()]).doing(DOING)?;
        let Some(row) = rows.next().doing(DOING)? else {
            return Ok(None);
        };
        let mut cells = Cells::of(row, "log_snapshot");
        Ok(Some(Replayed {
            state: Some(cells.json()?),
            definition: Some(cells.take()?),
        }))
    }
}

impl Replay {
    /// Takes the next event.
    ///
    /// # Errors
    /// Says in a few words why it cannot have happened.
    pub(crate) fn take(&mut self, id: TaskId, event: &Event) -> Result<(), String> {
        if let Event::Added { due, definition } = event {
            let task = Replayed {
                state: Some(TaskState::added(*due)),
                definition: Some(definition.clone()),
            };
            return match self.tasks.insert(id, task) {
                None => Ok(()),
                Some(_) => Err(format!("task {id} is added a second time")),
            };
        }
        if self.pruned {
            self.tasks.entry(id).or_insert(Replayed {
                state: None,
                definition: None,
            });
        }
        let Some(task) = self.tasks.get_mut(&id) else {
            return Err(format!("nobody has added task {id}"));
        };
        match event {
            Event::Added { .. }
            | Event::Reprioritized { .. }
            | Event::Accepted { .. }
            | Event::StopWanted { .. } => {}
            Event::Redefined {
                definition,
                rescheduled,
            } => {
                task.definition = Some(definition.clone());
                if let (Some(rescheduled), Some(_)) = (rescheduled, &task.state) {
                    task.state = Some(TaskState::added(rescheduled.due));
                }
            }
            Event::Removed => {
                self.tasks.remove(&id);
            }
            Event::Task(event) => {
                if let Some(state) = &task.state {
                    task.state = Some(state.apply(event).map_err(|error| error.to_string())?);
                }
            }
        }
        Ok(())
    }
}
