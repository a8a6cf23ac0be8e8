//! The last nights, for the health of the queue: whether there was one, and what failed.

use crate::policy::health::Reading;
use crate::policy::health::nights;
use crate::policy::health::nights::Failed;
use crate::policy::health::nights::Missed;
use crate::policy::health::nights::Night;
use crate::policy::health::nights::Runs;
use crate::policy::pick::RunPresence;
use crate::report::health::Inquiry;
use crate::report::not_run::OVERNIGHT;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::runs::COMMAND_MODE;
use crate::store::runs::Run;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The most runs that are looked at.
const RUNS: usize = 100;
/// The most failed tasks whose past is looked at.
const FAILED: usize = 200;
/// The most runs in which a task that ended is searched for.
const SEARCHED: usize = 20;
/// The most earlier nights of a task.
const NIGHTS: i64 = 20;

/// Readings of runs and failures.
pub(crate) fn of(
    reader: &Reader,
    inquiry: &Inquiry<'_>,
    readings: &mut Vec<Reading>,
) -> Result<(), StoreError> {
    let runs = runs(reader)?;
    readings.push(nights::runs(
        &facts(reader, &runs, inquiry)?,
        inquiry.limits,
        inquiry.now,
    ));
    let (ended, failed) = ended(reader, &runs)?;
    readings.push(nights::failures(ended, &failed, inquiry.limits));
    Ok(())
}

/// The runs that did something for a person, the newest first.
fn runs(reader: &Reader) -> Result<Vec<Run>, StoreError> {
    let mut runs = reader.runs(RUNS)?;
    runs.retain(|run| run.mode != COMMAND_MODE);
    Ok(runs)
}

/// The nights that went by without a run up to now.
///
/// # Errors
/// When the queue cannot be read.
pub fn missed(reader: &Reader, inquiry: &Inquiry<'_>) -> Result<Option<Missed>, StoreError> {
    let has_work = reader.ready_tasks()?.0 > 0;
    Ok(missed_of(&runs(reader)?, has_work, inquiry))
}

fn missed_of(runs: &[Run], has_work: bool, inquiry: &Inquiry<'_>) -> Option<Missed> {
    if inquiry.presence == RunPresence::Active {
        return None;
    }
    let nights: Vec<Night> = runs
        .iter()
        .filter(|run| run.mode == OVERNIGHT)
        .map(|run| Night {
            started: run.started_at,
            opened: run.window_start,
        })
        .collect();
    let hours = inquiry.hours.as_ref()?;
    nights::missed(hours, &nights, inquiry.timer, has_work, inquiry.now)
}

fn facts(reader: &Reader, runs: &[Run], inquiry: &Inquiry<'_>) -> Result<Runs, StoreError> {
    let (queued, queued_since) = reader.ready_tasks()?;
    let active = inquiry.presence == RunPresence::Active;
    let short = |at| inquiry.zone.short(at, inquiry.now);
    let last = runs.first();
    let last_words = last.map_or_else(
        || "there was no run yet".to_owned(),
        |run| match &run.end {
            Some(end) => format!(
                "run {} ended {} ago ({}, {})",
                run.id,
                span(inquiry.now.since(end.at)),
                short(end.at),
                Untrusted::from(end.because.as_str()).for_terminal()
            ),
            None => format!(
                "run {} began {} and has no end",
                run.id,
                short(run.started_at)
            ),
        },
    );
    let missed = missed_of(runs, queued > 0, inquiry);
    Ok(Runs {
        last: last.map(|run| run.end.as_ref().map_or(run.started_at, |end| end.at)),
        last_words,
        broke_off: last.is_some_and(|run| {
            let because = run.end.as_ref().map(|end| end.because.as_str());
            !active && matches!(because, None | Some("storage"))
        }),
        active,
        queued: usize::try_from(queued).unwrap_or(usize::MAX),
        queued_since,
        missed: missed.map(|missed| (missed, short(missed.opened))),
    })
}

/// How many tasks ended in the newest run in which any did, and those that failed.
fn ended(reader: &Reader, runs: &[Run]) -> Result<(usize, Vec<Failed>), StoreError> {
    for run in runs.iter().take(SEARCHED) {
        let tasks = reader.ended_in(run.id)?;
        let ended = tasks.succeeded + tasks.failed.len();
        if ended == 0 {
            continue;
        }
        let mut failed = Vec::with_capacity(tasks.failed.len());
        for (task, name) in tasks.failed {
            let before = if failed.len() < FAILED {
                let earlier = reader.earlier(task, NIGHTS)?;
                let failed = earlier.iter().filter(|night| !night.succeeded).count();
                (failed, earlier.len())
            } else {
                (0, 0)
            };
            failed.push(Failed {
                name: Untrusted::from(name).for_terminal(),
                before,
            });
        }
        return Ok((ended, failed));
    }
    Ok((0, Vec::new()))
}
