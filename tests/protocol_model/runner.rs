//! The steps of whoever holds the run lock: a run, or a command on a queue without a run.

use crate::journal::{evidence, give_back, lock_is_free, record_end, resolve};
use crate::rules::{Broken, Next, Rule, Step, World};
use crate::state::{
    Evidence, Life, Message, NO_RUNNER, NOBODY, Phase, Runner, State, Status, TASKS,
};

/// Slots of a run.
const SLOTS: usize = 2;

/// Where a step's successors go: its words, what it is about, the state after it.
type Say<'a> = dyn FnMut(&'static str, usize, State, Option<Broken>) + 'a;

/// Adds every step that the holder of the run lock can take, or that somebody can take to hold it.
pub(crate) fn steps(world: &World, state: &State, next: &mut Vec<Next>) {
    let mut say = |what: &'static str, of: usize, after: State, broken: Option<Broken>| {
        let step = Step { what, of };
        next.push(Next {
            step,
            state: after,
            broken,
        });
    };
    match state.runner.phase {
        Phase::None => take_the_lock(world, state, &mut say),
        Phase::NewEpoch => write_epoch(world, state, &mut say),
        Phase::Reading(index) => read_file(world, state, index, &mut say),
        Phase::Live => {
            for task in 0..world.bounds.tasks {
                claim(world, state, task, &mut say);
                hand_out(state, task, &mut say);
                cancel(world, state, task, &mut say);
                stop(state, task, &mut say);
                collect_from_file(world, state, task, &mut say);
            }
            for index in 0..state.supervisors.len() {
                collect_from_pipe(world, state, index, &mut say);
                acknowledge(state, index, &mut say);
            }
            spawn(state, &mut say);
            end_of_window(world, state, &mut say);
            end(state, &mut say);
        }
    }
}

/// The run lock is free: a run begins, or a command changes a task (here: cancels it and puts it
/// into the queue again). Both commit a new epoch first: a number from the database, point 2.
fn take_the_lock(world: &World, state: &State, say: &mut Say<'_>) {
    let begin = |command: usize| {
        let mut after = *state;
        after.runs += 1;
        after.epoch_in_database += 1;
        after.runner = Runner {
            phase: Phase::NewEpoch,
            run: after.runs,
            epoch: after.epoch_in_database,
            command: u8::try_from(command).unwrap_or(u8::MAX),
            ..NO_RUNNER
        };
        after
    };
    if !world.is_settled(state) {
        say(
            "run: takes the lock, commits a new epoch",
            0,
            begin(0),
            None,
        );
    }
    for task in 0..world.bounds.tasks {
        if state.cancels == 0 || state.tasks[task].open == 0 {
            continue;
        }
        if world.holds(Rule::CommandsRecover) {
            let mut after = begin(task + 1);
            after.cancels -= 1;
            if !world.holds(Rule::CommandsRaiseTheEpoch) {
                after.runner.phase = Phase::Reading(0);
            }
            say("command: takes the lock", task, after, None);
        } else {
            let mut after = *state;
            after.cancels -= 1;
            let broken = give_back(world, &mut after, task);
            say(
                "command: changes the task, no recovery",
                task,
                after,
                broken,
            );
        }
    }
}

/// Point 2: recovery writes the new epoch first, then reads the records.
fn write_epoch(world: &World, state: &State, say: &mut Say<'_>) {
    let mut after = *state;
    if world.holds(Rule::RaiseThenRead) {
        after.epoch_in_file = state.runner.epoch;
        after.runner.phase = Phase::Reading(0);
        say("recovery: writes the epoch", 0, after, None);
    } else {
        after.runner.phase = Phase::Reading(0);
        say("recovery: leaves the epoch for later", 0, after, None);
    }
}

/// Point 8: reads one slot file after the other, while supervisors go on; then commits.
fn read_file(world: &World, state: &State, index: u8, say: &mut Say<'_>) {
    let mut after = *state;
    let mut number = usize::from(index);
    while number < state.supervisors.len() && state.supervisors[number].life == Life::None {
        number += 1;
    }
    if number == state.supervisors.len() {
        commit_recovery(world, state, say);
        return;
    }
    for task in 0..world.bounds.tasks {
        let attempt = state.tasks[task].open;
        let found = match attempt {
            0 => Evidence::None,
            _ => evidence(world, state, number, attempt),
        };
        if found != Evidence::None {
            after.runner.evidence[task] = found;
        }
    }
    after.runner.phase = Phase::Reading(u8::try_from(number + 1).unwrap_or(u8::MAX));
    say(
        "recovery: reads the file of supervisor",
        number,
        after,
        None,
    );
}

