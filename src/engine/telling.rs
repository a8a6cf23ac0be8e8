//! Telling people who are elsewhere: what a run puts into the outbox, and the courier that takes it out.
//!
//! The run only writes: a notice is part of the transaction that makes it true. It is delivered by a
//! process of its own, the courier, so that no target, however slow or broken, can hold up the loop, and
//! so that no address and no password is ever in the memory of a run. A courier that fails is started
//! again later; a run without one works as well.

use std::ffi::OsString;
use std::process::Child;
use std::time::Duration;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::events::AttemptEnd;
use crate::engine::events::Found;
use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::events::RunTotals;
use crate::engine::events::TaskRef;
use crate::model::cause_words::cause_words;
use crate::model::ids::RunId;
use crate::model::notice::Digest;
use crate::model::notice::FailedTask;
use crate::model::notice::Notice;
use crate::model::notice::Subscriber;
use crate::model::notice::Trouble;
use crate::model::state::Hold;
use crate::process::detached;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::outbox;
use crate::store::runs;
use crate::store::runs::RunEnd;
use crate::support::clock::Timestamp;
use crate::support::clock::monotonic;

/// Between two starts of a courier at least; it doubles while couriers fail.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The same after many failures.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Makes a courier read its message from standard input, because the queue cannot be written.
pub const UNRECORDED: &str = "--unrecorded";

/// Whom a run tells what, and how.
#[derive(Debug, Clone, Default)]
pub struct Telling {
    /// Who wants to hear of what.
    pub subscribers: Vec<Subscriber>,
    /// The courier: this program with the arguments that make it deliver.
    pub courier: Vec<OsString>,
}

/// The courier of a run.
#[derive(Debug, Default)]
pub(crate) struct Courier {
    pub(crate) telling: Telling,
    child: Option<Child>,
    /// Whether something came into the outbox since it was looked at.
    is_stale: bool,
    /// When the next message is to be tried.
    next: Option<Timestamp>,
    /// No courier is started before this instant of the clock that does not jump.
    not_before: Duration,
    /// Couriers in a row that failed.
    failures: u32,
}

impl Courier {
    pub(crate) fn new(telling: Telling) -> Self {
        Self {
            // An earlier run may have left something.
            is_stale: true,
            telling,
            ..Self::default()
        }
    }

    /// How long the loop may wait before it looks after the courier.
    pub(crate) fn patience(&self, now: Timestamp) -> Option<Duration> {
        if self.telling.subscribers.is_empty() {
            return None;
        }
        if self.child.is_some() {
            return Some(SHORTEST_PAUSE);
        }
        let pause = self.not_before.saturating_sub(monotonic());
        self.next.map(|next| next.since(now).max(pause))
    }

    /// Puts a notice into the outbox.
    fn put(
        &mut self,
        tx: &Transaction<'_>,
        run: Option<RunId>,
        notice: &Notice,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        outbox::put(tx, &self.telling.subscribers, run, notice, now)?;
        self.is_stale = true;
        Ok(())
    }

    fn start(&mut self) {
        self.not_before = monotonic() + SHORTEST_PAUSE;
        match detached::start(&self.telling.courier, b"") {
            Ok(child) => self.child = Some(child),
            Err(error) => {
                tracing::warn!(%error, "cannot start a courier for notifications");
                self.failed();
            }
        }
    }

    fn failed(&mut self) {
        let pause = SHORTEST_PAUSE.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.not_before = monotonic() + pause.min(LONGEST_PAUSE);
    }

    /// Whether a courier is at work.
    fn is_at_work(&mut self) -> bool {
        let Some(child) = &mut self.child else {
            return false;
        };
        match child.try_wait() {
            Ok(None) => return true,
            Ok(Some(status)) if status.success() => self.failures = 0,
            Ok(Some(_)) | Err(_) => self.failed(),
        }
        self.child = None;
        self.is_stale = true;
        false
    }
}

impl Dispatcher<'_> {
    /// Starts a courier when a message is due and none is at work. Never waits.
    pub(crate) fn look_after_courier(&mut self, now: Timestamp) {
        let nobody_listens = self.courier.telling.subscribers.is_empty() || self.run.is_none();
        if nobody_listens || self.pace.failure.is_some() || self.courier.is_at_work() {
            return;
        }
        if std::mem::take(&mut self.courier.is_stale) {
            match self.entered.store.next_message() {
                Ok(next) => self.courier.next = next,
                Err(error) => tracing::warn!(%error, "cannot look into the outbox"),
            }
        }
        let is_due = self.courier.next.is_some_and(|next| next <= now);
        if is_due && monotonic() >= self.courier.not_before {
            self.courier.start();
        }
    }

    /// Notes the end of the run, and tells of it.
    pub(crate) fn record_end(
        &mut self,
        run: RunId,
        end: &RunEnd,
        totals: &RunTotals,
    ) -> Result<(), StoreError> {
        let telling = &self.courier.telling;
        self.entered.store.write(|tx| {
            runs::end(tx, run, end)?;
            tell_end(tx, telling, run, end, totals)
        })
    }

    /// Tells of something that is wrong with the queue, the machine or the run.
    pub(crate) fn tell_trouble(&mut self, component: &str, message: &str, now: Timestamp) {
        if self.courier.telling.subscribers.is_empty() || self.run.is_none() {
            return;
        }
        let notice = trouble(component, message, now);
        let (courier, run) = (&mut self.courier, self.run);
        // What is written into a database that was taken away is read by nobody.
        let is_lost = self.pace.failure.is_some() || self.ground.lost().is_some();
        let store = &mut self.entered.store;
        if is_lost
            || store
                .write(|tx| courier.put(tx, run, &notice, now))
                .is_err()
        {
            tell_unrecorded(&self.courier.telling, &notice);
        }
    }
}

