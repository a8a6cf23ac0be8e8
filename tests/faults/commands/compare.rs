//! Holding the queue against its reference.

use autoexec::model::ids::AttemptId;
use autoexec::model::ids::TaskId;
use autoexec::model::state::TaskState;
use autoexec::store::Store;
use autoexec::store::pick::Selection;
use autoexec::support::clock::Timestamp;

use crate::commands::NAMES;
use crate::commands::model::Model;
use crate::commands::nouns::State;
use crate::commands::nouns::Task;

/// How much of a task must be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All, to the number of its attempt and the instant at which it is due.
    All,
    /// What somebody sees who does not know which attempts there were, and when.
    Visible,
    /// The same while a run is active, which may have claimed what comes next.
    BesideARun,
}

/// Says where the queue differs from its reference, which knows nothing of so many `others`.
pub(crate) fn compare(
    store: &Store,
    model: &Model,
    extent: Extent,
    others: usize,
) -> Result<(), String> {
    for expected in &model.tasks {
        same_task(store, expected, extent)?;
    }
    for name in NAMES {
        let found = store.find(name).unwrap().map(TaskId::get);
        if found != model.find(name) {
            return Err(format!(
                "`{name}`: expected {:?}, found {found:?}",
                model.find(name)
            ));
        }
    }
    let count = store.counts(Selection::All).unwrap().total();
    let expected = model.tasks.len() + others;
    if count != expected as u64 {
        return Err(format!("expected {expected} tasks, found {count}"));
    }
    Ok(())
}

fn same_task(store: &Store, expected: &Task, extent: Extent) -> Result<(), String> {
    let found = store
        .task(TaskId::new(expected.id))
        .map_err(|error| format!("task {}: {error}", expected.id))?;
    let due = if let TaskState::Queued { due, .. } = &found.state {
        due.map(Timestamp::as_millis)
    } else {
        None
    };
    let due_expected = if let State::Queued { due, .. } = expected.state {
        due
    } else {
        None
    };
    let mut left = (
        expected.state.word(),
        expected.state.attempt(),
        due_expected,
        expected.priority,
        expected.attempts,
        expected.used,
        Model::unmet(expected),
        expected.definition.name,
    );
    let mut right = (
        found.status().as_str(),
        found.state.attempt().map(AttemptId::get),
        due,
        found.priority,
        found.attempts,
        found.used,
        found.unmet as usize,
        found.spec.name.as_str(),
    );
    for side in [&mut left, &mut right] {
        if extent != Extent::All {
            (side.1, side.2) = (None, None);
        }
        if extent == Extent::BesideARun {
            side.4 = 0;
        }
    }
    if left == right {
        Ok(())
    } else {
        Err(format!(
            "task {}: expected {left:?}, found {right:?}",
            expected.id
        ))
    }
}
