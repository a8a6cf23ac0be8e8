//! A run as it is seen: bars on a terminal, plain lines anywhere else.
//!
//! On a terminal: one line per running attempt with its elapsed time, one for what waits for its
//! next attempt, one for the whole. No line is ever wider than the terminal: a wrapped line cannot
//! be redrawn in place. What is worth keeping scrolls by above. Standard error gets all of it; it
//! may go away, or be a file, without any effect on the run.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use crate::engine::events::AttemptRef;
use crate::engine::events::Found;
use crate::engine::events::Next;
use crate::engine::events::RunEvent;
use crate::engine::events::RunWatcher;
use crate::engine::events::StopCause;
use crate::engine::events::TaskRef;
use crate::engine::hours::Bar;
use crate::model::ids::AttemptId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::support::clock::Timestamp;
use crate::ui::aside::Aside;
use crate::ui::far::far;
use crate::ui::hanging::hang;
use crate::ui::hanging::terminal;
use crate::ui::lines::Manner;
use crate::ui::lines::words;
use crate::ui::lines::worth_keeping;
use crate::ui::night;
use crate::ui::plain::Lines;
use crate::ui::printer::ErrorStream;
use crate::ui::stopping::stopping;
use crate::ui::terminal::LosableTerminal;
use crate::ui::ticker::Drawn;
use crate::ui::ticker::Ticker;
use crate::ui::ticker::Waits;
use crate::ui::ticker::style;

/// The most attempts that have a line of their own at once.
const MOST_LINES: usize = 16;

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Bars that are redrawn in place; for a terminal.
    Bars,
    /// One line per event.
    Lines,
    /// Warnings only.
    Warnings,
}

/// Whoever shows a run in this way on standard error, beside the run. Dropping it waits until
/// everything is shown.
pub fn watcher(stream: &ErrorStream, manner: Manner, show: Show) -> Box<dyn RunWatcher + Send> {
    let warnings_only = show == Show::Warnings;
    let inner: Box<dyn RunWatcher + Send> = match show {
        Show::Bars => Box::new(Bars::new(
            stream.clone(),
            manner,
            ProgressDrawTarget::term_like_with_hz(Box::new(LosableTerminal::standard_error()), 8),
        )),
        Show::Lines | Show::Warnings => Box::new(Lines::new(stream.clone(), manner, warnings_only)),
    };
    Box::new(Aside::new(inner))
}

/// An attempt that runs.
struct Running {
    text: String,
    /// How far it is, by its own word.
    far: String,
    started_at: Timestamp,
    bar: Option<ProgressBar>,
}

impl Running {
    fn message(&self) -> String {
        format!("{}{}", self.text, self.far)
    }
}

/// Bars on a terminal.
struct Bars {
    stream: ErrorStream,
    manner: Manner,
    multi: MultiProgress,
    whole: ProgressBar,
    waits: Option<ProgressBar>,
    running: BTreeMap<AttemptId, Running>,
    waiting: BTreeMap<TaskId, (Timestamp, TaskName)>,
    /// Tasks for which something is waited for before they are tried again.
    recovering: BTreeSet<TaskId>,
    failed: usize,
    stopping: Option<StopCause>,
    bar: Option<Bar>,
    until: Option<Timestamp>,
    drawn: Arc<Mutex<Drawn>>,
    ticker: Option<Ticker>,
}

impl Bars {
    fn new(stream: ErrorStream, manner: Manner, target: ProgressDrawTarget) -> Self {
        let multi = MultiProgress::with_draw_target(target);
        let whole = multi
            .add(ProgressBar::new(0).with_style(style("{bar:20} {pos}/{len} {span} {wide_msg}")));
        stream.attach(multi.clone());
        let drawn = Arc::default();
        Self {
            stream,
            manner,
            multi,
            ticker: Ticker::start(Arc::clone(&drawn)),
            whole,
            waits: None,
            running: BTreeMap::new(),
            waiting: BTreeMap::new(),
            recovering: BTreeSet::new(),
            failed: 0,
            stopping: None,
            bar: None,
            until: None,
            drawn,
        }
    }