fn commit_recovery(world: &World, state: &State, say: &mut Say<'_>) {
    let mut after = *state;
    let mut broken = None;
    for task in 0..world.bounds.tasks {
        if state.tasks[task].open != 0 {
            let found = state.runner.evidence[task];
            broken = broken.or(resolve(world, &mut after, task, found));
        }
    }
    if !world.holds(Rule::RaiseThenRead) {
        after.epoch_in_file = state.runner.epoch;
    }
    after.runner.phase = Phase::Live;
    after.runner.evidence = [Evidence::None; TASKS];
    // The command's change: what lives is stopped first, as in point 7.
    if let Some(task) = usize::from(state.runner.command).checked_sub(1) {
        if after.tasks[task].open == 0 {
            after.runner = NO_RUNNER;
        } else {
            after.tasks[task].intent = true;
        }
    }
    say("recovery: sweeps and commits", 0, after, broken);
}

fn is_run(state: &State) -> bool {
    state.runner.command == 0 && !state.runner.closing
}

/// Point 1: committed before anything starts.
fn claim(world: &World, state: &State, task: usize, say: &mut Say<'_>) {
    let seen = &state.tasks[task];
    if !is_run(state)
        || seen.status != Status::Queued
        || seen.open != 0
        || seen.claims == world.bounds.claims
    {
        return;
    }
    let mut after = *state;
    after.tasks[task].open = state.next_attempt;
    after.tasks[task].claims += 1;
    after.next_attempt += 1;
    say("run: claims task", task, after, None);
}

/// A claim goes into the pipe of a slot that is free, or whose end was seen and is not committed yet.
fn hand_out(state: &State, task: usize, say: &mut Say<'_>) {
    let seen = &state.tasks[task];
    if !is_run(state) || seen.open == 0 || seen.handed != 0 || seen.intent {
        return;
    }
    for (index, supervisor) in state.supervisors.iter().enumerate() {
        let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
        let is_busy = state.tasks.iter().any(|t| t.handed == number);
        if !state.is_connected(index)
            || !matches!(supervisor.life, Life::Unborn | Life::Alive)
            || (is_busy && !supervisor.outbox.holds_an_end())
            || !supervisor.inbox.has_room()
        {
            continue;
        }
        let mut after = *state;
        after.tasks[task].handed = number;
        after.supervisors[index].inbox.put(Message::Assign {
            attempt: seen.open,
            task: u8::try_from(task).unwrap_or(u8::MAX),
        });
        say("run: hands the claim to supervisor", index, after, None);
    }
}

/// A request of another command: cancel the task and put it into the queue again.
fn cancel(world: &World, state: &State, task: usize, say: &mut Say<'_>) {
    let seen = &state.tasks[task];
    if state.cancels == 0 || !is_run(state) || seen.open == 0 || seen.intent {
        return;
    }
    let mut after = *state;
    after.cancels -= 1;
    let broken = withdraw_or_intend(world, &mut after, task);
    say("run: is asked to cancel task", task, after, broken);
}

/// A claim that was not handed out goes back; one that was is stopped like a running attempt.
fn withdraw_or_intend(world: &World, after: &mut State, task: usize) -> Option<Broken> {
    let seen = &after.tasks[task];
    let may_go_back = seen.handed == 0 || !world.holds(Rule::HandedOutClaimsStay);
    if may_go_back && !seen.running {
        return give_back(world, after, task);
    }
    after.tasks[task].intent = true;
    None
}

/// Behind the intent row: `stop X` in the pipe, or a signal to an adopted supervisor.
fn stop(state: &State, task: usize, say: &mut Say<'_>) {
    let seen = &state.tasks[task];
    if !seen.intent || seen.told {
        return;
    }
    let Some(index) = usize::from(seen.handed).checked_sub(1) else {
        return;
    };
    let mut after = *state;
    after.tasks[task].told = true;
    if !state.is_connected(index) {
        after.supervisors[index].signalled = state.supervisors[index].life == Life::Alive;
        say("run: signals the adopted supervisor", index, after, None);
    } else if state.supervisors[index].inbox.has_room() {
        after.supervisors[index].inbox.put(Message::Stop(seen.open));
        say("run: writes `stop` to supervisor", index, after, None);
    }
}

