//! What a beat writes: the step's wishes and the next claims, inside one transaction of the store.
//!
//! No judgement of its own: which candidates are taken is `policy::pick`, which state follows from
//! an event is the journal.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::healing::present::Healing;
use crate::engine::healing::present::effective;
use crate::engine::healing::present::equip;
use crate::engine::healing::writes;
use crate::engine::message::Write;
use crate::engine::overdue::limits_of;
use crate::engine::rescue::rounds::RescueWrite;
use crate::engine::state::ClaimedTask;
use crate::model::attempt::Assignment;
use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::layout::StateDir;
use crate::model::recovery::RecoveryState;
use crate::model::spec::TaskSpec;
use crate::model::state::TaskEvent;
use crate::policy::suspicion::Habit;
use crate::policy::suspicion::may_be_too_short;
use crate::policy::time_limit;
use crate::policy::when;
use crate::process::environment::SECRETS_VARIABLE;
use crate::store::Actor;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::attempts;
use crate::store::attempts::Finish;
use crate::store::attempts::StartFacts;
use crate::store::checkpoints;
use crate::store::checkpoints::Finished;
use crate::store::journal;
use crate::store::parking;
use crate::store::pick as pages;
use crate::store::recoveries;
use crate::store::recoveries::Progress;
use crate::store::rescue;
use crate::store::rescue::RescueStand;
use crate::store::tasks;
use crate::support::bytes::OsText;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

/// Carries out one write of the step.
pub(crate) fn apply(
    tx: &Transaction<'_>,
    write: &Write,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    match write {
        Write::Started {
            attempt,
            slot,
            process,
            at,
        } => {
            let facts = StartFacts {
                process: Some(*process),
                slot: u32::try_from(*slot).ok(),
                at: *at,
            };
            attempts::mark_started(tx, *attempt, &facts, actor, now).map(drop)
        }
        Write::ReturnClaim { attempt } => {
            attempts::return_claim(tx, *attempt, actor, now).map(drop)
        }
        Write::Finish {
            attempt,
            outcome,
            classification,
            used,
            reason,
            event,
        } => {
            let end = Finish {
                outcome,
                classification: classification.as_ref(),
                used: *used,
                decision: reason,
                next_at: next_at(event),
            };
            attempts::finish(tx, *attempt, &end, event, actor, now).map(drop)
        }
        Write::StepsDone {
            attempt,
            task,
            steps,
            definition,
        } => {
            let finished = Finished { steps, definition };
            checkpoints::note(tx, *task, *attempt, finished, now)
        }
        Write::Doubt { attempt, line } => attempts::doubt(tx, *attempt, line),
        Write::Result { attempt, json } => attempts::set_result(tx, *attempt, json),
        Write::StopIntent { attempt, reason } => {
            attempts::set_stop_intent(tx, *attempt, *reason, actor, now)
        }
        Write::Change { task, event } => {
            if *event == TaskEvent::Requeued {
                let wish = tx.task(*task)?.spec.deadline;
                let deadline = wish.map(|wish| when::resolve(wish, Zone::Local, now));
                tasks::set_deadline(tx, *task, deadline)?;
            }
            let until = if *event == TaskEvent::Released {
                tx.still_to_come(*task, now)?
            } else {
                None
            };
            let later = until.map(|until| TaskEvent::ReleasedUntil { until });
            journal::record(tx, *task, later.as_ref().unwrap_or(event), actor, now).map(drop)
        }
        Write::Reprioritize { task, priority } => {
            tasks::reprioritize(tx, *task, *priority, actor, now)
        }
        Write::Remove { task } => tasks::remove(tx, *task, actor, now),
        Write::Healing(write) => writes::apply(tx, write, now),
        Write::Cut { task, cut } => parking::count_cut(tx, *task, *cut).map(drop),
        Write::Rescue(write) => rescue(tx, write, now),
        Write::WindowOpened => parking::unpark_all(tx, parking::BY_WINDOW).map(drop),
        // `engine::breakers` takes note of these, in the same transaction.
        Write::Service(_) | Write::Probed(_) | Write::ResetBreaker { .. } => Ok(()),
        Write::ClockSetBack => pages::clock_was_set_back(tx, now),
        // `engine::granting` tries these.
        Write::Wished { write, .. } => apply(tx, write, actor, now),
    }
}

