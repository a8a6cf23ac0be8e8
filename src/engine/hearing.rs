//! From arrivals to events: what was said is judged here, with all that must be read for it.
//!
//! The end of an attempt is the same event whether its supervisor told it, its slot file kept it or
//! nobody saw it; what follows is decided in `engine::step`.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::backend::Said;
use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::RunEvent;
use crate::engine::healing::present::effective;
use crate::engine::inbox::Arrival;
use crate::engine::inbox::Inspected;
use crate::engine::message::Event;
use crate::engine::recover::Fate;
use crate::engine::state::Afterwards;
use crate::engine::state::Halt;
use crate::engine::state::HaltSignal;
use crate::engine::state::Live;
use crate::engine::state::Place;
use crate::model::ids::AttemptId;
use crate::model::message::FromSupervisor;
use crate::model::message::NotStartedReason;
use crate::model::outcome::Account;
use crate::model::outcome::Containment;
use crate::model::outcome::Ended;
use crate::model::outcome::LossCause;
use crate::model::outcome::Outcome;
use crate::model::outcome::OutputPlace;
use crate::model::outcome::StopReason;
use crate::model::outcome::Usage;
use crate::policy::classify::Facts;
use crate::policy::classify::Judgement;
use crate::policy::classify::TAIL;
use crate::policy::classify::classify;
use crate::policy::classify::classify_with;
use crate::policy::classify::user::UserPatterns;
use crate::policy::mask::mask;
use crate::policy::mask::mask_quotes;
use crate::policy::poison::POISON;
use crate::process::Stream;
use crate::process::epoch;
use crate::process::logread::tail_bytes;
use crate::process::resultfile;
use crate::store::recoveries::RecoveryRecord;
use crate::support::clock::Timestamp;
use crate::support::clock::monotonic;
use crate::support::text::span;

