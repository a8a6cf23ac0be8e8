//! From the queue to a summary: which tasks and attempts belong to a part of the past.
//!
//! Everything is read as of one instant. A report of an earlier run shows its tasks as they stood
//! when that run ended, from the log of events.

use crate::model::attempt::AttemptState;
use crate::model::dependency::Wait;
use crate::model::ids::BootId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::state::Skip;
use crate::model::state::TaskState;
use crate::model::state::TaskStatus;
use crate::policy::classify::codes::START_AGAIN_PATTERN;
use crate::policy::pick::RunPresence;
use crate::policy::since::differences;
use crate::process::identity::boot_id;
use crate::report::facts::AttemptFacts;
use crate::report::facts::Facts;
use crate::report::facts::Failure;
use crate::report::facts::Fate;
use crate::report::facts::RunFacts;
use crate::report::facts::Scope;
use crate::report::facts::TaskFacts;
use crate::report::not_run::OVERNIGHT;
use crate::report::range::Range;
use crate::report::stretch::Period;
use crate::report::summary::RunSummary;
use crate::store::AttemptBrief;
use crate::store::Dependency;
use crate::store::Reader;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TaskBrief;
use crate::store::Touched;
use crate::store::retention::Cleared;
use crate::store::runs::COMMAND_MODE;
use crate::store::runs::ReportRead;
use crate::store::runs::Run;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The most runs that are looked through for those of a part of the past.
const RUNS: usize = 1000;
/// The most tasks that are compared with earlier nights; nobody reads more differences.
const COMPARED: usize = 1000;
/// The most earlier nights that a task is compared with.
const NIGHTS: i64 = 20;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Which part of the past.
    pub range: Range,
    /// The present instant.
    pub now: Timestamp,
    /// Whether a run is active, which the run lock tells.
    pub presence: RunPresence,
    /// Only these tasks, in the order of their ids; all where nothing is given.
    pub only: Option<&'a [TaskId]>,
}

/// A summary, and up to where somebody has read when they have seen it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What happened.
    pub summary: RunSummary,
    /// For `store::runs::mark_report_read`.
    pub read: ReportRead,
}

/// A summary that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There never was such a run.
    #[error("there is no run {run}")]
    NoSuchRun {
        /// The run.
        run: RunId,
    },
    /// The queue cannot be read.
    #[error("cannot read what happened")]
    Store(#[from] StoreError),
}

/// Makes the summary of a part of the past.
///
/// # Errors
/// When there is no such run, or the queue cannot be read.
pub fn load(store: &Store, wish: &Wish<'_>) -> Result<Loaded, LoadError> {
    if let Range::Run(run) = wish.range
        && store.run(run)?.is_none()
    {
        return Err(LoadError::NoSuchRun { run });
    }
    Ok(store.read(|reader| read(reader, wish))?)
}

impl Loaded {
    /// The summary where nothing was ever added.
    ///
    /// # Errors
    /// When a run is wanted by its number: there is none.
    pub fn of_nothing(wish: &Wish<'_>) -> Result<Self, LoadError> {
        let scope = match wish.range {
            Range::Run(run) => return Err(LoadError::NoSuchRun { run }),
            Range::Since(since) => Scope::Since(since),
            Range::SinceRead | Range::LastRun => Scope::SinceRead(None),
        };
        Ok(Self {
            summary: RunSummary::of(Facts {
                now: wish.now,
                scope,
                from: wish.now,
                to: wish.now,
                active_run: None,
                ever_run: false,
                last_window: None,
                runs: Vec::new(),
                tasks: Vec::new(),
                needing: None,
                cleared: Cleared::default(),
                rates: Vec::new(),
                breakers: Vec::new(),
            }),
            read: ReportRead {
                to: 0,
                at: wish.now,
            },
        })
    }
}

