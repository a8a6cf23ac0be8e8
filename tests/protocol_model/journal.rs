//! What the holder of the run lock commits about an attempt.

use crate::rules::{Broken, Rule, World};
use crate::state::{Debt, End, Evidence, Last, Life, State, Status, Supervisor, Tree};

/// The claim did not start: its row goes away and the task waits again (point 4, "gives it back").
pub(crate) fn give_back(world: &World, state: &mut State, task: usize) -> Option<Broken> {
    let attempt = state.tasks[task].open;
    // Without AUTOINCREMENT the id of a deleted last row is given out again.
    if !world.holds(Rule::IdsAreNew) && attempt + 1 == state.next_attempt {
        state.next_attempt = attempt;
    }
    let broken = match state.tasks[task].debt {
        Debt::Written(_) => Some(Broken::OutcomeLost),
        // If it did start, the next start of the task tells.
        Debt::Nothing | Debt::Started => None,
    };
    close(state, task, Status::Queued);
    broken
}

/// The outcome is committed together with the decision.
pub(crate) fn record_end(state: &mut State, task: usize, end: End) -> Option<Broken> {
    let broken = (state.tasks[task].debt != Debt::Written(end)).then_some(Broken::FalseRecord);
    state.tasks[task].debt = Debt::Nothing;
    let status = match end {
        End::Success => Status::Succeeded,
        // Retried, or cancelled and put into the queue again, or the next night.
        End::Failure | End::Stopped => Status::Queued,
    };
    close(state, task, status);
    broken
}

/// Nobody can know whether it finished: `on_crash` resolves it.
pub(crate) fn record_maybe(world: &World, state: &mut State, task: usize) -> Option<Broken> {
    let broken = match state.tasks[task].debt {
        Debt::Written(_) => Some(Broken::OutcomeLost),
        Debt::Nothing | Debt::Started => None,
    };
    state.tasks[task].debt = Debt::Nothing;
    let status = if world.bounds.ask {
        Status::Held
    } else {
        Status::Queued
    };
    close(state, task, status);
    broken
}

fn close(state: &mut State, task: usize, status: Status) {
    let task = &mut state.tasks[task];
    task.status = status;
    task.open = 0;
    task.running = false;
    task.intent = false;
    task.handed = 0;
    task.told = false;
    state.remove_files();
}

/// What the file of a supervisor says of an attempt. A record counts only if its attempt is the
/// open one of its task, so nobody asks about others (point 8).
pub(crate) fn evidence(world: &World, state: &State, index: usize, attempt: u8) -> Evidence {
    let supervisor = &state.supervisors[index];
    let Some(group) = supervisor.groups.iter().find(|g| g.attempt == attempt) else {
        return Evidence::None;
    };
    if group.last.is_there() {
        return match group.said {
            Last::NotStarted => Evidence::NotStarted,
            Last::Ended(end) => Evidence::Ended(end),
        };
    }
    if !group.starting.is_there() && !group.running.is_there() {
        return Evidence::None;
    }
    if supervisor.earlier_boot {
        return Evidence::Rebooted;
    }
    let number = u8::try_from(index).unwrap_or(u8::MAX);
    if lock_is_free(world, supervisor) {
        Evidence::Orphaned(number)
    } else {
        Evidence::Held(number)
    }
}

/// Whether a supervisor's slot lock can be taken: it is dead, or has not come to life. A child
/// between fork and exec holds the lock too (point 9).
pub(crate) fn lock_is_free(world: &World, supervisor: &Supervisor) -> bool {
    supervisor.life != Life::Alive
        && (supervisor.tree != Tree::Forking || !world.holds(Rule::LockBeforeJudging))
}

/// Acts on what was found out about the open attempt of a task (points 8 and 9).
///
/// The sweep and the commit are one step here: between them nobody else acts on the dead
/// supervisor's file, and a crash between them is the same as a tree that ended by itself.
pub(crate) fn resolve(
    world: &World,
    state: &mut State,
    task: usize,
    evidence: Evidence,
) -> Option<Broken> {
    match evidence {
        Evidence::Ended(end) => record_end(state, task, end),
        Evidence::None if state.tasks[task].running => record_maybe(world, state, task),
        Evidence::NotStarted | Evidence::None => give_back(world, state, task),
        Evidence::Rebooted => record_maybe(world, state, task),
        Evidence::Orphaned(number) => {
            sweep(state, usize::from(number));
            record_maybe(world, state, task)
        }
        // Its supervisor lives: adopt it, and say that it started if the row does not know.
        Evidence::Held(number) => {
            state.tasks[task].handed = number + 1;
            state.tasks[task].running = true;
            None
        }
    }
}

/// Kills what carries the marker of the attempt or belongs to the supervisor's session. A child
/// between fork and exec is not found: it has no marker yet and may have been forked after the scan.
pub(crate) fn sweep(state: &mut State, index: usize) {
    let supervisor = &mut state.supervisors[index];
    if supervisor.tree != Tree::Forking {
        supervisor.tree = Tree::Gone;
    }
}
