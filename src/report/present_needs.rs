//! What needs a person at this moment, wherever that is told of the present: on the page of bare
//! `autoexec`, in the health and in a browser. What needed one in a part of the past is `report::needs`.

use crate::model::ids::TaskId;
use crate::model::state::TaskState;
use crate::model::state::TaskStatus;
use crate::report::needs::anew_words;
use crate::report::queue_table::Moment;
use crate::report::queue_table::note;
use crate::report::text::Look;
use crate::store::Filter;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TaskLine;

/// What needs a person.
#[derive(Debug, Clone, Default)]
pub struct PresentNeeds {
    /// The first tasks: what is blocked stands behind what blocks it.
    pub tasks: Vec<Needy>,
    /// How many tasks there are.
    pub in_all: u64,
}

/// A task that needs a person.
#[derive(Debug, Clone)]
pub struct Needy {
    /// The task.
    pub line: TaskLine,
    /// The task of its name that is not over, in words.
    pub anew: Option<String>,
    /// What to type about it.
    pub command: String,
}

impl Needy {
    /// What became of it, and that it was queued anew.
    pub(crate) fn note(&self, moment: Moment, look: Look) -> String {
        let note = note(&self.line, moment, look);
        match &self.anew {
            Some(anew) => format!("{anew}; {note}"),
            None => note,
        }
    }
}

impl PresentNeeds {
    /// Reads the first `most` of them.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub fn read(store: &Store, most: usize) -> Result<Self, StoreError> {
        let in_all = number(store)?;
        // Mostly there are none, and counting costs a tenth of listing.
        if in_all == 0 {
            return Ok(Self::default());
        }
        let mut lines = store.list(&Filter {
            statuses: vec![TaskStatus::Held, TaskStatus::Failed],
            limit: Some(most),
            ..all()
        })?;
        if lines.len() < most {
            lines.extend(store.list(&Filter {
                statuses: vec![TaskStatus::Skipped],
                needing: true,
                limit: Some(most - lines.len()),
                ..Filter::default()
            })?);
        }
        let needy = |line: TaskLine| {
            let anew = store.unfinished_namesake(line.id, &line.name)?;
            let command = command(store, &line, anew)?;
            let anew = anew.map(|anew| anew_words(line.id, anew));
            Ok(Needy {
                line,
                anew,
                command,
            })
        };
        let tasks = lines.into_iter().map(needy).collect::<Result<_, _>>()?;
        Ok(Self { tasks, in_all })
    }
}

/// How many tasks need a person.
///
/// # Errors
/// When the queue cannot be read.
pub fn number(store: &Store) -> Result<u64, StoreError> {
    let tasks = store.count(&all())?;
    Ok(u64::try_from(tasks).unwrap_or(u64::MAX))
}

fn all() -> Filter {
    Filter {
        needing: true,
        doubted: true,
        ..Filter::default()
    }
}

/// What to type about a task that needs a person.
fn command(store: &Store, line: &TaskLine, anew: Option<TaskId>) -> Result<String, StoreError> {
    let id = line.id;
    if let (TaskState::Failed | TaskState::Skipped(_), Some(anew)) = (&line.state, anew) {
        return Ok(format!("autoexec why {anew}"));
    }
    Ok(match line.state {
        TaskState::Held(_) => format!("autoexec queue release {id}"),
        TaskState::Succeeded => format!("autoexec why {id}"),
        TaskState::Skipped(_) => match store.root_of(id)? {
            Some(root) if !is_taken(store, root)? => format!("autoexec queue retry {root}"),
            Some(_) | None => format!("autoexec why {id}"),
        },
        TaskState::Queued { .. }
        | TaskState::Running { .. }
        | TaskState::Recovering { .. }
        | TaskState::Failed
        | TaskState::Cancelled => format!("autoexec queue retry {id}"),
    })
}

/// Whether another task of its name is not over.
fn is_taken(store: &Store, task: TaskId) -> Result<bool, StoreError> {
    let name = store.task(task)?.spec.name;
    let other = store.unfinished_namesake(task, name.as_str())?;
    Ok(other.is_some())
}
