//! A run from its first breath to its last: take over, adopt, work, close up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;

use crate::backend::Local;
use crate::backend::LocalSetup;
use crate::engine::adopted::Adopted;
use crate::engine::alarm;
use crate::engine::breakers;
use crate::engine::breakers::Breakers;
use crate::engine::dispatcher::Dispatcher;
use crate::engine::entry;
use crate::engine::entry::Entered;
use crate::engine::entry::LeftOpen;
use crate::engine::error::EngineError;
use crate::engine::events::RunEnd;
use crate::engine::events::RunEvent;
use crate::engine::events::RunTotals;
use crate::engine::events::RunWatcher;
use crate::engine::gather::Gathered;
use crate::engine::ground::Ground;
use crate::engine::healing::watch::Watchers;
use crate::engine::hours::RunHours;
use crate::engine::hours::Schedule;
use crate::engine::inbox::Inbox;
use crate::engine::inbox::Signals;
use crate::engine::on_failure::OnFailure;
use crate::engine::pacing::Pace;
use crate::engine::patterns;
use crate::engine::patterns::Patterns;
use crate::engine::rescue::Rescues;
use crate::engine::rescue::looks::Looks;
use crate::engine::spare::runtime;
use crate::engine::stale_stops;
use crate::engine::state::RunState;
use crate::engine::tally::Tally;
use crate::engine::telling;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::layout::StateDir;
use crate::model::layout::slot_file_name;
use crate::model::message::ToSupervisor;
use crate::model::state::TaskStatus;
use crate::policy::breaker::BreakerConfig;
use crate::policy::classify::PatternSet;
use crate::policy::retention::Retention;
use crate::process::identity;
use crate::process::launch::ERROR_LOG;
use crate::process::signals;
use crate::process::wake::Listener;
use crate::store::Actor;
use crate::store::deaths;
use crate::store::parking;
use crate::store::parking::TimeWaits;
use crate::store::pick::Awaited;
use crate::store::pick::Selection;
use crate::store::runs;
use crate::store::runs::NewRun;
use crate::support::clock::Clock;
use crate::support::crash;

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The queue.
    pub dir: StateDir,
    /// Where "now" comes from.
    pub clock: Clock,
    /// How many attempts run at once; at least one.
    pub slots: usize,
    /// The tasks of this run; the whole queue where none are named.
    pub selection: Option<Vec<TaskId>>,
    /// Which times it waits for: a plain run leaves `not_before` to later ones.
    pub awaited: Awaited,
    /// Whether attempts go on when the runner dies.
    pub adopt: bool,
    /// After how much silence of a task without a limit somebody is told.
    pub stalled_after: Duration,
    /// This program, which is started again as a supervisor.
    pub executable: PathBuf,
    /// The error patterns of the configuration.
    pub patterns: Arc<PatternSet>,
    /// What the configuration says of services.
    pub breakers: Arc<BreakerConfig>,
    /// Whether somebody sits before a terminal: then its closing ends the run.
    pub attended: bool,
    /// The hours that it keeps to.
    pub schedule: Schedule,
    /// Whom it tells what.
    pub telling: telling::Telling,
    /// How much is kept of what is over.
    pub retention: Retention,
    /// What the machine says of failures.
    pub on_failure: OnFailure,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOutcome {
    /// The run.
    pub run: RunId,
    /// Why it ended.
    pub end: RunEnd,
    /// What it exits with, by what became of its tasks.
    pub exit_code: i32,
    /// Its figures.
    pub totals: RunTotals,
    /// How many commands it started.
    pub started: u64,
    /// How many transactions it took, for whoever measures.
    pub commits: u64,
}

/// Runs tasks until there is nothing more to do.
///
/// # Errors
/// When another run is active, or when the queue cannot be used, at the start or at any later time.
/// What was running then has ended or goes on under its supervisor, and the next run collects it.
pub fn run(request: &RunRequest, watcher: &mut dyn RunWatcher) -> Result<RunOutcome, EngineError> {
    carry_out(request, watcher).inspect_err(|error| {
        alarm::tell_of_failure(&request.dir, &request.telling, error, request.clock.now());
    })
}

