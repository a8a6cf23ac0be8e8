//! Why tasks did not run, in words: one by one, or counted by reason.

use std::collections::BTreeMap;

use crate::model::ids::TaskName;
use crate::policy::pick::WhyNot;
use crate::report::not_run::NotRun;
use crate::report::not_run::Reason;
use crate::report::queue_table::why_words;
use crate::report::sections::Item;
use crate::report::summary::RunSummary;
use crate::report::text::Look;
use crate::support::text::count;
use crate::support::untrusted::Untrusted;

/// Why a task did not start.
pub(crate) fn reason_words(task: &NotRun, summary: &RunSummary, look: Look) -> String {
    match &task.why {
        Reason::Turn(why) => why_words(why, summary.generated_at, look),
        Reason::WaitsFor(names) => {
            let names: Vec<&str> = names.iter().map(TaskName::as_str).collect();
            format!("waits for {}", names.join(", "))
        }
        Reason::WindowClosed => "the window was over before its turn came".to_owned(),
        Reason::Parked(by, None) => Untrusted::from(by.replace('_', " ")).for_terminal(),
        Reason::Parked(_, Some(detail)) => detail.for_terminal(),
    }
}

/// One entry per reason, with the number of tasks.
pub(crate) fn by_reason(summary: &RunSummary) -> Vec<Item> {
    let mut reasons: BTreeMap<&str, (usize, &'static str)> = BTreeMap::new();
    for task in &summary.not_run {
        let words = match &task.why {
            Reason::Turn(WhyNot::WaitingRetry { .. }) => "wait for their next attempt",
            Reason::Turn(WhyNot::RescueRound { .. }) => "wait for a rescue round",
            Reason::Turn(WhyNot::NotBefore { .. }) => "are not to start yet",
            Reason::Turn(WhyNot::BreakerOpen { .. }) => "wait for a service that does not answer",
            Reason::Turn(WhyNot::ServiceFull { .. }) => {
                "wait because a service asked us to slow down"
            }
            Reason::Turn(WhyNot::FailedAlike { .. }) => "wait because many failed as they did",
            Reason::Turn(WhyNot::Claimed) => "start as soon as a slot is free",
            Reason::Turn(WhyNot::NoSlot) => "wait for their turn",
            Reason::Turn(WhyNot::NoRun) => "wait for a run",
            Reason::Turn(WhyNot::Paused { .. }) => "wait for the end of a pause",
            Reason::Turn(WhyNot::WindowClosed { .. }) => "wait for the window",
            Reason::Turn(WhyNot::WouldNotFinish { .. }) => "would not come to their end in time",
            Reason::Turn(WhyNot::WaitingFor { .. }) | Reason::WaitsFor(_) => "wait for other tasks",
            Reason::WindowClosed => "were not reached before the window was over",
            Reason::Parked(..) if task.why.code() == "would_not_finish" => {
                "would not have been done before the window is over"
            }
            Reason::Parked(..) => "were kept back",
        };
        reasons.entry(task.why.code()).or_insert((0, words)).0 += 1;
    }
    reasons
        .into_values()
        .map(|(number, words)| Item::of(format!("{} {words}", count(number, "task"))))
        .collect()
}