fn read(reader: &Reader, wish: &Wish<'_>) -> Result<Loaded, StoreError> {
    let mut runs = reader.runs(RUNS)?;
    runs.retain(|run| run.mode != COMMAND_MODE);
    runs.reverse();
    let read = ReportRead {
        to: reader.last_event()?,
        at: wish.now,
    };
    let period = Period::of(reader, wish, &runs)?;
    let boots = boots(&runs, wish.presence);
    let tasks = tasks(reader, wish, &period)?;
    let summary = RunSummary::of(Facts {
        now: wish.now,
        scope: period.scope,
        from: period.from,
        to: period.to,
        active_run: match wish.presence {
            RunPresence::Active => runs.last().map(|run| run.id),
            RunPresence::Absent => None,
        },
        ever_run: !runs.is_empty(),
        cleared: reader.cleared_between(period.from, period.to)?,
        last_window: runs
            .last()
            .filter(|run| run.mode == OVERNIGHT)
            .and_then(|run| run.window_start.zip(run.window_end)),
        runs: period
            .runs
            .iter()
            .map(|run| run_facts(run, &boots))
            .collect(),
        tasks,
        needing: if period.is_present {
            Some(reader.needing()?.into_iter().collect())
        } else {
            None
        },
        rates: reader.recovery_rates()?,
        breakers: reader.breaker_briefs()?,
    });
    Ok(Loaded { summary, read })
}

fn tasks(reader: &Reader, wish: &Wish<'_>, period: &Period) -> Result<Vec<TaskFacts>, StoreError> {
    let mut ids = reader.touched(period.touched)?;
    let is_all = matches!(period.touched, Touched::AfterEvent(0));
    if period.is_present && !is_all {
        ids.extend(reader.unfinished()?);
    }
    // Whoever read of a failure has not yet dealt with it. Where all are told of, these are among them.
    if !is_all && matches!(period.scope, Scope::SinceRead(_) | Scope::Since(_)) {
        ids.extend(reader.needing()?);
    }
    ids.sort_unstable();
    ids.dedup();
    if let Some(only) = wish.only {
        ids.retain(|id| only.binary_search(id).is_ok());
    }
    let repeated = reader.repeated_names()?;
    let mut compared = 0;
    let mut attempts = reader.attempt_briefs(&ids)?.into_iter().peekable();
    let mut recoveries = reader.recovery_briefs(&ids)?.into_iter().peekable();
    let mut tasks = Vec::with_capacity(ids.len());
    reader.task_briefs(&ids, |task| {
        let mut own = Vec::new();
        // Both lists are in the order of the tasks' ids; attempts of removed tasks are passed over.
        while let Some(attempt) = attempts.next_if(|attempt| attempt.task <= task.id) {
            if attempt.task == task.id && belongs(&attempt, period) {
                own.push(attempt_facts(attempt));
            }
        }
        // Most have one, and a list makes room for four.
        own.shrink_to_fit();
        let is_compared = compared < COMPARED && repeated.contains(&task.name);
        compared += usize::from(is_compared);
        let mut facts = task_facts(reader, task, own, period)?;
        if is_compared && matches!(facts.state, TaskState::Succeeded | TaskState::Failed) {
            facts.earlier = reader.earlier(facts.id, NIGHTS)?;
            if facts.state == TaskState::Failed
                && let Some((now, then)) = reader.now_and_then(facts.id)?
            {
                facts.since = differences(&then, &now);
            }
        }
        while let Some(one) = recoveries.next_if(|one| one.task <= facts.id) {
            if one.task == facts.id && one.started_at <= period.to {
                facts.recoveries.push(one);
            }
        }
        tasks.push(facts);
        Ok(())
    })?;
    Ok(tasks)
}

/// Whether an attempt had begun at the end of the part of the past.
fn belongs(attempt: &AttemptBrief, period: &Period) -> bool {
    match period.scope {
        Scope::Runs { last, .. } => attempt.run <= last,
        Scope::SinceRead(_) | Scope::Since(_) => true,
    }
}