/// Carries out a write about rescues.
fn rescue(tx: &Transaction<'_>, write: &RescueWrite, now: Timestamp) -> Result<(), StoreError> {
    let over = |recovery, state, detail: &String| {
        let progress = Progress {
            state,
            next_attempt: None,
            detail: Some(detail),
        };
        recoveries::go_on(tx, recovery, progress, now)
    };
    match write {
        RescueWrite::Round { task, round } => rescue::set_round(tx, *task, *round),
        RescueWrite::Gone {
            task,
            recovery,
            detail,
        } => {
            parking::unpark(tx, *task)?;
            over(*recovery, RecoveryState::Applied, detail)
        }
        RescueWrite::StillThere {
            task,
            recovery,
            detail,
            next,
        } => {
            parking::unpark(tx, *task)?;
            over(*recovery, RecoveryState::Failed, detail)?;
            let Some(round) = next else {
                return Ok(());
            };
            rescue::begin_again(tx, *recovery, now)?;
            rescue::set_round(tx, *task, *round)
        }
        RescueWrite::Rescued { task } => rescue::mark_rescued(tx, *task, now),
        RescueWrite::Brake => {
            let why = "rescues did not help in this run; the next one tries again";
            rescue::put_aside(tx, why).map(drop)
        }
    }
}

/// When the next attempt may start, for an event that promises one.
fn next_at(event: &TaskEvent) -> Option<Timestamp> {
    match event {
        TaskEvent::RetryScheduled { until, .. }
        | TaskEvent::Recovered { until, .. }
        | TaskEvent::Postponed { until } => Some(*until),
        TaskEvent::Interrupted { until, .. } => *until,
        TaskEvent::Claimed { .. }
        | TaskEvent::ClaimReturned { .. }
        | TaskEvent::Started { .. }
        | TaskEvent::Succeeded { .. }
        | TaskEvent::RecoveryStarted { .. }
        | TaskEvent::GivenUp { .. }
        | TaskEvent::Failed { .. }
        | TaskEvent::Skipped(_)
        | TaskEvent::Revived { .. }
        | TaskEvent::Held(_)
        | TaskEvent::Released
        | TaskEvent::ReleasedUntil { .. }
        | TaskEvent::Cancelled
        | TaskEvent::Completed { .. }
        | TaskEvent::Requeued => None,
    }
}

/// What earlier successes of a task took. What cannot be read raises no doubt about this one.
fn habit(tx: &Reader, id: TaskId, spec: &TaskSpec) -> Habit {
    if may_be_too_short(spec, false) {
        tx.habit(id).unwrap_or_default()
    } else {
        Habit::default()
    }
}

/// A task as the step needs it, for its next attempt or for one that is open.
pub(crate) fn load(tx: &Reader, id: TaskId) -> Result<ClaimedTask, StoreError> {
    let task = tx.task(id)?;
    let last = if task.attempts > 0 {
        tx.last_failure(id)?
    } else {
        None
    };
    // Who begins anew, by a person's wish, begins with what is defined.
    let behind = last.as_ref().filter(|_| task.used > 0);
    let timeout = time_limit::next(
        &task.spec,
        behind.and_then(|last| last.timeout),
        behind.map_or("", |last| last.pattern.as_str()),
    );
    let healing = if task.attempts > 0 {
        Healing::load(tx, id)?
    } else {
        Healing::default()
    };
    let adjusted = healing.adjustments.timeout_ms.map(Duration::from_millis);
    let timeout = timeout.max(adjusted);
    let stand = if task.attempts > 0 {
        tx.rescue_stand(id)?
    } else {
        RescueStand::default()
    };
    Ok(ClaimedTask {
        id,
        healing,
        rescue: stand,
        habit: habit(tx, id, &task.spec),
        limits: limits_of(&task),
        latest_start: None,
        priority: task.priority,
        number: task.attempts,
        used: task.used,
        timeout,
        time_factor: if task.used > 0 && task.spec.steps.iter().any(|step| step.timeout.is_some()) {
            time_limit::step_factor(tx.time_outs(id)?)
        } else {
            1
        },
        series_started: task.first_started,
        steps_done: if task.attempts > 0 {
            tx.finished_steps(id, &task.spec)?
        } else {
            0
        },
        last: last.map(|last| (last.category, last.pattern)),
        spec: task.spec,
        surroundings: task.surroundings,
    })
}

