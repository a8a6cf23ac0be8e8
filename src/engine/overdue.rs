//! Tasks whose deadline passed, or whose time from the first start is over, while they waited; and
//! what a beat's changes meant for tasks that wait for others.
//!
//! Attempts that run are stopped by their supervisor, whose time limit is shortened
//! ([`crate::policy::limits`]); it looks at the wall clock, too, which jumps when a machine wakes up.

use std::time::Duration;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::engine::state::ClaimedTask;
use crate::model::attempt::Assignment;
use crate::model::ids::AttemptId;
use crate::model::state::TaskEvent;
use crate::policy::limits::Limits;
use crate::store::Actor;
use crate::store::Follow;
use crate::store::Followed;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::journal;
use crate::store::pick;
use crate::store::tasks::Task;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

/// Tasks that are given up in one transaction; the others follow in the next.
const AT_ONCE: usize = 1_000;

/// The limits of a task over all its attempts.
pub(crate) fn limits_of(task: &Task) -> Limits {
    Limits {
        deadline: task.deadline,
        total: task.spec.total_timeout,
        first_started: task.first_started,
    }
}

/// Shortens the time limit of an attempt that starts now.
pub(crate) fn shorten(assignment: &mut Assignment, task: &ClaimedTask, now: Timestamp) {
    let limit: Option<Duration> = task.limits.shorten(assignment.timeout, now);
    assignment.ends_at = task.limits.end(now).map(|(at, _)| at);
    if limit != assignment.timeout {
        assignment.timeout = limit;
        let seconds = limit.map(|limit| format!("{:.3}", limit.as_secs_f64()));
        assignment.variables.extend(seconds.map(|seconds| {
            (
                "AUTOEXEC_TIMEOUT_SECONDS".to_owned(),
                seconds.as_str().into(),
            )
        }));
    }
}

/// Gives up the tasks that waited for too long.
pub(crate) fn give_up(
    tx: &Transaction<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<RunEvent>, StoreError> {
    let mut told = Vec::new();
    for id in pick::overdue(tx, now, AT_ONCE)? {
        let task = tx.task(id)?;
        let Some(limit) = limits_of(&task).passed(now) else {
            continue;
        };
        let reason = limit.words(Zone::Local, now);
        let event = TaskEvent::GivenUp {
            code: limit.code().to_owned(),
            reason: reason.clone(),
        };
        journal::record(tx, id, &event, actor, now)?;
        told.push(RunEvent::TaskGivenUp {
            task: TaskRef {
                id,
                name: task.spec.name,
            },
            reason,
        });
    }
    Ok(told)
}

/// What a watcher is told of a task that waits for others.
pub(crate) fn shown(followed: Followed) -> RunEvent {
    let task = TaskRef {
        id: followed.task,
        name: followed.name,
    };
    match followed.what {
        Follow::Skipped(why) => RunEvent::TaskSkipped {
            task,
            why,
            upstream: followed.upstream,
        },
        Follow::Revived => RunEvent::TaskChanged {
            task,
            what: format!("is queued again, after `{}`", followed.upstream),
        },
    }
}

impl Dispatcher<'_> {
    /// Takes back the claims of tasks that may not start any more; the commit gives the tasks up, or puts
    /// them aside for another window.
    pub(crate) fn take_back_overdue(&mut self, now: Timestamp, effects: &mut Effects) {
        let live = &self.state.live;
        let is_overdue = |attempt: &AttemptId| {
            live.get(attempt).is_some_and(|live| {
                let is_too_late = live.task.latest_start.is_some_and(|latest| now > latest);
                is_too_late || live.task.limits.passed(now).is_some()
            })
        };
        let overdue: Vec<AttemptId> = self
            .state
            .ready
            .iter()
            .copied()
            .filter(is_overdue)
            .collect();
        for attempt in overdue {
            self.state.ready.retain(|other| *other != attempt);
            self.state.live.remove(&attempt);
            effects.writes.push(Write::ReturnClaim { attempt });
        }
    }
}