fn carry_out(
    request: &RunRequest,
    watcher: &mut dyn RunWatcher,
) -> Result<RunOutcome, EngineError> {
    let now = request.clock.now();
    let (mut entered, left) = entry::enter(&request.dir, now, entry::PATIENCE)?;
    let process = identity::own().map_err(|source| EngineError::Machine {
        doing: "tell its own identity",
        source,
    })?;
    let new = NewRun {
        mode: request.schedule.mode.to_owned(),
        process,
        boot: entered.here.boot,
        epoch: entered.epoch,
        slots: u32::try_from(request.slots).unwrap_or(u32::MAX),
    };
    let is_noted = entered.lock.left_note().is_some();
    let hours = RunHours::new(request.schedule.clone(), now);
    let run = entered.store.write(|tx| {
        // The last run died, if at all, without being busy with anything.
        if !is_noted {
            deaths::forget_silent(tx)?;
        }
        // Every run has its own hours: it judges anew what an earlier one passed over.
        parking::unpark_all(tx, parking::BY_WINDOW)?;
        parking::unpark_all(tx, parking::BY_RESCUE)?;
        breakers::begin(tx, now)?;
        patterns::bring_up_to_date(tx, now)?;
        let run = runs::start(tx, &new, now)?;
        runs::set_window(tx, run, hours.start(), hours.end())?;
        telling::tell_start(tx, &request.telling, (run, &new.mode), now)?;
        Ok(run)
    })?;
    entered.lock.announce(run)?;
    stale_stops::refuse(&mut entered, now)?;
    // A fault must be told from a kill: only a death of our own making counts against a task.
    signals::mark_fatal_signals().map_err(|source| EngineError::Machine {
        doing: "set handlers for faults",
        source,
    })?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(live(request, entered, left, (run, hours), watcher));
    // A thread may still wait for the lock of an adopted supervisor; nobody waits for the thread.
    runtime.shutdown_background();
    outcome
}

async fn live(
    request: &RunRequest,
    entered: Entered,
    left: LeftOpen,
    (run, hours): (RunId, RunHours),
    watcher: &mut dyn RunWatcher,
) -> Result<RunOutcome, EngineError> {
    let selection = match &request.selection {
        Some(tasks) => entered.store.select(tasks)?,
        None => Selection::All,
    };
    let unfinished = entered.store.count_unfinished(selection)?;
    let mut dispatcher = dispatcher(request, entered, Some(run), selection, watcher)?;
    dispatcher.state.until = hours.end();
    dispatcher.hours = hours;
    dispatcher.look_at_the_past(request.clock.now());
    dispatcher.look_at_pause();
    dispatcher.watcher.watch(
        request.clock.now(),
        &RunEvent::RunStarted {
            run,
            queued: usize::try_from(unfinished).unwrap_or(usize::MAX),
            slots: request.slots,
            until: dispatcher.hours.end(),
        },
    );
    dispatcher.started_at = Some(request.clock.now());
    dispatcher.count_died(run)?;
    let mut first = dispatcher.take_over(left)?;
    first.extend(dispatcher.resume_waits()?);
    let end = dispatcher.work(first).await;
    dispatcher.close_up(run, end).await
}

/// A dispatcher over a queue that was entered; without a run it starts nothing.
pub(crate) fn dispatcher<'a>(
    request: &RunRequest,
    entered: Entered,
    run: Option<RunId>,
    selection: Selection,
    watcher: &'a mut dyn RunWatcher,
) -> Result<Dispatcher<'a>, EngineError> {
    let (said, inbox) = unbounded_channel();
    let setup = LocalSetup {
        dir: entered.dir.clone(),
        queue: entered.here.queue,
        run: run.unwrap_or(RunId::new(0)),
        epoch: entered.epoch,
        executable: request.executable.clone(),
        adopt: request.adopt,
        stalled_after: request.stalled_after,
    };
    let wake = run.and_then(|_| Listener::open(&entered.dir.wake()).ok());
    let (tells, seen) = unbounded_channel();
    // Whoever interrupts a command that waits wants the command to end, and nothing of what it waits for.
    let signals = run.map(|_| Signals::new()).transpose();
    let inbox = signals
        .and_then(|signals| Inbox::new(inbox, seen, signals, wake))
        .map_err(|source| EngineError::Machine {
            doing: "listen to signals",
            source,
        })?;
    let ground = Ground::of(&entered.dir).map_err(|source| EngineError::File {
        doing: "find the files of the queue in",
        path: entered.dir.root().to_owned(),
        source,
    })?;
    let actor = run.map_or_else(|| Actor::Command("change".to_owned()), Actor::Run);
    Ok(Dispatcher {
        clock: request.clock,
        actor,
        run,
        state: RunState {
            capacity: if run.is_some() {
                request.slots.max(1)
            } else {
                0
            },
            rescue: Rescues {
                // A plain run comes to its end instead.
                config: (run.is_some() && request.awaited == Awaited::Hours)
                    .then(|| request.on_failure.rescue.clone()),
                ..Rescues::default()
            },
            ..RunState::default()
        },
        adopted: Adopted::default(),
        backend: Local::new(setup, said),
        inbox,
        selection,
        awaited: request.awaited,
        watcher,
        attended: request.attended,
        spent: Vec::new(),
        watchers: Watchers::new(tells),
        looks: Looks::default(),
        on_failure: request.on_failure.clone(),
        started_at: None,
        courier: telling::Courier::new(request.telling.clone()),
        patterns: Patterns::new(Arc::clone(&request.patterns)),
        breakers: Breakers::new(
            Arc::clone(&request.breakers),
            request.awaited == Awaited::Hours,
            request.clock.now(),
        ),
        tally: Tally::default(),
        gathered: Gathered::default(),
        pace: Pace {
            hungry: run.is_some(),
            requests: run.is_some(),
            ..Pace::default()
        },
        hours: RunHours::new(request.schedule.clone(), request.clock.now()),
        awake: None,
        ground,
        retention: request.retention,
        entered,
    })
}