/// A notice of something that is wrong.
pub fn trouble(component: &str, message: &str, at: Timestamp) -> Notice {
    Notice::Critical(Digest::of(Trouble {
        component: component.to_owned(),
        message: message.to_owned(),
        at,
    }))
}

/// Sends a notice past the queue, because that cannot be written.
pub fn tell_unrecorded(telling: &Telling, notice: &Notice) {
    let Ok(message) = serde_json::to_vec(notice) else {
        return;
    };
    let mut argv = telling.courier.clone();
    argv.push(UNRECORDED.into());
    // The alert and the exit code tell it, too.
    if let Err(error) = detached::start(&argv, &message) {
        tracing::warn!(%error, "cannot start a courier for notifications");
    }
}

/// Tells of the beginning of a run.
pub(crate) fn tell_start(
    tx: &Transaction<'_>,
    telling: &Telling,
    (run, mode): (RunId, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    if telling.subscribers.is_empty() {
        return Ok(());
    }
    let notice = Notice::RunStarted {
        mode: mode.to_owned(),
        queued: tx.count_unfinished(crate::store::pick::Selection::All)?,
        at: now,
    };
    outbox::put(tx, &telling.subscribers, Some(run), &notice, now).map(drop)
}

/// Tells of the end of a run: that it is over, and its report.
fn tell_end(
    tx: &Transaction<'_>,
    telling: &Telling,
    run: RunId,
    end: &RunEnd,
    totals: &RunTotals,
) -> Result<(), StoreError> {
    if telling.subscribers.is_empty() {
        return Ok(());
    }
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    outbox::run_ends(tx, run, end.at)?;
    let finished = Notice::RunFinished {
        because: end.because.clone(),
        exit_code: end.exit_code,
        done: number(totals.ok + totals.recovered + totals.suspicious),
        needing: number(totals.failed + totals.held + totals.blocked + totals.suspicious),
        at: end.at,
    };
    for notice in [finished, Notice::Report] {
        outbox::put(tx, &telling.subscribers, Some(run), &notice, end.at)?;
    }
    Ok(())
}

/// Puts what needs a person among the events of a beat into the outbox.
pub(crate) fn tell_failures<'a>(
    tx: &Transaction<'_>,
    courier: &mut Courier,
    run: Option<RunId>,
    events: impl Iterator<Item = &'a RunEvent>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if courier.telling.subscribers.is_empty() || run.is_none() {
        return Ok(());
    }
    for task in events.filter_map(|event| failed_task(event, now)) {
        let notice = Notice::TasksFailed(Digest::of(task));
        courier.put(tx, run, &notice, now)?;
    }
    Ok(())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what a watcher is told besides needs nobody"
)]
/// A task that needs a person from now on. What was put aside by hand is known to whoever did it.
fn failed_task(event: &RunEvent, at: Timestamp) -> Option<FailedTask> {
    let failed = |task: &TaskRef, held, why: String, line: Option<String>| {
        Some(FailedTask {
            id: task.id,
            name: task.name.clone(),
            held,
            why,
            line,
            at,
        })
    };
    let put_aside = |task: &TaskRef, hold: &Hold, line: Option<String>| {
        (hold.code != "by_hand")
            .then(|| failed(task, true, hold.reason.clone(), line))
            .flatten()
    };
    match event {
        RunEvent::AttemptEnded {
            attempt, end, next, ..
        } => {
            let (why, line) = words(end);
            match next {
                Next::Failed(_) => failed(&attempt.task, false, why, line),
                Next::Held(hold) => put_aside(&attempt.task, hold, line),
                Next::Done
                | Next::Retry(_)
                | Next::Recovering
                | Next::NextRun
                | Next::Cancelled => None,
            }
        }
        RunEvent::AfterCrash {
            attempt,
            found: Found::Reboot | Found::MaybeRan,
            next,
        } => match next {
            Next::Failed(_) => failed(&attempt.task, false, words(&AttemptEnd::Lost).0, None),
            Next::Held(hold) => put_aside(&attempt.task, hold, None),
            Next::Done | Next::Retry(_) | Next::Recovering | Next::NextRun | Next::Cancelled => {
                None
            }
        },
        RunEvent::TaskHeld { task, hold } => put_aside(task, hold, None),
        RunEvent::TaskGivenUp { task, reason } => failed(task, false, reason.clone(), None),
        _ => None,
    }
}

fn words(end: &AttemptEnd) -> (String, Option<String>) {
    match end {
        AttemptEnd::Failed(judged) => (
            cause_words(judged.category, &judged.pattern),
            judged.line.clone(),
        ),
        AttemptEnd::Unprepared { remedy, cause } => {
            let judged = cause.as_ref().unwrap_or(remedy);
            let words = cause_words(judged.category, &judged.pattern);
            let remedy = remedy.line.as_deref().filter(|_| cause.is_some());
            let remedy = remedy.map(|line| format!("; {line}"));
            let why = format!("{words}{}", remedy.unwrap_or_default());
            (why, judged.line.clone())
        }
        AttemptEnd::Lost => ("nobody saw its end".to_owned(), None),
        AttemptEnd::Interrupted(_) => ("it was stopped".to_owned(), None),
        AttemptEnd::Succeeded => ("it succeeded".to_owned(), None),
    }
}

#[cfg(test)]
#[path = "telling_tests.rs"]
mod tests;
