//! The words for what happens in a run: one line per event.
//!
//! `[14:23:47] deploy-portfolio: attempt 1 of 5 failed after 2.0s: network (connection refused); next
//! attempt in 4.1s`. Pure: the same event at the same time in the same zone is the same line.

use std::time::Duration;

use crate::engine::events::AttemptEnd;
use crate::engine::events::AttemptRef;
use crate::engine::events::Found;
use crate::engine::events::Next;
use crate::engine::events::RunEnd;
use crate::engine::events::RunEvent;
use crate::engine::events::RunTotals;
use crate::engine::events::TaskRef;
use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::cause_words::cause_words;
use crate::model::ids::TaskName;
use crate::model::outcome::StopReason;
use crate::model::state::Skip;
use crate::policy::classify::codes::START_AGAIN_PATTERN;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::paint::Paint;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;
use crate::ui::breaker;
use crate::ui::far::far;
use crate::ui::healing;
use crate::ui::night;
use crate::ui::stopping;

/// The most columns of a reason that is told in a line.
const REASON: usize = 100;

/// How lines are made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Where the reader's clock stands.
    pub zone: Zone,
    /// With colours or without.
    pub paint: Paint,
}

/// The line, or for a text of several lines the lines, for an event; none for what is not worth one.
pub fn words(manner: Manner, at: Timestamp, event: &RunEvent) -> Vec<String> {
    let paint = manner.paint;
    let time = paint.dim(&format!("[{}]", manner.zone.clock_time(at)));
    if let RunEvent::Warning { text } = event {
        let mut lines = text
            .lines()
            .map(|line| Untrusted::from(line).for_terminal());
        let first = lines.next().unwrap_or_default();
        let head = format!("{time} {} {first}", paint.warn("warning:"));
        return std::iter::once(head)
            .chain(lines.map(|line| format!("  {line}")))
            .collect();
    }
    sentence(manner, at, event)
        .map(|sentence| format!("{time} {sentence}"))
        .into_iter()
        .collect()
}

/// The line for a last attempt that failed, and why there is no other.
pub fn given_up(
    manner: Manner,
    at: Timestamp,
    attempt: &AttemptRef,
    why: &Classification,
    duration: Duration,
    reason: &str,
) -> String {
    let time = manner
        .paint
        .dim(&format!("[{}]", manner.zone.clock_time(at)));
    let end = AttemptEnd::Failed(why.clone());
    let how = how(
        manner.paint,
        &end,
        (None, duration),
        &Next::Failed(String::new()),
    );
    let reason = Untrusted::from(reason).for_terminal();
    format!("{time} {} {how}; {reason}", head(attempt))
}

/// Whether an event is told above the bars; what went as expected only moves them.
pub(crate) fn worth_keeping(event: &RunEvent) -> bool {
    match event {
        RunEvent::AttemptStarted { .. }
        | RunEvent::Progress { .. }
        | RunEvent::QueueChanged { .. } => false,
        RunEvent::AttemptEnded { attempt, end, .. } => {
            !matches!(end, AttemptEnd::Succeeded) || attempt.number > 1
        }
        RunEvent::RunStarted { .. }
        | RunEvent::AttemptDoubted { .. }
        | RunEvent::Waits { .. }
        | RunEvent::GoesOn { .. }
        | RunEvent::TaskDeferred { .. }
        | RunEvent::Breaker { .. }
        | RunEvent::TaskHeld { .. }
        | RunEvent::TaskSkipped { .. }
        | RunEvent::TaskGivenUp { .. }
        | RunEvent::TaskCompleted { .. }
        | RunEvent::TaskCancelled { .. }
        | RunEvent::TaskChanged { .. }
        | RunEvent::Adopted { .. }
        | RunEvent::AfterCrash { .. }
        | RunEvent::Warning { .. }
        | RunEvent::RecoveryStarted { .. }
        | RunEvent::WaitsAlone { .. }
        | RunEvent::RecoveryEnded { .. }
        | RunEvent::RecoverySuggested { .. }
        | RunEvent::RecoveryRefused { .. }
        | RunEvent::Stopping { .. }
        | RunEvent::RunEnded { .. } => true,
    }
}

