//! What the live page says of tasks that run or recover.

use std::time::Duration;

use serde::Serialize;

use crate::model::attempt::AttemptState;
use crate::model::recovery::RecoveryState;
use crate::model::spec::TaskSpec;
use crate::model::state::TaskStatus;
use crate::policy::forecast::Forecast;
use crate::policy::forecast::NEWEST;
use crate::policy::forecast::forecast;
use crate::report::kept;
use crate::report::task_page;
use crate::report::task_page::Whole;
use crate::store::Filter;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TaskLine;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;
use crate::web::site::Site;

/// The most tasks that are shown running, and recovering.
pub(super) const SHOWN: usize = 24;
/// Less than this says nothing of how long the rest takes.
const LEAST_PERCENT: u8 = 5;
/// Characters of what a task says.
const WORDS: usize = 160;

/// A task that runs.
#[derive(Debug, Serialize)]
pub(super) struct Running {
    id: i64,
    name: String,
    attempt: u32,
    /// From 0 to 100, where anything is known.
    percent: Option<u8>,
    /// It is a guess by what the task usually takes.
    guessed: bool,
    /// What the task itself says of it.
    figure: Option<String>,
    step: Option<String>,
    message: Option<String>,
    elapsed: String,
    ends: Option<String>,
    /// It takes longer than nine of ten times before.
    late: bool,
}

/// A task that waits for what its recovery needs.
#[derive(Debug, Serialize)]
pub(super) struct Recovering {
    id: i64,
    name: String,
    strategy: String,
    about: Option<String>,
    detail: Option<String>,
    since: String,
}

/// The tasks of a status, and how many there are at most to be shown.
pub(super) fn lines(
    store: &Store,
    status: TaskStatus,
    most: usize,
) -> Result<Vec<TaskLine>, StoreError> {
    store.list(&Filter {
        statuses: vec![status],
        limit: Some(most),
        ..Filter::default()
    })
}

/// What runs.
pub(super) fn running(
    site: &Site,
    store: &Store,
    now: Timestamp,
) -> Result<Vec<Running>, StoreError> {
    let mut found = Vec::new();
    for line in lines(store, TaskStatus::Running, SHOWN)? {
        let whole = match task_page::load(store, line.id, &site.state) {
            Ok(whole) => whole,
            // It left the queue meanwhile.
            Err(StoreError::NoSuchTask { .. }) => continue,
            Err(error) => return Err(error),
        };
        let spec = &whole.task.spec;
        let history = store.durations(&spec.name, NEWEST)?;
        let usual = forecast(&history, spec.expect_duration);
        found.extend(of_attempt(&whole, usual, now));
    }
    Ok(found)
}

fn of_attempt(whole: &Whole, usual: Option<Forecast>, now: Timestamp) -> Option<Running> {
    let last = whole.attempts.last()?;
    if last.state != AttemptState::Running {
        // It ended between two looks.
        return None;
    }
    let started = last.started_at.unwrap_or(last.claimed_at);
    let elapsed = now.since(started);
    let told = whole.kept.told.as_ref();
    let known = told
        .map(|told| told.percent)
        .or_else(|| of_steps(&whole.task.spec, whole.kept.steps_done));
    let guess = usual.map(|usual| part(elapsed, usual.p50).min(99));
    let late = usual.is_some_and(|usual| elapsed > usual.p90);
    Some(Running {
        id: whole.task.id.get(),
        name: whole.task.spec.name.to_string(),
        attempt: last.number,
        percent: known.or(guess),
        guessed: known.is_none(),
        figure: told.map(|told| format!("{} %", told.percent)),
        step: kept::step_words(whole),
        message: told
            .and_then(|told| told.message.as_deref())
            .map(|message| Untrusted::from(message).for_terminal_within(WORDS)),
        elapsed: span(elapsed),
        // A step may take as long as all others together: only the task's own word counts.
        ends: ends(told.map(|told| told.percent), usual, started, now),
        late,
    })
}

