//! What is to be thought of the last nights: whether there was one, and whether more failed than
//! before.

use std::time::Duration;

use crate::model::alert::Level;
use crate::policy::health::queue::names;
use crate::policy::health::{Component, Reading, Thresholds};
use crate::policy::window::Hours;
use crate::support::clock::Timestamp;
use crate::support::text::{count, span};

/// A timer that is so late has not fired.
const LATE: Duration = Duration::from_mins(15);
/// So long before the window a run may have begun that waits for it.
const EARLY: Duration = Duration::from_hours(20);
/// The most nights that are counted as missed.
const MOST: u32 = 30;

/// A run that keeps to the hours of the night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Night {
    /// When it began.
    pub started: Timestamp,
    /// When its window opened, where it is known.
    pub opened: Option<Timestamp>,
}

/// By what it is known that a night was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A timer was installed at that time.
    Timer(Timestamp),
    /// There were runs at night before, and there is something to do.
    Habit,
}

/// Nights that went by without a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// When the window of the last of them opened.
    pub opened: Timestamp,
    /// How many in a row; counted up to a month.
    pub nights: u32,
    /// By what they were expected.
    pub expected: Expected,
}

/// The nights before `now` that went by without a run, if the last one did.
///
/// A night counts from a quarter of an hour after its beginning on: a timer that has not fired then
/// will not. `nights` are the runs by night, in any order. What was never expected was not missed:
/// without a timer there must have been a run by night before, and something to do.
pub fn missed(
    hours: &Hours,
    nights: &[Night],
    timer: Option<Timestamp>,
    has_work: bool,
    now: Timestamp,
) -> Option<Missed> {
    let last = nights.iter().map(|night| night.started).max();
    let expected = match (timer, last) {
        (Some(installed), _) => Expected::Timer(installed),
        (None, Some(_)) if has_work => Expected::Habit,
        _ => return None,
    };
    // The night before which nobody had said that there would be one.
    let begin = match expected {
        Expected::Timer(installed) => installed,
        Expected::Habit => last?,
    };
    let mut found: Option<Missed> = None;
    let mut before = now.minus(LATE);
    for _ in 0..MOST {
        let Some(window) = hours.latest(before) else {
            break;
        };
        let ran = nights.iter().any(|night| {
            let own = night.opened == Some(window.start);
            let at_hand = night.started >= window.start.minus(EARLY) && night.started < window.end;
            own || (night.opened.is_none() && at_hand)
                || (night.started >= window.start && night.started < window.end)
        });
        if ran || window.start <= begin {
            break;
        }
        match &mut found {
            Some(missed) => missed.nights += 1,
            None => {
                found = Some(Missed {
                    opened: window.start,
                    nights: 1,
                    expected,
                });
            }
        }
        before = window.start.minus(Duration::from_millis(1));
    }
    found
}

/// What is known of the runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs {
    /// When the last one ended, or began where it has not.
    pub last: Option<Timestamp>,
    /// The same as a person reads it, with how it ended.
    pub last_words: String,
    /// It died, or could not go on.
    pub broke_off: bool,
    /// A run is active.
    pub active: bool,
    /// Tasks that are queued and could run.
    pub queued: usize,
    /// Since when the oldest of them is queued.
    pub queued_since: Option<Timestamp>,
    /// Nights that were missed, and the last of them as a person reads it.
    pub missed: Option<(Missed, String)>,
}

/// What is to be thought of the runs.
pub fn runs(facts: &Runs, limits: &Thresholds, now: Timestamp) -> Reading {
    let is = |level, says: String| Reading::found(Component::Runs, level, says);
    if facts.active {
        return Reading::good(Component::Runs, "a run is active");
    }
    if let Some((missed, opened)) = &facts.missed {
        // A habit may have been given up on purpose; a timer is a promise.
        let level = if missed.nights > 1 && matches!(missed.expected, Expected::Timer(_)) {
            Level::Critical
        } else {
            Level::Warning
        };
        let says = match missed.nights {
            1 => format!("the night of {opened} had no run"),
            number => format!("{number} nights in a row had no run, the last one {opened}"),
        };
        return is(level, says).hint(match missed.expected {
            Expected::Timer(_) => "`autoexec timer status`; catch up with `autoexec run`",
            Expected::Habit => {
                "check cron, or `autoexec timer install`; catch up with `autoexec run`"
            }
        });
    }
    if facts.broke_off {
        let says = format!("the last run broke off: {}", facts.last_words);
        return is(Level::Warning, says)
            .hint("`autoexec report --run last`; go on with `autoexec run`");
    }
    let since = facts.last.into_iter().chain(facts.queued_since).max();
    if facts.queued > 0
        && let Some(since) = since
        && now.since(since) >= limits.no_run_for
    {
        let (tasks, waits) = (count(facts.queued, "task"), span(now.since(since)));
        let says = format!("no run for {waits} although {tasks} could run");
        return is(Level::Warning, says)
            .hint("`autoexec run`, or `autoexec timer install` for every night");
    }
    Reading::good(Component::Runs, facts.last_words.clone())
}

/// A task that failed in the last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its name, fit to be shown.
    pub name: String,
    /// What became of earlier tasks of its name: how many failed, of how many.
    pub before: (usize, usize),
}

/// What is to be thought of what failed in the last run that did something.
///
/// A task that failed in half of its earlier nights or more is no news; it is told, and does not
/// count. `ended`: how many tasks succeeded or failed in it.
pub fn failures(ended: usize, failed: &[Failed], limits: &Thresholds) -> Reading {
    let (usual, unlike): (Vec<&Failed>, Vec<&Failed>) = failed
        .iter()
        .partition(|one| one.before.1 >= 3 && one.before.0 * 2 >= one.before.1);
    let all = count(ended, "task");
    let known = match usual.len() {
        0 => String::new(),
        number => format!("; {} failed as usual", count(number, "task")),
    };
    if unlike.is_empty() {
        let says = match ended {
            0 => "no task has ended yet".to_owned(),
            _ => format!("nothing new failed among the {all} of the last run{known}"),
        };
        return Reading::good(Component::Failures, says);
    }
    let who: Vec<String> = unlike.iter().map(|one| one.name.clone()).collect();
    let says = format!(
        "{} of {all} of the last run failed: {}{known}",
        unlike.len(),
        names(&who)
    );
    let share = unlike.len() * 100 / ended.max(1);
    let limit = usize::from(limits.failed);
    let level = if share < limit {
        Level::Info
    } else if share >= limit.saturating_mul(3) && unlike.len() >= 3 {
        Level::Critical
    } else {
        Level::Warning
    };
    Reading::found(Component::Failures, level, says).hint("`autoexec report`")
}

#[cfg(test)]
#[path = "nights_tests.rs"]
mod tests;