/// What a supervisor is told about an attempt.
pub(crate) fn assignment(
    attempt: AttemptId,
    task: &ClaimedTask,
    run: RunId,
    dir: &StateDir,
    until: Option<Timestamp>,
) -> Assignment {
    let mut spec = effective(task);
    for step in &mut spec.steps {
        step.timeout = step
            .timeout
            .map(|limit| limit.saturating_mul(task.time_factor));
    }
    let mut assignment = Assignment {
        attempt,
        task: task.id,
        run,
        spec,
        surroundings: task.surroundings.clone(),
        variables: variables(attempt, task, run, dir, until),
        timeout: task.timeout,
        ends_at: None,
        steps_done: if task.healing.adjustments.fallback_command {
            0
        } else {
            task.steps_done
        },
        remedies: Vec::new(),
        environments: Vec::new(),
        series_started: task.series_started,
    };
    equip(&mut assignment, &task.healing);
    assignment
}

/// The variables that a task finds in its environment.
fn variables(
    attempt: AttemptId,
    task: &ClaimedTask,
    run: RunId,
    dir: &StateDir,
    until: Option<Timestamp>,
) -> BTreeMap<String, OsText> {
    let mut variables: BTreeMap<String, OsText> = BTreeMap::new();
    let mut set = |name: &str, value: OsText| {
        variables.insert(name.to_owned(), value);
    };
    set("AUTOEXEC_TASK_ID", task.id.to_string().into());
    set("AUTOEXEC_TASK_NAME", task.spec.name.as_str().into());
    set("AUTOEXEC_RUN_ID", run.to_string().into());
    set("AUTOEXEC_ATTEMPT", (task.used + 1).to_string().into());
    set(
        "AUTOEXEC_MAX_ATTEMPTS",
        task.spec
            .retry
            .announced_limit()
            .max(task.used + 1)
            .to_string()
            .into(),
    );
    set("AUTOEXEC_START", task.number.to_string().into());
    set("AUTOEXEC_STATE_DIR", dir.root().into());
    set("AUTOEXEC_CHECKPOINT_DIR", dir.checkpoint(task.id).into());
    set("AUTOEXEC_RESULT_FILE", dir.result(attempt).into());
    set("AUTOEXEC_PROGRESS_FILE", dir.progress(attempt).into());
    if !task.spec.secrets.is_empty() {
        set(SECRETS_VARIABLE, task.spec.secrets.join(",").into());
    }
    if let Some((category, pattern)) = &task.last {
        set("AUTOEXEC_LAST_CATEGORY", category.as_str().into());
        set("AUTOEXEC_LAST_PATTERN", pattern.as_str().into());
    }
    if let Some(until) = until {
        set("AUTOEXEC_WINDOW_END", until.to_rfc3339().into());
    }
    if let Some(timeout) = task.timeout {
        set("AUTOEXEC_TIMEOUT_SECONDS", seconds(timeout).into());
    }
    variables
}

/// Whole seconds where they are whole, else with a fraction.
fn seconds(span: Duration) -> String {
    if span.subsec_nanos() == 0 {
        span.as_secs().to_string()
    } else {
        format!("{:.3}", span.as_secs_f64())
    }
}