impl Dispatcher<'_> {
    /// What an arrival means: events for the step.
    pub(crate) fn take_in(&mut self, arrival: Arrival) -> Vec<Event> {
        match arrival {
            Arrival::Said {
                slot,
                said: Said::Message(message),
            } => self.heard(slot, message),
            Arrival::Said {
                slot,
                said: Said::Closed,
            } => {
                self.hung_up(slot);
                Vec::new()
            }
            Arrival::Inspected(inspected) => self.inspected(inspected),
            Arrival::Seen(what) => self.seen(&what),
            Arrival::Looked(looked) => self.looked(&looked),
            Arrival::Probed(probed) => vec![Event::Probed(probed)],
            Arrival::Signal(signal) => self.signalled(signal),
            Arrival::Woken => {
                self.look_at_pause();
                self.patterns.doubt();
                self.pace.hungry = true;
                self.pace.urgent = Some(self.clock.now());
                self.pace.requests = true;
                self.pace.changed = true;
                Vec::new()
            }
            Arrival::Time => {
                self.look_around();
                Vec::new()
            }
        }
    }

    fn heard(&mut self, slot: usize, message: FromSupervisor) -> Vec<Event> {
        let came_to_life = matches!(
            message,
            FromSupervisor::Started { .. } | FromSupervisor::Ended { .. }
        );
        if came_to_life
            && let Some(line) = self.state.slots.get_mut(&slot)
            && !line.spoke
        {
            line.spoke = true;
            self.pace.stillborn.one_lived();
        }
        let event = match message {
            FromSupervisor::Ready { .. } => return Vec::new(),
            FromSupervisor::Progress { attempt, progress } => {
                if let Some(idle) = progress.silent_for {
                    self.fell_silent(attempt, idle);
                    return Vec::new();
                }
                Event::Progress { attempt, progress }
            }
            FromSupervisor::Started {
                attempt,
                process,
                at,
            } => Event::Started {
                attempt,
                slot,
                process,
                at,
            },
            FromSupervisor::NotStarted { attempt, reason } => {
                self.mend_fence(reason);
                Event::NotStarted { attempt, reason }
            }
            FromSupervisor::Ended { attempt, outcome } => {
                return self.judged(attempt, outcome, false).into_iter().collect();
            }
        };
        vec![event]
    }

    /// An attempt seems to do nothing; its supervisor has written the alert.
    fn fell_silent(&mut self, attempt: AttemptId, idle: Duration) {
        if let Some(live) = self.state.live.get(&attempt) {
            let name = &live.task.spec.name;
            let idle = span(idle);
            let text = format!("task `{name}` has been silent and idle for {idle}");
            let now = self.clock.now();
            self.watcher.watch(now, &RunEvent::Warning { text });
        }
    }

    /// A supervisor of our own was fenced off although we hold the run lock: somebody has touched
    /// the file of the epoch.
    fn mend_fence(&mut self, reason: NotStartedReason) {
        if reason == NotStartedReason::Fenced {
            // What cannot be written shows in the next supervisor's end.
            let _next_one_tells = epoch::write(&self.entered.dir.epoch(), self.entered.epoch);
        }
    }

    /// A supervisor says nothing more: whether it is dead, and what of its attempts, is looked at.
    fn hung_up(&mut self, slot: usize) {
        let child = self.backend.close(slot);
        let mut attempts = Vec::new();
        for (attempt, live) in &mut self.state.live {
            if live.place == Place::Slot(slot) {
                live.place = Place::Orphan;
                attempts.push(*attempt);
            }
        }
        if let Some(line) = self.state.slots.get_mut(&slot) {
            line.retiring = true;
        }
        let slot_file = self.slot_file(slot);
        self.inbox
            .inspect(Some(slot), slot_file, self.entered.here, attempts, child);
    }

    fn inspected(&mut self, inspected: Inspected) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(slot) = inspected.slot {
            let started = |(_, fate): &(AttemptId, Fate)| !matches!(fate, Fate::NeverStarted(_));
            let lived = inspected
                .fates
                .as_ref()
                .is_ok_and(|fates| fates.iter().any(started));
            self.died(slot, lived, inspected.ended);
        }
        match inspected.fates {
            Ok(fates) => {
                for (attempt, fate) in fates {
                    events.extend(self.fate(attempt, fate));
                }
                self.spent.push(inspected.slot_file);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // It died before it made its slot file, so it started nothing.
                events.extend(
                    inspected
                        .attempts
                        .into_iter()
                        .map(|attempt| Event::NotStarted {
                            attempt,
                            reason: NotStartedReason::RunnerGone,
                        }),
                );
            }
            Err(error) => self.cannot_know(&inspected.attempts, &inspected.slot_file, &error),
        }
        events.extend(inspected.slot.map(|slot| Event::SlotGone { slot }));
        events
    }

    /// A slot file cannot be read: what became of its attempts must not be guessed. The run starts
    /// nothing more; their rows stay open for the next one.
    fn cannot_know(&mut self, attempts: &[AttemptId], slot_file: &Path, error: &io::Error) {
        for attempt in attempts {
            self.state.live.remove(attempt);
        }
        let now = self.clock.now();
        let text = format!(
            "cannot read the slot file `{}`: {error}",
            slot_file.display()
        );
        self.watcher.watch(now, &RunEvent::Warning { text });
        self.stop_for_storage();
    }

    /// The event that a fate stands for; none for an attempt that goes on.
    pub(crate) fn fate(&mut self, attempt: AttemptId, fate: Fate) -> Option<Event> {
        match fate {
            Fate::Outcome(outcome) => self.judged(attempt, outcome, false),
            Fate::NeverStarted(reason) => Some(Event::NotStarted { attempt, reason }),
            Fate::Lost {
                cause,
                started_at,
                steps_done,
                survivors,
            } => {
                let mut outcome = lost(cause, started_at, self.clock.now());
                let before = self.state.live.get(&attempt)?.task.steps_done;
                outcome.account.steps_done = steps_done.max(before);
                outcome.account.checkpoint_changed = steps_done > before;
                self.judged(attempt, Box::new(outcome), survivors)
            }
            Fate::Alive { .. } => None,
        }
    }

    /// An end, with what we make of it; `None` for an attempt that is not open.
    fn judged(
        &mut self,
        attempt: AttemptId,
        mut outcome: Box<Outcome>,
        survivors: bool,
    ) -> Option<Event> {
        if outcome.account.said.is_some()
            && let Some(live) = self.state.live.get_mut(&attempt)
        {
            live.result = resultfile::whole(&self.entered.dir.result(attempt));
        }
        let live = self.state.live.get(&attempt)?;
        // Whatever happens until the beat is over is about this attempt.
        let _without_it_a_crash_counts_for_nobody = self.entered.lock.note(attempt);
        let store = &self.entered.store;
        let user = || self.patterns.for_task(store, &live.task.spec.patterns);
        let mut judgement = judge(live, &outcome, &self.entered.dir.logs(), user);
        // What is quoted from here on is stored, shown and mailed; the output itself stays in its log.
        let doubt = match &mut judgement {
            Judgement::Success => self.doubt(live, &outcome).map(|line| mask(&line)),
            Judgement::Failure(failure) => {
                mask_quotes(failure);
                None
            }
        };
        // What was saved before is no progress, or a task could flip between two values for ever. What cannot
        // be read keeps nobody from going on.
        if let Some(saved) = &outcome.account.saved
            && store
                .was_saved_before(live.task.id, attempt, saved)
                .unwrap_or(false)
        {
            outcome.account.checkpoint_changed = false;
        }
        let mut open = Vec::new();
        if live.task.healing.is_open {
            // What cannot be read is credited with nothing; the commit tells what is wrong.
            let past = self.entered.store.past_recoveries(live.task.id);
            open = past.unwrap_or_default();
            open.retain(RecoveryRecord::is_open);
        }
        let recovery = match &judgement {
            Judgement::Success => None,
            Judgement::Failure(failure) => {
                let user = self.patterns.for_task(store, &live.task.spec.patterns);
                let (live, ended) = (&live.task, (attempt, &*outcome, failure));
                self.recovery_facts(live, ended, &user, self.ran_beside(attempt))
            }
        };
        let by_window = is_stopped_by_window(live, &outcome);
        // A count that cannot be read keeps nobody from going on; the commit tells what is wrong.
        let cut_short = by_window.then(|| self.entered.store.cut_short(live.task.id));
        Some(Event::Ended {
            attempt,
            outcome,
            judgement,
            doubt,
            chance: fastrand::f64(),
            survivors,
            cut_short: cut_short.and_then(Result::ok).unwrap_or_default(),
            open,
            recovery: recovery.map(Box::new),
        })
    }

    fn ran_beside(&self, attempt: AttemptId) -> bool {
        let live = self.state.live.get(&attempt);
        live.is_some_and(|live| live.beside)
    }

    fn signalled(&mut self, signal: HaltSignal) -> Vec<Event> {
        // Who runs unattended goes on when a terminal that it was started from is closed.
        // A closing terminal says so more than once; that is no growing impatience.
        let heeded = self.attended && self.pace.signals == 0;
        if signal == HaltSignal::HangUp && !heeded {
            return Vec::new();
        }
        self.pace.signals += 1;
        let halt = match self.pace.signals {
            1 => Halt::Signal(signal),
            2 => Halt::SecondSignal(signal),
            _ => Halt::ThirdSignal(signal),
        };
        vec![Event::Halt(halt)]
    }

    /// Time has passed: what could not be known by a message is looked for.
    pub(crate) fn look_around(&mut self) {
        self.patterns.doubt();
        let now = self.clock.now();
        self.pace.looked_around = monotonic();
        self.wake_stopped(now);
        self.look_at_adopted(now);
        self.look_at_the_ground(now);
        self.look_at_pause();
        if self.pace.throttled.is_some_and(|until| until <= now) {
            self.pace.throttled = None;
        }
        self.pace.hungry = true;
        self.pace.urgent = Some(now);
        self.pace.requests = true;
    }
}