impl Dispatcher<'_> {
    /// Where the slot file of one of our slots is.
    pub(crate) fn slot_file(&self, slot: usize) -> PathBuf {
        let run = self.run.unwrap_or(RunId::new(0));
        self.entered.dir.slots().join(slot_file_name(run, slot))
    }

    /// Ends the run: says goodbye to the supervisors, writes the end down, and clears up.
    async fn close_up(mut self, run: RunId, end: RunEnd) -> Result<RunOutcome, EngineError> {
        crash::point("before_run_end");
        let slots: Vec<usize> = self.state.slots.keys().copied().collect();
        let mut children = Vec::new();
        for slot in slots {
            self.send_retire(slot);
            children.extend(self.backend.close(slot).map(|child| (slot, child)));
        }
        let now = self.clock.now();
        self.look_at_the_ground(now);
        if let Some(path) = self.ground.lost() {
            return Err(EngineError::Displaced { path: path.clone() });
        }
        if let Some(error) = self.pace.failure.take() {
            return Err(EngineError::Halted(error));
        }
        if self.pace.stillborn.is_given_up() {
            let row = runs::RunEnd {
                at: now,
                because: "no_supervisor".to_owned(),
                exit_code: if self.tally.started == 0 { 4 } else { 3 },
            };
            self.record_end(run, &row, &RunTotals::default())?;
            return Err(EngineError::NoSupervisor {
                log: self.entered.dir.logs().join(ERROR_LOG),
                started: self.tally.started,
            });
        }
        let waits = self.entered.store.waiting_for_time(self.selection, now)?;
        let totals = self.totals(end, waits)?;
        let strict = self.hours.schedule().strict;
        let exit_code = self.tally.exit_code(end, &totals, waits, strict);
        let row = runs::RunEnd {
            at: now,
            because: end.as_str().to_owned(),
            exit_code,
        };
        self.record_end(run, &row, &totals)?;
        if self.state.live.is_empty() {
            self.forget_slots(children).await;
            self.tidy(run, now);
        }
        let because = end;
        let ended = RunEvent::RunEnded { because, totals };
        self.watcher.watch(now, &ended);
        Ok(RunOutcome {
            run,
            end,
            exit_code,
            totals,
            started: self.tally.started,
            commits: self.entered.store.commits(),
        })
    }

    /// The figures of the run, with what it leaves behind.
    fn totals(&self, end: RunEnd, waits: TimeWaits) -> Result<RunTotals, EngineError> {
        let counts = self.entered.store.counts(self.selection)?;
        let waiting = counts.of(TaskStatus::Queued);
        let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
        let held = counts.of(TaskStatus::Held);
        let held = usize::try_from(held).unwrap_or(usize::MAX);
        Ok(self.tally.totals(waiting, held, end, waits))
    }

    fn send_retire(&mut self, slot: usize) {
        // A supervisor that does not hear it reads the end of its pipe instead.
        let _end_of_pipe_tells_too = self.backend.send(slot, &ToSupervisor::Retire);
    }

    /// Removes the slot files of supervisors that are gone; everything in them is durable.
    async fn forget_slots(&mut self, children: Vec<(usize, std::process::Child)>) {
        for (slot, child) in children {
            let mut child = child;
            let waited = tokio::task::spawn_blocking(move || child.wait());
            // An idle supervisor has nothing left to do but exit; one that does not is left alone.
            if tokio::time::timeout(Duration::from_secs(5), waited)
                .await
                .is_ok()
            {
                self.spent.push(self.slot_file(slot));
            }
        }
        for file in self.spent.drain(..) {
            // The next recovery finds it spent again.
            let _left_for_later = std::fs::remove_file(file);
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