/// How many of a hundred steps are finished; a task of one step says nothing by it.
fn of_steps(spec: &TaskSpec, done: u32) -> Option<u8> {
    let all = u32::try_from(spec.steps.len())
        .ok()
        .filter(|all| *all > 1)?;
    u8::try_from(done.min(all) * 100 / all).ok()
}

fn part(elapsed: Duration, whole: Duration) -> u8 {
    let percent = elapsed.as_millis() * 100 / whole.as_millis().max(1);
    u8::try_from(percent.min(100)).unwrap_or(100)
}

/// When it will end, as far as anybody can tell: by its own word, else by what it usually takes.
fn ends(
    told: Option<u8>,
    usual: Option<Forecast>,
    started: Timestamp,
    now: Timestamp,
) -> Option<String> {
    let elapsed = now.since(started);
    let at = |at| Zone::Local.short(at, now);
    if let Some(percent) = told.filter(|percent| (LEAST_PERCENT..100).contains(percent)) {
        let whole = elapsed.saturating_mul(100) / u32::from(percent);
        return Some(format!("about {} at this pace", at(started.plus(whole))));
    }
    let usual = usual?;
    let takes = span(usual.p50);
    Some(if elapsed > usual.p90 {
        format!("longer than usual: it takes {takes}")
    } else if elapsed > usual.p50 {
        format!("at any moment; it takes {takes}")
    } else {
        format!("about {}; it takes {takes}", at(started.plus(usual.p50)))
    })
}

/// What recovers, with what it waits for.
pub(super) fn recovering(store: &Store, now: Timestamp) -> Result<Vec<Recovering>, StoreError> {
    let mut found = Vec::new();
    for line in lines(store, TaskStatus::Recovering, SHOWN)? {
        let recoveries = store.recoveries_of(line.id)?;
        let open = recoveries
            .iter()
            .rev()
            .find(|one| one.state == RecoveryState::Pending);
        let shown = |text: &str| Untrusted::from(text).for_terminal_within(WORDS);
        let plan = open.and_then(|one| one.plan.as_ref());
        found.push(Recovering {
            id: line.id.get(),
            name: line.name,
            strategy: open.map_or_else(String::new, |one| shown(&one.strategy)),
            about: plan.and_then(|plan| plan.about.as_deref()).map(shown),
            detail: open.and_then(|one| one.detail.as_deref()).map(shown),
            since: span(now.since(open.map_or(line.changed_at, |one| one.started_at))),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::forecast::Basis;

    #[test]
    fn an_end_is_told_by_the_tasks_own_word_before_what_is_usual() {
        let start = Timestamp::from_millis(1_700_000_000_000);
        let usual = Some(Forecast {
            p50: Duration::from_mins(10),
            p90: Duration::from_mins(20),
            basis: Basis::History(5),
        });
        let told = |known, usual, minutes| {
            ends(
                known,
                usual,
                start,
                start.plus(Duration::from_mins(minutes)),
            )
        };
        assert!(told(Some(50), usual, 4).unwrap().ends_with("at this pace"));
        // Nearly nothing done says nothing.
        assert!(
            told(Some(1), usual, 4)
                .unwrap()
                .ends_with("it takes 10m 00s")
        );
        assert_eq!(
            told(None, usual, 15).unwrap(),
            "at any moment; it takes 10m 00s"
        );
        assert_eq!(
            told(None, usual, 25).unwrap(),
            "longer than usual: it takes 10m 00s"
        );
        assert_eq!(told(None, None, 25), None);
    }

    #[test]
    fn a_part_is_never_more_than_the_whole() {
        assert_eq!(part(Duration::from_secs(5), Duration::from_secs(20)), 25);
        assert_eq!(part(Duration::from_secs(50), Duration::from_secs(20)), 100);
        assert_eq!(part(Duration::from_secs(5), Duration::ZERO), 100);
    }
}
