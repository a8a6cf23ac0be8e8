//! The figures of a run and its exit code, counted from what a watcher is told.

use std::collections::BTreeMap;

use crate::engine::events::AttemptEnd;
use crate::engine::events::Found;
use crate::engine::events::Next;
use crate::engine::events::RunEnd;
use crate::engine::events::RunEvent;
use crate::engine::events::RunTotals;
use crate::engine::events::StopCause;
use crate::model::ids::TaskId;
use crate::model::signal::Signal;
use crate::model::state::Skip;
use crate::model::state::TaskState;
use crate::store::cut_off::Ended;
use crate::store::parking::TimeWaits;

/// What happened in a run so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    ok: usize,
    recovered: usize,
    suspicious: usize,
    attempts: usize,
    /// Tasks that did not succeed, by their last word: one that is queued again may still succeed.
    others: BTreeMap<TaskId, Word>,
    /// Attempts whose command was started.
    pub(crate) started: u64,
    /// Somebody typed `autoexec stop`: then what was interrupted counts.
    stopped: bool,
}

/// The last word about a task that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Failed,
    Held,
    Blocked,
    NotNeeded,
    Interrupted,
    Cancelled,
}

impl Tally {
    /// Counts an event.
    pub(crate) fn note(&mut self, event: &RunEvent) {
        match event {
            RunEvent::AttemptStarted { .. } => self.started += 1,
            RunEvent::AttemptEnded {
                attempt, end, next, ..
            } => self.ended(attempt.task.id, attempt.number, end, next),
            // What was kept of an outcome is told by an event of its own.
            RunEvent::AfterCrash {
                attempt,
                found: Found::Reboot | Found::MaybeRan,
                next,
            } => self.ended(attempt.task.id, attempt.number, &AttemptEnd::Lost, next),
            RunEvent::AttemptDoubted { attempt, .. } => self.doubted(attempt.number),
            RunEvent::TaskHeld { task, .. } => self.word(task.id, Word::Held),
            RunEvent::TaskCancelled { task } => self.word(task.id, Word::Cancelled),
            RunEvent::TaskSkipped {
                task,
                why: Skip::Blocked,
                ..
            } => self.word(task.id, Word::Blocked),
            RunEvent::TaskSkipped {
                task,
                why: Skip::NotNeeded,
                ..
            } => self.word(task.id, Word::NotNeeded),
            RunEvent::TaskGivenUp { task, .. } => self.word(task.id, Word::Failed),
            RunEvent::RecoveryEnded { task, next, .. } => match next {
                Some(Next::Failed(_)) => self.word(task.id, Word::Failed),
                Some(Next::Held(_)) => self.word(task.id, Word::Held),
                Some(
                    Next::Done
                    | Next::Retry(_)
                    | Next::Recovering
                    | Next::NextRun
                    | Next::Cancelled,
                )
                | None => {}
            },
            RunEvent::TaskChanged { task, .. } | RunEvent::TaskCompleted { task } => {
                self.others.remove(&task.id);
            }
            RunEvent::Stopping {
                cause: StopCause::Requested | StopCause::RequestedNow,
                ..
            } => self.stopped = true,
            RunEvent::RunStarted { .. }
            | RunEvent::QueueChanged { .. }
            | RunEvent::Progress { .. }
            | RunEvent::Adopted { .. }
            | RunEvent::AfterCrash { .. }
            | RunEvent::Warning { .. }
            | RunEvent::RecoveryStarted { .. }
            | RunEvent::WaitsAlone { .. }
            | RunEvent::RecoverySuggested { .. }
            | RunEvent::RecoveryRefused { .. }
            | RunEvent::Waits { .. }
            | RunEvent::Breaker { .. }
            | RunEvent::GoesOn { .. }
            | RunEvent::TaskDeferred { .. }
            | RunEvent::Stopping { .. }
            | RunEvent::RunEnded { .. } => {}
        }
    }

