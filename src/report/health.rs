//! Looking at the health of machine and queue: facts from their doors, judged by `policy::health`.
//!
//! Bounded, so that it can be asked for at any time: of a long queue the tasks that come first are looked
//! at, and the database for as long as [`Inquiry::patience`] allows. A queue that cannot be read is a
//! finding like any other.

use std::ffi::OsString;
use std::time::Duration;

use crate::host::machine;
use crate::model::ids::TaskName;
use crate::model::layout::StateDir;
use crate::model::state::TaskStatus;
use crate::policy::forecast::NEWEST;
use crate::policy::forecast::forecast;
use crate::policy::health::Component;
use crate::policy::health::Health;
use crate::policy::health::Reading;
use crate::policy::health::Thresholds;
use crate::policy::health::backlog;
use crate::policy::health::backlog::Backlog;
use crate::policy::health::backlog::Nights;
use crate::policy::health::machine as judge_machine;
use crate::policy::health::machine::ClockFacts;
use crate::policy::health::machine::Linger;
use crate::policy::health::queue;
use crate::policy::health::queue::Breaker;
use crate::policy::health::queue::Database;
use crate::policy::health::queue::Outbox;
use crate::policy::health::queue::Running;
use crate::policy::pick::RunPresence;
use crate::policy::trace::Stage;
use crate::policy::trace::stalled;
use crate::policy::window::Hours;
use crate::process::clock_sync::is_synchronised;
use crate::report::facts::Scope;
use crate::report::health_nights;
use crate::report::health_tasks::Sample;
use crate::report::present_needs;
use crate::report::stages;
use crate::report::summary::RunSummary;
use crate::report::task_page;
use crate::store::Filter;
use crate::store::Store;
use crate::store::StoreError;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::untrusted::Untrusted;

/// How far back messages that were given up are told.
const LATELY: Duration = Duration::from_hours(7 * 24);
/// The most running tasks that are looked at.
const RUNNING: usize = 64;

/// What is wanted to be known, and what it is held against.
#[derive(Debug)]
pub struct Inquiry<'a> {
    /// Where the queue lives.
    pub state: &'a StateDir,
    /// Where good ends.
    pub limits: &'a Thresholds,
    /// The hours of the night.
    pub hours: Option<Hours>,
    /// Attempts at once.
    pub slots: usize,
    /// The present instant.
    pub now: Timestamp,
    /// Where the reader's clock stands.
    pub zone: Zone,
    /// Whether a run is active.
    pub presence: RunPresence,
    /// Since when a timer of systemd is installed.
    pub timer: Option<Timestamp>,
    /// PATH of this process.
    pub own_path: OsString,
    /// How long the database may be looked through.
    pub patience: Duration,
    /// What a look through the database found lately, so that none is needed now.
    pub damage: Option<Vec<String>>,
    /// What the configuration of messages says of itself.
    pub outbox: Outbox,
}

/// Looks at machine and queue. `store`: none where nothing was ever added, a sentence where the queue
/// cannot be used.
pub fn look(store: Result<Option<&Store>, String>, inquiry: &Inquiry<'_>) -> Health {
    look_ahead(store, inquiry).0
}

/// The same, with what is queued against the night.
pub fn look_ahead(
    store: Result<Option<&Store>, String>,
    inquiry: &Inquiry<'_>,
) -> (Health, Option<Backlog>) {
    let mut found = None;
    let mut readings = Vec::new();
    let mut sample = Sample::default();
    let mut last_event = None;
    let mut needing = 0;
    match store {
        Ok(None) => {}
        Err(why) => readings.push(queue::unusable(&why)),
        Ok(Some(store)) => {
            let looked = sample
                .fill(store, &inquiry.own_path)
                .and_then(|()| store.last_event_at())
                .and_then(|at| {
                    last_event = at;
                    needing = present_needs::number(store)?;
                    found = Some(backlog_of(store, &sample, inquiry)?);
                    of_queue(store, &sample, inquiry, &mut readings)
                });
            if let Err(error) = looked {
                readings.push(queue::unusable(&said(&error)));
            }
        }
    }
    of_machine(&sample, last_event, inquiry, &mut readings);
    readings.extend(found.as_ref().map(backlog::backlog));
    let mut health = Health::of(readings, inquiry.now);
    health.needing = needing;
    (health, found)
}

/// Notes in a summary how machine and queue are, and whether a night was missed.
pub fn note(summary: &mut RunSummary, store: &Store, inquiry: &Inquiry<'_>) {
    summary.health = Some(look(Ok(Some(store)), inquiry));
    let is_present = !matches!(summary.scope, Scope::Runs { .. });
    if is_present && let Ok(Some(missed)) = health_nights::missed(store, inquiry) {
        summary.missed = Some(missed.opened);
    }
}

fn said(error: &StoreError) -> String {
    Untrusted::from(error.to_string()).for_terminal()
}

fn of_machine(
    sample: &Sample,
    last_event: Option<Timestamp>,
    inquiry: &Inquiry<'_>,
    readings: &mut Vec<Reading>,
) {
    let limits = inquiry.limits;
    // Where nothing was ever added, the disk on which it would be.
    let root = inquiry.state.root();
    let root = root.ancestors().find(|path| path.exists()).unwrap_or(root);
    let mut places = vec![(root, "the queue".to_owned())];
    places.extend(sample.workdirs());
    readings.extend(judge_machine::disks(&machine::disks(&places), limits));
    if let Some(memory) = machine::memory() {
        readings.push(judge_machine::memory(
            memory,
            sample.largest.as_ref(),
            limits,
        ));
    }
    if let Some(load) = machine::load() {
        readings.push(judge_machine::load(load, limits));
    }
    readings.push(judge_machine::clock(ClockFacts {
        now: inquiry.now,
        last_event,
        synchronised: is_synchronised(),
    }));
    readings.extend(judge_machine::linger(Linger {
        has_timer: inquiry.timer.is_some(),
        lingers: machine::lingers(),
    }));
}

