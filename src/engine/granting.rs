//! Wishes of people inside the transaction: judged by how tasks stand when it is their turn, behind
//! everything that the same wish has changed before.
//!
//! INVARIANT: what cannot be granted is refused, and the rest of the transaction stands. Only a
//! failure of storage gets out of here.

use std::collections::BTreeMap;

use crate::engine::events::RunEvent;
use crate::engine::ledger;
use crate::engine::message::Effects;
use crate::engine::message::Event;
use crate::engine::message::Write;
use crate::engine::rescue::rounds::RescueEvent;
use crate::model::dependency::Wait;
use crate::model::ids::TaskId;
use crate::model::state::Skip;
use crate::model::state::TaskEvent;
use crate::model::state::TaskState;
use crate::policy::when;
use crate::store::Actor;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::tasks;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

/// So many tasks are named that had to be tried again as well.
const NAMED: usize = 5;

/// The tasks whose change was refused, and why.
pub(crate) type Refused = BTreeMap<TaskId, String>;

/// The task that somebody wants changed by an event.
pub(crate) const fn wished_of(event: &Event) -> Option<TaskId> {
    if let Event::Change { id, .. } | Event::Rescue(RescueEvent::Rescued { task: id }) = event {
        Some(*id)
    } else {
        None
    }
}

impl Write {
    /// The same as the wish of a person, where a task may be in no state for it.
    pub(crate) fn wished(self, task: TaskId) -> Self {
        match self {
            Self::Change { .. }
            | Self::Reprioritize { .. }
            | Self::Remove { .. }
            | Self::Rescue(_)
            | Self::Healing(_) => Self::Wished {
                task,
                write: Box::new(self),
            },
            // What they do is about attempts that the run has, and which it knows the state of.
            Self::Started { .. }
            | Self::ReturnClaim { .. }
            | Self::Finish { .. }
            | Self::StepsDone { .. }
            | Self::Doubt { .. }
            | Self::Result { .. }
            | Self::StopIntent { .. }
            | Self::Cut { .. }
            | Self::Service(_)
            | Self::Probed(_)
            | Self::ResetBreaker { .. }
            | Self::Wished { .. }
            | Self::WindowOpened
            | Self::ClockSetBack => self,
        }
    }
}

impl Effects {
    /// The same as what follows from the wish of a person about a task.
    pub(crate) fn wished(mut self, task: TaskId) -> Self {
        self.writes = self
            .writes
            .into_iter()
            .map(|write| write.wished(task))
            .collect();
        self
    }
}

/// Whether a write changes which task comes first.
pub(crate) fn reorders(write: &Write) -> bool {
    if let Write::Wished { write, .. } = write {
        return reorders(write);
    }
    matches!(write, Write::Reprioritize { .. })
}

/// What may be told although some of it was refused.
pub(crate) fn true_of(mut shown: Vec<RunEvent>, refused: &Refused) -> Vec<RunEvent> {
    shown.retain(|event| {
        if let RunEvent::TaskChanged { task, .. }
        | RunEvent::TaskCancelled { task }
        | RunEvent::TaskHeld { task, .. }
        | RunEvent::TaskCompleted { task } = event
        {
            !refused.contains_key(&task.id)
        } else {
            true
        }
    });
    shown
}

/// Carries out a write of the step; a wish that cannot be granted goes to `refused`.
pub(crate) fn apply(
    tx: &Transaction<'_>,
    write: &Write,
    actor: &Actor,
    now: Timestamp,
    refused: &mut Refused,
) -> Result<(), StoreError> {
    let Write::Wished { task, write } = write else {
        return ledger::apply(tx, write, actor, now);
    };
    if refused.contains_key(task) {
        return Ok(());
    }
    match tried(tx, *task, write, actor, now) {
        Ok(None) => Ok(()),
        Ok(Some(why)) => {
            refused.insert(*task, why);
            Ok(())
        }
        Err(error) if error.is_storage_failure() => Err(error),
        Err(error) => {
            refused.insert(*task, words(tx, *task, &error));
            Ok(())
        }
    }
}

/// Tries a wish; gives why it is refused by how tasks stand.
fn tried(
    tx: &Transaction<'_>,
    task: TaskId,
    write: &Write,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    if let Write::Change {
        event: TaskEvent::Requeued,
        ..
    } = write
    {
        if matches!(tx.state(task)?, TaskState::Queued { .. }) {
            // It came back together with another one that the same wish queued again.
            let wish = tx.task(task)?.spec.deadline;
            let deadline = wish.map(|wish| when::resolve(wish, Zone::Local, now));
            tasks::set_deadline(tx, task, deadline)?;
            return Ok(None);
        }
        if let Some(why) = waits_in_vain(tx, task)? {
            return Ok(Some(why));
        }
    }
    tx.savepoint(|tx| ledger::apply(tx, write, actor, now))?;
    Ok(None)
}

/// Why a task would not run if it were queued again: something that it waits for ended otherwise.
pub(crate) fn waits_in_vain(reader: &Reader, task: TaskId) -> Result<Option<String>, StoreError> {
    let all = reader.dependencies_of(task)?;
    // One that has left the queue is passed over: nothing else could ever help.
    let in_vain = |skip: Skip| {
        all.iter()
            .find(|other| other.wait == Wait::InVain(skip) && other.status.is_some())
    };
    let (other, is_needed) = match (in_vain(Skip::NotNeeded), in_vain(Skip::Blocked)) {
        (Some(other), _) => (other, false),
        (None, Some(other)) => (other, true),
        (None, None) => return Ok(None),
    };
    let name = reader.task(task)?.spec.name;
    let upstream = &other.name;
    if !is_needed {
        return Ok(Some(format!(
            "`{name}` cannot be queued again: it is only wanted if `{upstream}` fails, and that one \
             has succeeded; `autoexec queue add` adds it without that"
        )));
    }
    let status = other.status.map_or("gone", |status| status.as_str());
    let roots = reader.in_vain_behind(task, NAMED)?;
    let next = if roots.is_empty() || roots.len() == NAMED {
        format!("`autoexec why {task}` tells more")
    } else {
        let ids: Vec<String> = roots.iter().map(ToString::to_string).collect();
        let all = if roots.len() == 1 && roots.first() == Some(&other.upstream) {
            "both"
        } else {
            "all of it"
        };
        format!(
            "`autoexec queue retry {} {task}` queues {all} again",
            ids.join(" ")
        )
    };
    Ok(Some(format!(
        "`{name}` cannot be queued again: it waits for `{upstream}`, which is {status}; {next}"
    )))
}

/// Why a wish was refused, for whoever asked.
fn words(reader: &Reader, task: TaskId, error: &StoreError) -> String {
    match (reader.task(task), error) {
        (Ok(task), StoreError::Illegal { source, .. }) => format!("`{}`: {source}", task.spec.name),
        (Ok(found), StoreError::NameTaken { .. }) => format!(
            "`{}` (task {task}) cannot be queued again: another task has that name and is not over",
            found.spec.name
        ),
        (_, StoreError::NoSuchTask { .. }) => format!("there is no task {task}"),
        (Ok(_) | Err(_), error) => error.to_string(),
    }
}

#[cfg(test)]
#[path = "granting_tests.rs"]
mod tests;
