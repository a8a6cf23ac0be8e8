//! What keeps recoveries from going round in circles.
//!
//! - A strategy is used so often for one task as its table says, mostly twice.
//! - The same remedy for the same failure is not used again, unless it helped meanwhile. What only waits
//!   may be: a peer can be away for longer than one wait.
//! - What an opposite has undone is not done again.
//! - A task waits for so long in its recoveries, and a night begins so many.

use std::time::Duration;

use crate::model::recovery::PastRecovery;
use crate::model::recovery::RecoveryState;
use crate::model::recovery::Risk;
use crate::model::remedy::Remedy;
use crate::policy::recovery::RecoveryFacts;
use crate::policy::recovery::case::Built;
use crate::policy::recovery::case::No;
use crate::policy::recovery::strategies::Kind;
use crate::policy::recovery::strategies::Strategy;
use crate::support::text;

/// The most time that a task waits for something in its recoveries. What is not back after two hours is
/// the rescue rounds' and the next night's.
pub const MOST_WAITING: Duration = Duration::from_hours(2);
/// The most recoveries that one night begins. A queue of hundreds of tasks that all meet one dead peer
/// stays below it; what goes beyond is a loop that no other rule has seen.
pub const MOST_PER_NIGHT: u32 = 2000;
/// Less time than this is nothing to wait for.
const LEAST_WAIT: Duration = Duration::from_secs(1);
/// Strategies that undo each other.
const OPPOSITES: &[(&str, &str)] = &[
    ("use_defaults", "rotate_endpoint"),
    ("use_defaults", "use_free_port"),
    ("rotate_endpoint", "use_free_port"),
    ("restart_from_checkpoint", "restart_from_scratch"),
    ("create_missing_path", "clean_temp"),
];

/// Whether a recovery of the past was begun, and not given up before anything came of it.
pub(super) fn was_done(past: &PastRecovery) -> bool {
    match past.state {
        RecoveryState::Pending
        | RecoveryState::Applied
        | RecoveryState::Helped
        | RecoveryState::InVain
        | RecoveryState::Failed => true,
        RecoveryState::Suggested | RecoveryState::Refused | RecoveryState::Abandoned => false,
    }
}

/// How often a strategy was tried for a failure with this fingerprint. A wait that ended without what
/// was waited for says nothing against waiting on.
pub(super) fn tries(strategy: &str, recovery: &RecoveryFacts) -> usize {
    recovery
        .past
        .iter()
        .filter(|past| past.strategy == strategy && past.fingerprint == recovery.fingerprint)
        .filter(|past| was_done(past) && !was_awaited_in_vain(past))
        .count()
}

/// How many waits for this failure ended without what was waited for.
pub(super) fn waits_in_vain(recovery: &RecoveryFacts) -> usize {
    let is_it = |past: &&PastRecovery| {
        past.fingerprint == recovery.fingerprint && was_awaited_in_vain(past)
    };
    recovery.past.iter().filter(is_it).count()
}

/// When a strategy has its turn: who was tried less comes first. Nobody waits on for what did not come
/// while there is something else to do than to wait.
pub(super) fn turn(strategy: &str, recovery: &RecoveryFacts, has_other_ways: bool) -> usize {
    let waited = |past: &PastRecovery| {
        past.strategy == strategy
            && past.fingerprint == recovery.fingerprint
            && was_awaited_in_vain(past)
    };
    let steps_back = has_other_ways && recovery.past.iter().any(waited);
    tries(strategy, recovery) + usize::from(steps_back)
}

fn was_awaited_in_vain(past: &PastRecovery) -> bool {
    let waited = past.plan.as_ref().map(|plan| &plan.remedy);
    past.state == RecoveryState::Failed && matches!(waited, Some(Remedy::Await(_)))
}

/// How long the task has waited in its recoveries.
pub(super) fn waited(past: &[PastRecovery]) -> Duration {
    past.iter()
        .filter(|past| {
            let remedy = past.plan.as_ref().map(|plan| &plan.remedy);
            was_done(past) && matches!(remedy, Some(Remedy::Await(_)))
        })
        .filter_map(|past| Some(past.ended_at?.since(past.started_at)))
        .sum()
}

/// What is left of the task's time for waiting.
pub(super) fn patience_left(past: &[PastRecovery]) -> Option<Duration> {
    let left = MOST_WAITING.saturating_sub(waited(past));
    (left >= LEAST_WAIT).then_some(left)
}

/// Whether a plan may be carried out after all that was done before.
pub(super) fn check(
    strategy: &Strategy,
    built: &Built,
    recovery: &RecoveryFacts,
) -> Result<(), No> {
    let name = strategy.name;
    let past = || recovery.past.iter().filter(|past| was_done(past));
    let used = past().filter(|past| past.strategy == name).count();
    if used >= usize::try_from(strategy.most).unwrap_or(usize::MAX) {
        let times = text::count(used, "time");
        return Err(No::Spent(format!("`{name}` was used {times}")));
    }
    let same = |past: &&PastRecovery| {
        past.plan
            .as_ref()
            .is_some_and(|plan| plan.strategy == name && plan.remedy == built.remedy)
    };
    let was_in_vain = |past: &PastRecovery| {
        past.fingerprint == recovery.fingerprint && past.state != RecoveryState::Helped
    };
    if strategy.risk != Risk::Observe
        && !matches!(built.remedy, Remedy::Retry)
        && past().filter(same).any(was_in_vain)
    {
        return Err(No::Spent(format!(
            "`{name}` was tried, and the failure is the same"
        )));
    }
    if let Some(opposite) = undone_by(name, &built.remedy, recovery) {
        return Err(No::Spent(format!(
            "`{opposite}` has undone `{name}`, and they would go on like that"
        )));
    }
    if matches!(built.remedy, Remedy::Await(_)) && patience_left(&recovery.past).is_none() {
        return Err(No::Spent(format!(
            "it has waited for {} in its recoveries",
            text::span(MOST_WAITING)
        )));
    }
    Ok(())
}

/// The strategy that undid what this one did before.
fn undone_by(name: &str, remedy: &Remedy, recovery: &RecoveryFacts) -> Option<&'static str> {
    let done: Vec<&PastRecovery> = recovery.past.iter().filter(|past| was_done(past)).collect();
    let last = done.iter().rposition(|past| past.strategy == name)?;
    let behind = done.get(last + 1..)?;
    OPPOSITES
        .iter()
        .filter_map(|(one, other)| match name {
            _ if name == *one => Some(*other),
            _ if name == *other => Some(*one),
            _ => None,
        })
        .find(|opposite| {
            behind.iter().any(|past| {
                past.strategy == *opposite
                    && past
                        .plan
                        .as_ref()
                        .is_none_or(|plan| touch_the_same(&plan.remedy, remedy))
            })
        })
}

/// Whether two remedies change the same thing: of variables only the same ones do.
fn touch_the_same(one: &Remedy, other: &Remedy) -> bool {
    match (one, other) {
        (Remedy::Adjust(one), Remedy::Adjust(other)) => {
            one.env.keys().any(|name| other.env.contains_key(name))
        }
        _ => true,
    }
}

/// Whether something that was done is no mere waiting: then there is more to tell than that time passed.
pub(super) fn is_more_than_waiting(kind: Kind) -> bool {
    matches!(kind, Kind::Act | Kind::Change)
}
