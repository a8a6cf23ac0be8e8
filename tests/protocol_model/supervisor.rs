//! The steps of a supervisor, of the tree that it started, and of a tree that it left behind.

use crate::rules::{Broken, Next, Rule, Step, World};
use crate::state::{
    Debt, Doing, End, FREE, Group, Last, Life, Message, Page, State, Status, Supervisor, Tree,
};

/// Adds every step that supervisor `index` or its tree can take.
pub(crate) fn steps(world: &World, state: &State, index: usize, next: &mut Vec<Next>) {
    let mut say = |what: &'static str, after: State, broken: Option<Broken>| {
        let step = Step { what, of: index };
        next.push(Next {
            step,
            state: after,
            broken,
        });
    };
    let supervisor = &state.supervisors[index];
    match supervisor.life {
        Life::None => {}
        Life::Unborn => {
            // Point 4.2: the epoch comes from the arguments, so that one who comes to life late
            // does not take the epoch of a later run for its own.
            let mut after = *state;
            after.supervisors[index].life = Life::Alive;
            if !world.holds(Rule::OwnEpochIsGiven) {
                after.supervisors[index].epoch = state.epoch_in_file;
            }
            say("comes to life and takes its lock", after, None);
        }
        Life::Alive => {
            read_pipe(state, index, &mut say);
            leave(state, index, &mut say);
            obey_signal(state, index, &mut say);
            carry_on(world, state, index, &mut say);
        }
        Life::Dead => orphan(state, index, &mut say),
    }
}

type Say<'a> = dyn FnMut(&'static str, State, Option<Broken>) + 'a;

/// Reads one message. Between `starting` and the start there is no reading: straight-line code.
fn read_pipe(state: &State, index: usize, say: &mut Say<'_>) {
    let supervisor = &state.supervisors[index];
    let Some(message) = supervisor.inbox.first() else {
        return;
    };
    let mut after = *state;
    let own = &mut after.supervisors[index];
    own.inbox.take();
    match (message, supervisor.doing) {
        // One attempt at a time, and the one before it wholly gone.
        (Message::Assign { attempt, task }, Doing::Idle) if supervisor.tree == Tree::Gone => {
            own.doing = Doing::Got;
            own.attempt = attempt;
            own.task = task;
            say("reads an assignment", after, None);
        }
        (Message::Stop(attempt), Doing::Got)
            if supervisor.attempt == attempt && can_send(state, index) =>
        {
            own.doing = Doing::Idle;
            own.attempt = 0;
            if let Some(group) = take_group(own, attempt) {
                group.last = Page::Written;
                group.said = Last::NotStarted;
            }
            send(&mut after, index, Message::NotStarted(attempt));
            say(
                "is told to stop before the start: `not started`",
                after,
                None,
            );
        }
        (Message::Stop(attempt), Doing::Running) if supervisor.attempt == attempt => {
            own.tree = Tree::Gone;
            own.doing = Doing::Ended(End::Stopped);
            say("is told to stop and kills the tree", after, None);
        }
        // Also while it waits for room: the acknowledgement that makes room may stand behind it.
        (Message::Stop(_), Doing::Idle | Doing::Got | Doing::Running) => {
            say("is told to stop what is over", after, None);
        }
        (Message::Acknowledge(attempt), Doing::Idle | Doing::Got | Doing::Running) => {
            // Point 4: its pages become free together, by the acknowledgement.
            if let Some(group) = own.group_of(attempt) {
                *group = FREE;
            }
            say("reads an acknowledgement: pages free", after, None);
        }
        // Not now, or not a message to a supervisor.
        (
            Message::Assign { .. }
            | Message::Stop(_)
            | Message::Acknowledge(_)
            | Message::Started(_)
            | Message::NotStarted(_)
            | Message::Ended(..),
            _,
        ) => {}
    }
}