    /// Counts what runs of the same night did before they died: so many attempts, and these ends.
    pub(crate) fn note_earlier(&mut self, attempts: i64, ends: Vec<Ended>) {
        self.attempts += usize::try_from(attempts).unwrap_or_default();
        for end in ends {
            match end.state {
                TaskState::Succeeded if end.failed || end.number == 0 => {}
                TaskState::Succeeded if end.doubtful => self.suspicious += 1,
                TaskState::Succeeded if end.number > 1 => self.recovered += 1,
                TaskState::Succeeded => self.ok += 1,
                TaskState::Failed => self.word(end.task, Word::Failed),
                TaskState::Cancelled => self.word(end.task, Word::Cancelled),
                TaskState::Skipped(Skip::Blocked) => self.word(end.task, Word::Blocked),
                TaskState::Skipped(Skip::NotNeeded) => self.word(end.task, Word::NotNeeded),
                TaskState::Queued { .. }
                | TaskState::Running { .. }
                | TaskState::Recovering { .. }
                | TaskState::Held(_) => {}
            }
        }
    }

    fn ended(&mut self, task: TaskId, number: u32, end: &AttemptEnd, next: &Next) {
        self.attempts += 1;
        match next {
            Next::Done => {
                self.others.remove(&task);
                if number > 1 {
                    self.recovered += 1;
                } else {
                    self.ok += 1;
                }
            }
            Next::Failed(_) => self.word(task, Word::Failed),
            Next::Held(_) => self.word(task, Word::Held),
            Next::Cancelled => self.word(task, Word::Cancelled),
            Next::NextRun if matches!(end, AttemptEnd::Interrupted(_)) => {
                self.word(task, Word::Interrupted);
            }
            Next::Retry(_) | Next::Recovering | Next::NextRun => {}
        }
    }

    /// A success counts as suspicious instead.
    fn doubted(&mut self, number: u32) {
        let counted = if number > 1 {
            &mut self.recovered
        } else {
            &mut self.ok
        };
        *counted = counted.saturating_sub(1);
        self.suspicious += 1;
    }

    fn word(&mut self, task: TaskId, word: Word) {
        self.others.insert(task, word);
    }

    fn count(&self, word: Word) -> usize {
        self.others.values().filter(|other| **other == word).count()
    }

    /// The figures at the end, when so many tasks are queued and so many held, in this run or before.
    pub(crate) fn totals(
        &self,
        queued: usize,
        held: usize,
        end: RunEnd,
        waits: TimeWaits,
    ) -> RunTotals {
        let interrupted = self.count(Word::Interrupted);
        let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let not_reached = if end == RunEnd::Deadline {
            // What was interrupted could be started at once, too.
            whole(waits.ready).saturating_sub(interrupted)
        } else {
            0
        };
        let deferred = whole(waits.parked) + not_reached;
        RunTotals {
            ok: self.ok,
            recovered: self.recovered,
            suspicious: self.suspicious,
            failed: self.count(Word::Failed),
            held,
            blocked: self.count(Word::Blocked),
            not_needed: self.count(Word::NotNeeded),
            interrupted,
            cancelled: self.count(Word::Cancelled),
            // A task that was interrupted is queued, too.
            deferred,
            waiting: queued.saturating_sub(interrupted + deferred),
            attempts: self.attempts,
        }
    }

    /// The exit code of a run that ended like this.
    pub(crate) fn exit_code(
        &self,
        end: RunEnd,
        totals: &RunTotals,
        waits: TimeWaits,
        strict: bool,
    ) -> i32 {
        let needs_a_person = totals.failed + totals.held + totals.blocked + totals.suspicious > 0
            || (self.stopped && totals.interrupted > 0)
            || (strict && totals.recovered > 0);
        let due_later = usize::try_from(waits.due_later).unwrap_or(usize::MAX);
        match end {
            RunEnd::Signal(Signal::INT) => 130,
            RunEnd::Signal(signal) => 128 + signal.number(),
            RunEnd::Storage => 3,
            RunEnd::Drained | RunEnd::Stopped | RunEnd::Deadline if needs_a_person => 1,
            // There was work, nothing was started, and it was not too early for it.
            RunEnd::Drained if self.attempts == 0 && totals.waiting > due_later => 4,
            RunEnd::Drained | RunEnd::Stopped | RunEnd::Deadline => 0,
        }
    }
}
