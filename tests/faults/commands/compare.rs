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

/// Says where the queue differs from its reference.
pub(crate) fn compare(store: &Store, model: &Model) -> Result<(), String> {
    for expected in &model.tasks {
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
        let left = (
            expected.state.word(),
            expected.state.attempt(),
            due_expected,
            expected.priority,
            expected.attempts,
            expected.used,
            Model::unmet(expected),
            expected.definition.name,
        );
        let right = (
            found.status().as_str(),
            found.state.attempt().map(AttemptId::get),
            due,
            found.priority,
            found.attempts,
            found.used,
            found.unmet as usize,
            found.spec.name.as_str(),
        );
        if left != right {
            return Err(format!(
                "task {}: expected {left:?}, found {right:?}",
                expected.id
            ));
        }
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
    if count != model.tasks.len() as u64 {
        return Err(format!(
            "expected {} tasks, found {count}",
            model.tasks.len()
        ));
    }
    Ok(())
}