/// Reads a message and commits what it says; the acknowledgement is a step of its own.
fn collect_from_pipe(world: &World, state: &State, index: usize, say: &mut Say<'_>) {
    if !state.is_connected(index) || state.supervisors[index].to_acknowledge != 0 {
        return;
    }
    let mut after = *state;
    let Some(message) = after.supervisors[index].outbox.take() else {
        return;
    };
    let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
    let owner = |attempt: u8| {
        (0..world.bounds.tasks)
            .find(|t| state.tasks[*t].open == attempt && state.tasks[*t].handed == number)
    };
    let mut broken = None;
    match message {
        Message::Started(attempt) => {
            if let Some(task) = owner(attempt) {
                after.tasks[task].running = true;
            }
        }
        Message::NotStarted(attempt) => {
            after.supervisors[index].to_acknowledge = attempt;
            if let Some(task) = owner(attempt) {
                broken = give_back(world, &mut after, task);
            }
        }
        Message::Ended(attempt, end) => {
            after.supervisors[index].to_acknowledge = attempt;
            if let Some(task) = owner(attempt) {
                broken = record_end(&mut after, task, end);
            }
        }
        Message::Assign { .. } | Message::Stop(_) | Message::Acknowledge(_) => {}
    }
    say(
        "run: commits what it heard from supervisor",
        index,
        after,
        broken,
    );
}

/// After the commit, never before.
fn acknowledge(state: &State, index: usize, say: &mut Say<'_>) {
    let supervisor = &state.supervisors[index];
    if supervisor.to_acknowledge == 0 || !supervisor.inbox.has_room() {
        return;
    }
    let mut after = *state;
    let own = &mut after.supervisors[index];
    own.inbox.put(Message::Acknowledge(own.to_acknowledge));
    own.to_acknowledge = 0;
    say("run: acknowledges to supervisor", index, after, None);
}

/// Points 7 to 9: the pipe closed, or the lock of an adopted supervisor became free. Takes the
/// lock, reads the file, sweeps, commits. Without any record the claim goes back.
fn collect_from_file(world: &World, state: &State, task: usize, say: &mut Say<'_>) {
    let seen = &state.tasks[task];
    let Some(index) = usize::from(seen.handed).checked_sub(1) else {
        return;
    };
    let supervisor = &state.supervisors[index];
    if !matches!(supervisor.life, Life::Dead | Life::None) || !lock_is_free(world, supervisor) {
        return;
    }
    let mut after = *state;
    let found = evidence(world, state, index, seen.open);
    let broken = resolve(world, &mut after, task, found);
    say("run: judges the dead supervisor", index, after, broken);
}

/// A slot comes to life when there is something for it.
fn spawn(state: &State, say: &mut Say<'_>) {
    let is_waiting = |t: &crate::state::Task| t.open != 0 && t.handed == 0;
    let own = (0..state.supervisors.len()).filter(|i| state.is_connected(*i));
    if !is_run(state) || !state.tasks.iter().any(is_waiting) || own.count() >= SLOTS {
        return;
    }
    let is_handed = |index: usize| {
        let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
        state.tasks.iter().any(|t| t.handed == number)
    };
    let place = (0..state.supervisors.len())
        .find(|i| state.supervisors[*i].life == Life::None && !is_handed(*i));
    if let Some(index) = place {
        let mut after = *state;
        after.supervisors[index] = NOBODY;
        after.supervisors[index].life = Life::Unborn;
        after.supervisors[index].run = state.runner.run;
        after.supervisors[index].epoch = state.runner.epoch;
        say("run: spawns supervisor", index, after, None);
    }
}

/// The window ends: nothing more is handed out, and what was handed out is stopped.
fn end_of_window(world: &World, state: &State, say: &mut Say<'_>) {
    if state.windows == 0 || !is_run(state) {
        return;
    }
    let mut after = *state;
    after.windows -= 1;
    after.runner.closing = true;
    let mut broken = None;
    for task in 0..world.bounds.tasks {
        if after.tasks[task].open != 0 {
            broken = broken.or(withdraw_or_intend(world, &mut after, task));
        }
    }
    say("run: the window ends", 0, after, broken);
}

/// A run whose window has ended leaves when nothing is open; a command when its change is made.
fn end(state: &State, say: &mut Say<'_>) {
    let is_open = match usize::from(state.runner.command).checked_sub(1) {
        Some(task) => state.tasks[task].open != 0,
        None => state.tasks.iter().any(|t| t.open != 0),
    };
    if is_open || is_run(state) {
        return;
    }
    let mut after = *state;
    let ended = state.runner.run;
    after.runner = NO_RUNNER;
    forget(&mut after, ended);
    say("the holder of the run lock leaves", 0, after, None);
}

/// The memory of a runner dies with it, and so do the messages to it.
pub(crate) fn forget(after: &mut State, run: u8) {
    for task in &mut after.tasks {
        task.handed = 0;
        task.told = false;
    }
    for supervisor in &mut after.supervisors {
        if supervisor.run == run {
            supervisor.outbox = crate::state::Pipe::EMPTY;
            supervisor.to_acknowledge = 0;
        }
    }
}
