//! The stages of an attempt with their times, as lines of a page and as JSON.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::model::attempt::AttemptState;
use crate::model::state::TaskEvent;
use crate::policy::trace::Reached;
use crate::policy::trace::TraceFacts;
use crate::policy::trace::stalled;
use crate::policy::trace::trace;
use crate::report::task_page::Whole;
use crate::report::text::Look;
use crate::store::AttemptRecord;
use crate::store::Event;
use crate::store::LoggedEvent;
use crate::support::clock::Timestamp;
use crate::support::table::wrap;
use crate::support::text::span;

/// Columns by which the lines of an attempt are indented.
const INDENT: usize = 7;

/// What is known of the way of one of a task's attempts.
pub(crate) fn facts(whole: &Whole, attempt: &AttemptRecord) -> TraceFacts {
    let outcome = attempt.outcome.as_ref();
    let printed = whole
        .printed
        .as_ref()
        .filter(|_| attempt.state == AttemptState::Running);
    TraceFacts {
        queued_at: queued_at(&whole.events, attempt),
        claimed_at: Some(attempt.claimed_at),
        required: outcome.and_then(|ended| ended.account.required),
        started_at: attempt.started_at,
        first_output: outcome
            .and_then(|ended| ended.output.first_after)
            .or(printed.and_then(|printed| printed.first)),
        last_output: outcome
            .and_then(|ended| ended.output.last_after)
            .or(printed.and_then(|printed| printed.last)),
        ran_for: outcome
            .filter(|ended| ended.started_at.is_some())
            .map(|ended| ended.duration),
        checked: outcome.and_then(|ended| ended.account.checked),
        over_at: outcome.map(|ended| ended.ended_at),
        recorded_at: attempt.recorded_at,
    }
}

/// Since when the task could be started: from the last event before the claim that queued it.
fn queued_at(events: &[LoggedEvent], attempt: &AttemptRecord) -> Option<Timestamp> {
    let claim = TaskEvent::Claimed {
        attempt: attempt.id,
    };
    let claimed = events
        .iter()
        .position(|event| event.event == Event::Task(claim.clone()))?;
    events.get(..claimed)?.iter().rev().find_map(|event| {
        let until = match &event.event {
            Event::Added { due, .. } => *due,
            Event::Task(
                TaskEvent::RetryScheduled { until, .. }
                | TaskEvent::Recovered { until, .. }
                | TaskEvent::Postponed { until }
                | TaskEvent::ReleasedUntil { until },
            ) => Some(*until),
            Event::Task(TaskEvent::Interrupted { until, .. } | TaskEvent::Revived { until }) => {
                *until
            }
            Event::Task(TaskEvent::Released | TaskEvent::Requeued) => None,
            Event::Task(_)
            | Event::Redefined { .. }
            | Event::Reprioritized { .. }
            | Event::Removed
            | Event::Accepted { .. }
            | Event::StopWanted { .. } => {
                return None;
            }
        };
        Some(until.map_or(event.at, |until| until.max(event.at)))
    })
}

/// The stages as lines of a page.
pub(crate) fn lines(
    facts: &TraceFacts,
    silence: Duration,
    now: Timestamp,
    look: Look,
) -> Vec<String> {
    let reached = trace(facts);
    let words: Vec<String> = reached.iter().map(|one| words(one, look)).collect();
    let mut lines = wrap(&words.join(", "), look.width.saturating_sub(INDENT));
    if let Some(stalled) = stalled(facts, silence, now) {
        let long = span(now.since(stalled.since));
        lines.push(
            look.paint
                .warn(&format!("it {} for {long}", stalled.words())),
        );
    }
    let indent = " ".repeat(INDENT);
    lines
        .into_iter()
        .map(|line| format!("{indent}{}", line.replace('`', "")))
        .collect()
}

/// `started +0.2s`, in backticks, so that it is kept together when lines are broken.
fn words(one: &Reached, look: Look) -> String {
    let stage = one.stage.as_str().replace('_', " ");
    match one.after {
        Some(after) => format!("`{stage} +{}`", span(after)),
        None => format!("`{stage} {}`", look.zone.clock_time(one.at)),
    }
}

/// The stages as JSON: their times and how long after the stage before.
pub(crate) fn value(facts: &TraceFacts) -> Vec<Value> {
    trace(facts)
        .iter()
        .map(|one| {
            json!({
                "stage": one.stage.as_str(),
                "at": one.at.to_rfc3339(),
                "after_ms": one.after.map(|after| after.as_millis()),
            })
        })
        .collect()
}

#[cfg(test)]
#[path = "stages_tests.rs"]
mod tests;