    fn started(&mut self, attempt: &AttemptRef, started_at: Timestamp) {
        self.waiting.remove(&attempt.task.id);
        self.recovering.remove(&attempt.task.id);
        let number = attempt.number;
        let (name, limit) = (&attempt.task.name, attempt.limit);
        let text = match number {
            1 => name.to_string(),
            _ if number > limit => format!("{name} (attempt {number})"),
            _ => format!("{name} (attempt {number} of {limit})"),
        };
        let running = Running {
            text,
            far: String::new(),
            started_at,
            bar: None,
        };
        self.running.insert(attempt.id, running);
    }

    fn ended(&mut self, attempt: &AttemptRef, next: &Next) {
        if let Some(bar) = self.running.remove(&attempt.id).and_then(|gone| gone.bar) {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
        self.goes_on(&attempt.task, next);
    }

    /// What became of a task after an attempt or a recovery.
    fn goes_on(&mut self, task: &TaskRef, next: &Next) {
        self.recovering.remove(&task.id);
        match next {
            Next::Retry(due) => {
                self.waiting.insert(task.id, (*due, task.name.clone()));
            }
            Next::Failed(_) => {
                self.failed += 1;
                self.finished(task.id);
            }
            Next::Done | Next::Held(_) | Next::Cancelled => self.finished(task.id),
            Next::Recovering => drop(self.recovering.insert(task.id)),
            Next::NextRun => {}
        }
    }

    fn came_further(&mut self, attempt: &AttemptRef, far: &str) {
        if let Some(one) = self.running.get_mut(&attempt.id) {
            one.far = format!("  {far}");
            if let Some(bar) = &one.bar {
                bar.set_message(one.message());
            }
        }
    }

    fn finished(&mut self, task: TaskId) {
        self.waiting.remove(&task);
        self.recovering.remove(&task);
        self.whole.inc(1);
    }

    /// Changes what is counted and who has a line.
    fn take(&mut self, at: Timestamp, event: &RunEvent) {
        match event {
            RunEvent::Waits { bar } => self.bar = Some(*bar),
            RunEvent::GoesOn { until, .. } => {
                self.bar = None;
                self.until = *until;
            }
            RunEvent::RunStarted { queued, .. } | RunEvent::QueueChanged { queued } => {
                if let RunEvent::RunStarted { until, .. } = event {
                    self.until = *until;
                }
                let unfinished = u64::try_from(*queued).unwrap_or(u64::MAX);
                self.whole
                    .set_length(self.whole.position().saturating_add(unfinished));
            }
            RunEvent::AttemptStarted { attempt } => self.started(attempt, at),
            RunEvent::Adopted {
                attempt,
                started_at,
            } => self.started(attempt, started_at.unwrap_or(at)),
            RunEvent::Progress {
                attempt,
                step,
                progress,
            } => self.came_further(attempt, &far(*step, progress)),
            RunEvent::AttemptEnded { attempt, next, .. } => self.ended(attempt, next),
            // An outcome that was kept is told by an end of the attempt as well.
            RunEvent::AfterCrash {
                attempt,
                found,
                next,
            } if *found != Found::Outcome => self.ended(attempt, next),
            RunEvent::RecoveryEnded {
                task,
                next: Some(next),
                ..
            } => self.goes_on(task, next),
            RunEvent::TaskChanged { .. } => self.whole.inc_length(1),
            RunEvent::TaskHeld { task, .. }
            | RunEvent::TaskSkipped { task, .. }
            | RunEvent::TaskGivenUp { task, .. }
            | RunEvent::TaskCompleted { task }
            | RunEvent::TaskCancelled { task } => self.finished(task.id),
            RunEvent::AttemptDoubted { .. }
            | RunEvent::AfterCrash { .. }
            | RunEvent::TaskDeferred { .. }
            | RunEvent::RecoveryStarted { .. }
            | RunEvent::WaitsAlone { .. }
            | RunEvent::RecoveryEnded { next: None, .. }
            | RunEvent::RecoverySuggested { .. }
            | RunEvent::RecoveryRefused { .. }
            | RunEvent::Breaker { .. }
            | RunEvent::Warning { .. }
            | RunEvent::RunEnded { .. } => {}
            RunEvent::Stopping { cause, .. } => self.stopping = Some(*cause),
        }
    }

    /// Gives lines to attempts that have none while there is room, and words the other two lines.
    fn draw(&mut self, at: Timestamp) {
        let shown = self
            .running
            .values()
            .filter(|one| one.bar.is_some())
            .count();
        let below = self.waits.as_ref().unwrap_or(&self.whole);
        let multi = &self.multi;
        let without = self.running.values_mut().filter(|one| one.bar.is_none());
        for one in without.take(MOST_LINES.saturating_sub(shown)) {
            let bar = ProgressBar::no_length()
                .with_style(style("  {span:>8}  {wide_msg}"))
                .with_message(one.message())
                .with_elapsed(at.since(one.started_at));
            one.bar = Some(multi.insert_before(below, bar));
        }
        self.draw_waits(at);
        // Tasks may be added while the run goes on.
        let open = self.running.len() + self.waiting.len() + self.recovering.len();
        let least = self.whole.position() + u64::try_from(open).unwrap_or_default();
        if self.whole.length().is_none_or(|length| length < least) {
            self.whole.set_length(least);
        }
        let mut parts = vec![match self.stopping {
            None => format!("{} running", self.running.len()),
            Some(cause) => self.manner.paint.warn(&stopping(cause, self.running.len())),
        }];
        // What does not fit is cut off at the end, and this is not to be missed.
        if self.failed > 0 {
            parts.push(self.manner.paint.bad(&format!("{} failed", self.failed)));
        }
        if self.stopping.is_none() {
            parts.extend(night::bar_words(self.manner, at, self.bar, self.until));
        }
        if !self.recovering.is_empty() {
            parts.push(format!("{} recovering", self.recovering.len()));
        }
        if !self.waiting.is_empty() {
            parts.push(format!("{} waiting for a retry", self.waiting.len()));
        }
        self.whole.set_message(parts.join(", "));
        let bars = self.running.values().filter_map(|one| one.bar.clone());
        let bars: Vec<ProgressBar> = bars.chain([self.whole.clone()]).collect();
        let waits = self.waits.clone().map(|line| (line, self.waits_at(at)));
        let drawn = Drawn { bars, waits };
        drawn.tick();
        *self.drawn.lock().unwrap_or_else(PoisonError::into_inner) = drawn;
    }

    /// The line of those that wait is there only as long as there are any.
    fn draw_waits(&mut self, at: Timestamp) {
        // A run that stops starts nothing more.
        if self.waiting.is_empty() || self.stopping.is_some() {
            self.clear_waits();
            return;
        }
        let words = self.waits_at(at).words(Duration::ZERO);
        let line = self.waits.get_or_insert_with(|| {
            let line = ProgressBar::no_length().with_style(style("  {wide_msg}"));
            self.multi.insert_before(&self.whole, line)
        });
        line.reset_elapsed();
        line.set_message(words);
    }

    fn clear_waits(&mut self) {
        if let Some(line) = self.waits.take() {
            line.finish_and_clear();
            self.multi.remove(&line);
        }
    }

    fn waits_at(&self, at: Timestamp) -> Waits {
        let mut soonest: Vec<(Timestamp, TaskName)> = self.waiting.values().cloned().collect();
        soonest.sort_unstable();
        soonest.truncate(8);
        Waits {
            zone: self.manner.zone,
            told_at: at,
            soonest,
        }
    }

    fn clear(&mut self) {
        drop(self.ticker.take());
        for bar in self.running.values().filter_map(|one| one.bar.as_ref()) {
            bar.finish_and_clear();
        }
        self.running.clear();
        self.clear_waits();
        self.whole.finish_and_clear();
        let _nobody_to_tell = self.multi.clear();
        self.stream.detach();
    }
}

impl RunWatcher for Bars {
    fn watch(&mut self, at: Timestamp, event: &RunEvent) {
        self.take(at, event);
        let over = matches!(event, RunEvent::RunEnded { .. });
        if over {
            self.clear();
        }
        if worth_keeping(event) {
            let width = terminal();
            for line in words(self.manner, at, event) {
                for line in hang(&line, width) {
                    self.stream.line(&line);
                }
            }
        }
        if !over {
            self.draw(at);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bars")
            .field("running", &self.running.len())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