fn task_facts(
    reader: &Reader,
    task: TaskBrief,
    attempts: Vec<AttemptFacts>,
    period: &Period,
) -> Result<TaskFacts, StoreError> {
    let state = if !period.is_present && task.changed_at > period.to {
        reader.state_at(task.id, period.to)?.unwrap_or(task.state)
    } else {
        task.state
    };
    let name = TaskName::new(&task.name).map_err(|problem| StoreError::Unreadable {
        table: "task_records",
        column: "name".to_owned(),
        problem: problem.to_owned(),
    })?;
    let waits_for = if task.unmet && matches!(state, TaskState::Queued { .. }) {
        let upstreams = reader.dependencies_of(task.id)?;
        let open = upstreams.into_iter().filter(|one| one.wait != Wait::Met);
        open.map(|one| one.name).collect()
    } else {
        Vec::new()
    };
    let mut blocker_anew = None;
    let blocked_by = if state == TaskState::Skipped(Skip::Blocked) {
        let upstream = reader.waits_in_vain_for(task.id)?;
        if let Some(one) = &upstream {
            blocker_anew = reader.unfinished_namesake(one.upstream, one.name.as_str())?;
        }
        // One that was removed or has succeeded meanwhile is not what is to be tried again.
        let can_be_retried = |one: &Dependency| {
            one.status
                .is_some_and(|status| status != TaskStatus::Succeeded)
        };
        upstream
            .filter(can_be_retried)
            .map(|one| (one.upstream, one.name))
    } else {
        None
    };
    let anew = match &state {
        TaskState::Failed | TaskState::Skipped(Skip::Blocked) => {
            reader.unfinished_namesake(task.id, name.as_str())?
        }
        TaskState::Succeeded if attempts.last().is_some_and(|last| last.doubt.is_some()) => {
            reader.unfinished_namesake(task.id, name.as_str())?
        }
        TaskState::Queued { .. }
        | TaskState::Running { .. }
        | TaskState::Recovering { .. }
        | TaskState::Held(_)
        | TaskState::Succeeded
        | TaskState::Cancelled
        | TaskState::Skipped(Skip::NotNeeded) => None,
    };
    let given_up = if state == TaskState::Failed {
        reader.given_up(task.id)?
    } else {
        None
    };
    let failed = attempts.iter().any(|one| one.fate != Fate::Succeeded);
    let requeued_at = if failed && state == TaskState::Succeeded {
        reader.requeued_at(task.id)?
    } else {
        None
    };
    Ok(TaskFacts {
        id: task.id,
        name,
        state,
        priority: task.priority,
        rescue_round: task.rescue_round,
        attempts,
        parked: task.parked,
        waits_for,
        blocked_by,
        anew,
        blocker_anew,
        earlier: Vec::new(),
        since: Vec::new(),
        recoveries: Vec::new(),
        given_up,
        requeued_at,
    })
}

fn attempt_facts(attempt: AttemptBrief) -> AttemptFacts {
    AttemptFacts {
        fate: fate(&attempt),
        id: attempt.id,
        number: attempt.number,
        run: attempt.run,
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
        duration: attempt.duration,
        max_rss_bytes: attempt.max_rss_bytes,
        cpu: attempt.cpu,
        doubt: attempt.doubt.map(Untrusted::from),
        log: attempt.log.map(|file| format!("logs/{file}")),
        leftovers: attempt.leftovers,
    }
}

fn fate(attempt: &AttemptBrief) -> Fate {
    if attempt.state != AttemptState::Ended {
        return Fate::Open;
    }
    let Some(category) = attempt.category else {
        return Fate::Succeeded;
    };
    let failure = Failure {
        category,
        pattern: attempt.pattern.clone().unwrap_or_default(),
        line: attempt.line.clone().map(Into::into),
    };
    // A task that wrote its checkpoint and asks to be started again has not failed.
    if failure.pattern == START_AGAIN_PATTERN {
        return Fate::Stopped(failure);
    }
    match attempt.ended.as_deref() {
        Some("stopped") => Fate::Stopped(failure),
        Some("lost") => Fate::Lost(failure),
        _ => Fate::Failed(failure),
    }
}

/// The boot under which each run began, and that of the present if it matters.
fn boots(runs: &[Run], presence: RunPresence) -> Vec<(RunId, BootId)> {
    let mut boots: Vec<(RunId, BootId)> = runs.iter().map(|run| (run.id, run.boot)).collect();
    // Only of a last run that was cut off anybody wants to know why.
    let is_cut_off = runs.last().is_some_and(|run| run.end.is_none());
    if is_cut_off
        && presence == RunPresence::Absent
        && let Ok(here) = boot_id()
    {
        boots.push((RunId::new(i64::MAX), here));
    }
    boots
}

fn run_facts(run: &Run, boots: &[(RunId, BootId)]) -> RunFacts {
    let after = boots.iter().find(|(other, _)| *other > run.id);
    RunFacts {
        id: run.id,
        mode: run.mode.clone(),
        started_at: run.started_at,
        ended_at: run.end.as_ref().map(|end| end.at),
        ended_because: run.end.as_ref().map(|end| end.because.clone()),
        exit_code: run.end.as_ref().map(|end| end.exit_code),
        window: run.window_start.zip(run.window_end),
        rebooted: run.end.is_none() && after.is_some_and(|(_, boot)| *boot != run.boot),
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