/// What we make of an end. Only for a failure is the output read, or what users say of failures.
fn judge(
    live: &Live,
    outcome: &Outcome,
    logs: &Path,
    user: impl FnOnce() -> UserPatterns,
) -> Judgement {
    let adjusted = (!live.task.healing.adjustments.is_empty()).then(|| effective(&live.task));
    let mut facts = Facts {
        spec: adjusted.as_ref().unwrap_or(&live.task.spec),
        outcome,
        stdout: &[],
        stderr: &[],
    };
    let by_facts = classify(&facts);
    let told_by_output = matches!(outcome.ended, Ended::ByItself(_));
    // Reading its output may be what brought the runner down.
    if by_facts == Judgement::Success || !told_by_output || is_poisoned(live) {
        return by_facts;
    }
    let tail = |stream| {
        // Output that cannot be read tells nothing; the exit code still does.
        tail_bytes(logs, &outcome.output, stream, TAIL).unwrap_or_default()
    };
    let (stdout, stderr) = (tail(Stream::Stdout), tail(Stream::Stderr));
    facts.stdout = &stdout;
    facts.stderr = &stderr;
    classify_with(&facts, &user())
}

fn is_stopped_by_window(live: &Live, outcome: &Outcome) -> bool {
    matches!(outcome.ended, Ended::Stopped { .. })
        && matches!(live.stopping, Some((StopReason::WindowEnded, _)))
}

fn is_poisoned(live: &Live) -> bool {
    matches!(&live.afterwards, Some(Afterwards::Hold(hold)) if hold.code == POISON)
}

/// The outcome of an attempt whose end nobody saw.
fn lost(cause: LossCause, started_at: Option<Timestamp>, now: Timestamp) -> Outcome {
    Outcome {
        ended: Ended::Lost(cause),
        started_at,
        ended_at: now,
        duration: started_at.map(|at| now.since(at)).unwrap_or_default(),
        usage: Usage::default(),
        output: OutputPlace::default(),
        leftovers: Vec::new(),
        leftover_count: 0,
        containment: Containment::Group,
        out_of_memory: false,
        notes: Vec::new(),
        account: Account::default(),
    }
}