/// The figures of a run: `3 ok, 1 recovered, 1 failed`; empty when it had no task.
pub fn figures(totals: &RunTotals) -> String {
    let parts = [
        (totals.ok, "ok"),
        (totals.recovered, "recovered"),
        (totals.suspicious, "suspicious"),
        (totals.failed, "failed"),
        (totals.held, "held"),
        (totals.blocked, "blocked"),
        (totals.not_needed, "not needed"),
        (totals.interrupted, "interrupted"),
        (totals.cancelled, "cancelled"),
        (totals.deferred, "deferred"),
        (totals.waiting, "waiting"),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    told.join(", ")
}

fn skipped(paint: Paint, task: &TaskRef, why: Skip, upstream: &TaskName) -> String {
    let name = &task.name;
    match why {
        Skip::Blocked => format!(
            "{name}: {}: it needs `{upstream}`, which did not succeed",
            paint.bad("blocked")
        ),
        Skip::NotNeeded => format!("{name}: not needed after how `{upstream}` ended"),
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm per event, each a line or two"
)]
fn sentence(manner: Manner, at: Timestamp, event: &RunEvent) -> Option<String> {
    let paint = manner.paint;
    let text = match event {
        RunEvent::RunStarted { .. }
        | RunEvent::Waits { .. }
        | RunEvent::GoesOn { .. }
        | RunEvent::TaskDeferred { .. } => return night::sentence(manner, at, event),
        RunEvent::Breaker { about, news } => breaker::sentence(manner, about, news),
        RunEvent::QueueChanged { .. } | RunEvent::Warning { .. } => return None,
        RunEvent::AttemptStarted { attempt } => format!("{} started", head(attempt)),
        RunEvent::Progress {
            attempt,
            step,
            progress,
        } => match far(*step, progress) {
            nothing if nothing.is_empty() => return None,
            far => format!("{}: {far}", attempt.task.name),
        },
        RunEvent::AttemptEnded {
            attempt,
            end,
            step,
            duration,
            next,
        } => format!(
            "{} {}{}",
            head(attempt),
            how(paint, end, (step.as_deref(), *duration), next),
            follows(attempt, at, next, judgement(end))
        ),
        RunEvent::AttemptDoubted { attempt, why } => format!(
            "{} is {}: {}",
            head(attempt),
            paint.warn("suspicious"),
            Untrusted::from(why.as_str()).for_terminal()
        ),
        RunEvent::TaskHeld { task, hold } => {
            let reason = Untrusted::from(hold.reason.as_str()).for_terminal();
            format!("{}: {}: {reason}", task.name, paint.warn("held"))
        }
        RunEvent::TaskSkipped {
            task,
            why,
            upstream,
        } => skipped(paint, task, *why, upstream),
        RunEvent::TaskCompleted { task } => format!("{}: declared done", task.name),
        RunEvent::TaskGivenUp { task, reason } => {
            let reason = Untrusted::from(reason.as_str()).for_terminal();
            format!("{}: {}: {reason}", task.name, paint.bad("failed"))
        }
        RunEvent::TaskCancelled { task } => format!("{}: cancelled", task.name),
        RunEvent::TaskChanged { task, what } => {
            format!(
                "{} {}",
                task.name,
                Untrusted::from(what.as_str()).for_terminal()
            )
        }
        RunEvent::RecoveryStarted { .. }
        | RunEvent::WaitsAlone { .. }
        | RunEvent::RecoveryEnded { .. }
        | RunEvent::RecoverySuggested { .. }
        | RunEvent::RecoveryRefused { .. } => return healing::sentence(manner, at, event),
        RunEvent::Adopted { attempt, .. } => format!(
            "{} was still running when the last run ended; it goes on",
            head(attempt)
        ),
        RunEvent::AfterCrash {
            attempt,
            found,
            next,
        } => after_crash(attempt, at, *found, next),
        RunEvent::Stopping { cause, running } => stopping::sentence(*cause, *running),
        RunEvent::RunEnded { because, totals } => {
            let figures = figures(totals);
            let figures = if figures.is_empty() {
                figures
            } else {
                format!(": {figures}")
            };
            format!("the run ended: {}{figures}", ended(*because))
        }
    };
    Some(text)
}

/// What recovery found of an attempt.
fn after_crash(attempt: &AttemptRef, at: Timestamp, found: Found, next: &Next) -> String {
    let head = head(attempt);
    let what = match found {
        // How it ended, and what follows, comes in a line of its own.
        Found::Outcome => return format!("{head} ended while no run was active"),
        Found::NeverStarted => "never started, the last run ended before",
        Found::Reboot => "was cut short when the machine went down",
        Found::MaybeRan => "was lost in a crash and may have finished",
    };
    // The run that has found it is the next one.
    if matches!(next, Next::NextRun) {
        return format!("{head} {what}; it is queued again");
    }
    format!("{head} {what}{}", follows(attempt, at, next, None))
}

/// `name: attempt 2 of 5`; an attempt beyond the limit, such as a last resort, is told without it.
fn head(attempt: &AttemptRef) -> String {
    let AttemptRef { number, limit, .. } = attempt;
    let name = &attempt.task.name;
    if number > limit {
        format!("{name}: attempt {number}")
    } else {
        format!("{name}: attempt {number} of {limit}")
    }
}

/// How an attempt ended and after what time, fit to follow its head.
fn how(
    paint: Paint,
    end: &AttemptEnd,
    (step, duration): (Option<&str>, Duration),
    next: &Next,
) -> String {
    let after = span(duration);
    match end {
        AttemptEnd::Succeeded => format!("{} after {after}", paint.good("succeeded")),
        AttemptEnd::Failed(why) => {
            let cause = cause_words(why.category, &why.pattern);
            // Who saved something and asks for another start has not failed.
            let asks = why.pattern == START_AGAIN_PATTERN && !matches!(next, Next::Failed(_));
            if asks {
                return format!("ended after {after}: {cause}");
            }
            let failed = paint.bad("failed");
            // Another attempt may still do; of the last one the reason itself is told.
            let line = match (next, &why.line) {
                (Next::Failed(_), Some(line)) => {
                    format!(
                        ": {}",
                        Untrusted::from(line.as_str()).for_terminal_within(REASON)
                    )
                }
                _ => String::new(),
            };
            let step = step.map(|step| Untrusted::from(step).for_terminal());
            let step = step.map_or_else(String::new, |step| format!(" in step `{step}`"));
            format!("{failed}{step} after {after}: {cause}{line}")
        }
        // What is wrong with the recovery comes in a line of its own.
        AttemptEnd::Unprepared { cause, .. } => {
            let remains = cause.as_ref().map(|cause| {
                let words = cause_words(cause.category, &cause.pattern);
                format!("; {words} remains")
            });
            let not = paint.bad("did not start");
            let remains = remains.unwrap_or_default();
            format!("{not}, as the recovery before it failed{remains}")
        }
        AttemptEnd::Interrupted(reason) => {
            let why = stopped(*reason);
            format!("{} after {after}: {why}", paint.warn("stopped"))
        }
        AttemptEnd::Lost => format!(
            "{} after {after}: its supervisor died and what was left of it was killed; it may have finished before",
            paint.bad("lost")
        ),
    }
}

const fn judgement(end: &AttemptEnd) -> Option<&Classification> {
    match end {
        AttemptEnd::Failed(why) => Some(why),
        AttemptEnd::Unprepared { remedy, .. } => Some(remedy),
        AttemptEnd::Succeeded | AttemptEnd::Interrupted(_) | AttemptEnd::Lost => None,
    }
}

/// What becomes of the task, fit to follow what became of the attempt.
fn follows(
    attempt: &AttemptRef,
    at: Timestamp,
    next: &Next,
    why: Option<&Classification>,
) -> String {
    match next {
        // What is done about it comes in a line of its own.
        Next::Done | Next::Recovering => String::new(),
        Next::Retry(due) if *due <= at => "; next attempt now".to_owned(),
        Next::Retry(due) => format!("; next attempt in {}", span(due.since(at))),
        Next::NextRun => "; it is started again in the next run".to_owned(),
        // The reason is in the line itself, and no output says more.
        Next::Failed(reason) if why.is_some_and(known_without_output) => for_good(reason),
        Next::Failed(reason) => {
            let task = attempt.task.id;
            format!("{}; see `autoexec logs {task}`", for_good(reason))
        }
        Next::Held(hold) => format!(
            "; held: {}",
            Untrusted::from(hold.reason.as_str()).for_terminal()
        ),
        Next::Cancelled => "; cancelled".to_owned(),
    }
}

/// That there is no other attempt, and why.
pub(super) fn for_good(reason: &str) -> String {
    let reason = Untrusted::from(reason).for_terminal_within(2 * REASON);
    format!("; it failed for good: {reason}")
}

/// Whether the judgement rests on a fact of our own, such as a program that is not there, and not
/// on what the task wrote.
fn known_without_output(why: &Classification) -> bool {
    why.line.is_some() && why.confidence >= 1.0 && why.category != Category::Timeout
}

const fn stopped(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Cancelled => "somebody called it off",
        StopReason::Held => "somebody put it aside",
        StopReason::Completed => "somebody declared it done",
        StopReason::RunStopped => "the run was stopped",
        StopReason::WindowEnded => "its window ended",
        StopReason::RunnerGone => "the run died",
    }
}

/// Why a run is over, in words that fit after `the run ended:`.
fn ended(because: RunEnd) -> String {
    match because {
        RunEnd::Drained => "nothing is left to do".to_owned(),
        RunEnd::Stopped => "it was stopped".to_owned(),
        RunEnd::Signal(signal) => signal.to_string(),
        RunEnd::Deadline => "its time is over".to_owned(),
        RunEnd::Storage => "the queue cannot be written".to_owned(),
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