fn of_queue(
    store: &Store,
    sample: &Sample,
    inquiry: &Inquiry<'_>,
    readings: &mut Vec<Reading>,
) -> Result<(), StoreError> {
    let now = inquiry.now;
    readings.push(queue::database(&database(store, inquiry)?, inquiry.limits));
    readings.extend(queue::breakers(&breakers(store, inquiry)?, now));
    readings.extend(queue::running(&running(store, inquiry)?, inquiry.limits));
    health_nights::of(store, inquiry, readings)?;
    let undelivered = store.undelivered(now.minus(LATELY))?;
    let given_up = undelivered
        .given_up
        .into_iter()
        .map(|(name, number)| (Untrusted::from(name).for_terminal(), number));
    let outbox = Outbox {
        given_up: given_up.collect(),
        waiting: undelivered.waiting,
        ..inquiry.outbox.clone()
    };
    readings.extend(queue::notifications(&outbox, now));
    let looked_at = sample.tasks.len();
    readings.extend(queue::lacking(Component::Tools, &sample.lacking, looked_at));
    readings.extend(queue::lacking(
        Component::Environment,
        &sample.unset,
        looked_at,
    ));
    Ok(())
}

fn database(store: &Store, inquiry: &Inquiry<'_>) -> Result<Database, StoreError> {
    let (bytes, free_bytes) = store.bytes()?;
    let mut log = inquiry.state.database().into_os_string();
    log.push("-wal");
    let found = match &inquiry.damage {
        Some(known) => Some(known.clone()),
        None if inquiry.patience.is_zero() => None,
        None => store.quick_look(inquiry.patience)?,
    };
    Ok(Database {
        bytes,
        free_bytes,
        log_bytes: std::fs::metadata(log).map_or(0, |file| file.len()),
        looked_through: found.is_some(),
        damage: found
            .unwrap_or_default()
            .into_iter()
            .map(|line| Untrusted::from(line).for_terminal())
            .collect(),
    })
}

fn breakers(store: &Store, inquiry: &Inquiry<'_>) -> Result<Vec<Breaker>, StoreError> {
    let open = store.open_breakers()?;
    Ok(open
        .into_iter()
        .map(|one| Breaker {
            name: one.name.for_terminal(),
            half_open: one.half_open,
            opened_at: one.opened_at,
            next_probe: one
                .next_probe_at
                .map(|at| inquiry.zone.short(at, inquiry.now)),
            failed_probes: one.failed_probes,
        })
        .collect())
}

fn running(store: &Store, inquiry: &Inquiry<'_>) -> Result<Vec<Running>, StoreError> {
    if inquiry.presence == RunPresence::Absent {
        return Ok(Vec::new());
    }
    let lines = store.list(&Filter {
        statuses: vec![TaskStatus::Running],
        limit: Some(RUNNING),
        ..Filter::default()
    })?;
    let mut found = Vec::new();
    for line in lines {
        let whole = match task_page::load(store, line.id, inquiry.state) {
            Ok(whole) => whole,
            // It left the queue meanwhile.
            Err(StoreError::NoSuchTask { .. }) => continue,
            Err(error) => return Err(error),
        };
        let Some(last) = whole.attempts.last() else {
            continue;
        };
        let way = stages::facts(&whole, last);
        let Some(started) = way.started_at else {
            continue;
        };
        let spoken = started.plus(way.last_output.unwrap_or_default());
        let handed_over =
            stalled(&way, inquiry.limits.stalled_after, inquiry.now).filter(|stalled| {
                !matches!(
                    stalled.stage,
                    Stage::Started | Stage::FirstOutput | Stage::LastOutput
                )
            });
        found.push(Running {
            name: Untrusted::from(line.name.as_str()).for_terminal(),
            runs_for: inquiry.now.since(started),
            silent_for: inquiry.now.since(spoken),
            usual: usual(store, &whole.task.spec.name)?,
            stuck: handed_over.map(|stalled| stalled.words().to_owned()),
        });
    }
    Ok(found)
}

fn usual(store: &Store, name: &TaskName) -> Result<Option<(Duration, usize)>, StoreError> {
    let history = store.durations(name, NEWEST)?;
    Ok(forecast(&history, None).map(|usual| (usual.p90, history.len())))
}

/// How long the queue would take, by the tasks that were looked at.
fn backlog_of(
    store: &Store,
    sample: &Sample,
    inquiry: &Inquiry<'_>,
) -> Result<Backlog, StoreError> {
    let queued = usize::try_from(store.count_queued()?).unwrap_or(usize::MAX);
    let known: Vec<Duration> = sample.tasks.iter().filter_map(|task| task.usual).collect();
    let looked_at = sample.tasks.len();
    let unknown = looked_at - known.len();
    let night = (inquiry.hours.as_ref()).and_then(|hours| hours.window(inquiry.now));
    let night = night.map(|night| {
        let whole = night.length();
        if night.contains(inquiry.now) {
            let left = night.end.since(inquiry.now);
            Nights::Begun { left, whole }
        } else {
            Nights::Ahead(whole)
        }
    });
    Ok(Backlog {
        queued,
        work: backlog::work(known, looked_at, queued, inquiry.slots),
        unknown,
        slots: inquiry.slots,
        night,
    })
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