/// Points 2 and 7: the runner is gone. It is looked for before every start, but may be noticed
/// late: another child of the runner between fork and exec still holds the pipe open.
fn leave(state: &State, index: usize, say: &mut Say<'_>) {
    let supervisor = &state.supervisors[index];
    if state.is_connected(index) {
        return;
    }
    let mut after = *state;
    let own = &mut after.supervisors[index];
    match supervisor.doing {
        Doing::Idle if supervisor.tree == Tree::Gone => {
            own.sync();
            own.die();
            say("sees that the runner is gone: syncs, exits", after, None);
        }
        Doing::Got => {
            if let Some(group) = take_group(own, supervisor.attempt) {
                group.last = Page::Written;
                group.said = Last::NotStarted;
            }
            own.sync();
            own.die();
            say(
                "sees that the runner is gone: `not started`, exits",
                after,
                None,
            );
        }
        Doing::Idle
        | Doing::Looked
        | Doing::Starting
        | Doing::Cleared
        | Doing::Forked
        | Doing::Running
        | Doing::Ended(_) => {}
    }
}

/// Point 7: the next run stops an adopted attempt by a signal to the verified identity.
fn obey_signal(state: &State, index: usize, say: &mut Say<'_>) {
    let supervisor = &state.supervisors[index];
    if supervisor.signalled && supervisor.doing == Doing::Running {
        let mut after = *state;
        let own = &mut after.supervisors[index];
        own.tree = Tree::Gone;
        own.doing = Doing::Ended(End::Stopped);
        say("is signalled and kills the tree", after, None);
    }
}

/// Points 2 to 6: from the assignment to the outcome.
fn carry_on(world: &World, state: &State, index: usize, say: &mut Say<'_>) {
    let supervisor = &state.supervisors[index];
    let mut after = *state;
    let own = &mut after.supervisors[index];
    match supervisor.doing {
        Doing::Got if !world.holds(Rule::RecordThenLook) => {
            if supervisor.epoch == state.epoch_in_file {
                own.doing = Doing::Looked;
                say("reads the epoch, before any record", after, None);
            }
        }
        Doing::Got | Doing::Looked => {
            write_starting(world, state, index, say);
        }
        Doing::Starting if supervisor.epoch == state.epoch_in_file => {
            own.doing = Doing::Cleared;
            say("reads the epoch: its own", after, None);
        }
        Doing::Starting => {
            if let Some(group) = own.group_of(supervisor.attempt) {
                group.last = Page::Written;
                group.said = Last::NotStarted;
            }
            own.sync();
            own.die();
            say("reads a foreign epoch: `not started`, exits", after, None);
        }
        Doing::Cleared => {
            let task = usize::from(supervisor.task);
            own.doing = Doing::Forked;
            own.tree = Tree::Forking;
            own.tree_of = supervisor.task;
            let broken = judge_start(&after, task);
            after.tasks[task].debt = Debt::Started;
            say("forks the child", after, broken);
        }
        Doing::Forked if can_send(state, index) => {
            own.doing = Doing::Running;
            own.tree = Tree::Live;
            if let Some(group) = own.group_of(supervisor.attempt) {
                group.running = Page::Written;
                if !world.holds(Rule::StartingStays) {
                    group.starting = Page::Blank;
                }
            }
            send(&mut after, index, Message::Started(supervisor.attempt));
            say("child execs; writes `running`", after, None);
        }
        Doing::Running => command_ends(state, index, say),
        Doing::Ended(end) => write_end(world, state, index, end, say),
        Doing::Idle if supervisor.tree == Tree::LeftOver => {
            own.tree = Tree::Gone;
            say("kills what is left, after the outcome", after, None);
        }
        Doing::Forked | Doing::Idle => {}
    }
}

