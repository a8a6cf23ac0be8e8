//! What matters for running a task again: who else has its name, what waits for it, and the file that it
//! came from. What follows from that is told by `report::why_again`.

use std::path::Path;

use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::TaskStatus;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::tasks::Task;
use crate::support::untrusted::Untrusted;

/// The most tasks behind a success that is hard to believe that are named.
const MOST_BEHIND: usize = 10;

/// What matters for running a task again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Again {
    /// Another task of its name that is not over: as long as it is not, this one cannot be queued.
    pub unfinished: Option<TaskId>,
    /// The same for the task for which it is blocked.
    pub of_blocker: Option<TaskId>,
    /// Of a success that is hard to believe: tasks that wait for it, directly or not, the first ones.
    pub behind: Vec<(TaskName, TaskStatus)>,
    /// How many more there are.
    pub more_behind: usize,
    /// Of such a success: the file that it came from, as a word of a command, if it is still there.
    pub file: Option<String>,
}

impl Again {
    /// Reads it. `is_doubted`: it is a success that is hard to believe.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub(crate) fn of(reader: &Reader, task: &Task, is_doubted: bool) -> Result<Self, StoreError> {
        let mut again = Self {
            unfinished: reader.unfinished_namesake(task.id, task.spec.name.as_str())?,
            ..Self::default()
        };
        if let Some(other) = reader.blocked_by(task.id)? {
            again.of_blocker = reader.unfinished_namesake(other.upstream, other.name.as_str())?;
        }
        if is_doubted {
            let all = reader.behind(&[task.id])?;
            for other in all.iter().take(MOST_BEHIND) {
                let other = reader.task(*other)?;
                let status = other.status();
                again.behind.push((other.spec.name, status));
            }
            again.more_behind = all.len().saturating_sub(MOST_BEHIND);
            again.file = task.source.as_deref().and_then(file_word);
        }
        Ok(again)
    }
}

/// A file that is there, as a word of a command: quoted where a shell would make more of it. Nothing
/// where it cannot be shown as it is.
fn file_word(source: &str) -> Option<String> {
    if !Path::new(source).is_file() {
        return None;
    }
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%:,=".contains(c);
    if source.chars().all(is_plain) {
        return Some(source.to_owned());
    }
    let is_shown_as_it_is = Untrusted::from(source).for_terminal() == source;
    (is_shown_as_it_is && !source.contains('\'')).then(|| format!("'{source}'"))
}