/// Point 2: `starting` goes into the file before the epoch is read; point 3: for `ask` it is synced
/// before the start. (Dying between the write and the sync is losing power before or after both.)
fn write_starting(world: &World, state: &State, index: usize, say: &mut Say<'_>) {
    let mut after = *state;
    let own = &mut after.supervisors[index];
    let attempt = own.attempt;
    let looked = own.doing == Doing::Looked;
    let used = own.groups.iter().filter(|g| g.attempt != 0).count();
    if used >= world.bounds.groups {
        return;
    }
    if let Some(group) = take_group(own, attempt) {
        group.starting = if world.bounds.ask {
            Page::Synced
        } else {
            Page::Written
        };
        own.doing = if looked {
            Doing::Cleared
        } else {
            Doing::Starting
        };
        say("writes `starting`", after, None);
    }
}

/// The command ends by itself: well, or badly and with something left behind.
fn command_ends(state: &State, index: usize, say: &mut Say<'_>) {
    for (what, end, tree) in [
        ("its command succeeds", End::Success, Tree::Gone),
        ("its command fails", End::Failure, Tree::Gone),
        (
            "its command fails and leaves a process",
            End::Failure,
            Tree::LeftOver,
        ),
    ] {
        let mut after = *state;
        after.supervisors[index].doing = Doing::Ended(end);
        after.supervisors[index].tree = tree;
        say(what, after, None);
    }
}

/// Point 6: only when nothing is left the outcome goes into the ring, then over the pipe.
fn write_end(world: &World, state: &State, index: usize, end: End, say: &mut Say<'_>) {
    let supervisor = &state.supervisors[index];
    if supervisor.tree == Tree::LeftOver {
        let mut after = *state;
        after.supervisors[index].tree = Tree::Gone;
        say("kills what is left", after, None);
        if world.holds(Rule::TreeGoesFirst) {
            return;
        }
    }
    if !can_send(state, index) {
        return;
    }
    let mut after = *state;
    let own = &mut after.supervisors[index];
    if let Some(group) = own.group_of(supervisor.attempt) {
        group.last = Page::Written;
        group.said = Last::Ended(end);
        if state.is_connected(index) && !world.holds(Rule::PagesWaitForAcknowledgement) {
            *group = FREE;
        }
    }
    own.doing = Doing::Idle;
    own.attempt = 0;
    send(&mut after, index, Message::Ended(supervisor.attempt, end));
    after.tasks[usize::from(supervisor.task)].debt = Debt::Written(end);
    say("writes the outcome", after, None);
}

/// A tree without a supervisor: the child may still be before its exec, or end by itself.
fn orphan(state: &State, index: usize, say: &mut Say<'_>) {
    let mut after = *state;
    let own = &mut after.supervisors[index];
    match own.tree {
        Tree::Gone => {}
        Tree::Forking => {
            own.tree = Tree::Live;
            say("orphaned child execs and lets go of the lock", after, None);
        }
        Tree::Live | Tree::LeftOver => {
            own.tree = Tree::Gone;
            own.die();
            say("orphaned tree ends by itself", after, None);
        }
    }
}

fn can_send(state: &State, index: usize) -> bool {
    !state.is_connected(index) || state.supervisors[index].outbox.has_room()
}

/// What is sent to a dead runner is lost; the file has it too.
fn send(after: &mut State, index: usize, message: Message) {
    if after.is_connected(index) {
        after.supervisors[index].outbox.put(message);
    }
}

fn take_group(supervisor: &mut Supervisor, attempt: u8) -> Option<&mut Group> {
    let group = supervisor.groups.iter_mut().find(|g| g.attempt == 0)?;
    group.attempt = attempt;
    Some(group)
}

/// Ghost: what an all-seeing observer says of a start, in the order of gravity.
fn judge_start(after: &State, task: usize) -> Option<Broken> {
    let number = u8::try_from(task).unwrap_or(u8::MAX);
    if after.live_trees(number) > 1 {
        Some(Broken::TwoLiveTrees)
    } else if after.tasks[task].status == Status::Succeeded
        || after.tasks[task].debt == Debt::Written(End::Success)
    {
        Some(Broken::RunAgainAfterSuccess)
    } else if after.tasks[task].debt != Debt::Nothing {
        Some(Broken::SilentlyStartedAgain)
    } else {
        None
    }
}
