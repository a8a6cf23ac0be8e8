//! Which tasks are claimed next, inside the transaction of a beat.
//!
//! No judgement of its own: which candidates are taken is `policy::pick`, whether one fits into what is
//! left of the window is `policy::fit`.

use crate::engine::breakers::gate::Gate;
use crate::engine::events::RunEvent;
use crate::engine::ledger::load;
use crate::engine::recover::Here;
use crate::engine::rescue::rounds::Waiting;
use crate::engine::state::ClaimedTask;
use crate::model::ids::AttemptId;
use crate::model::ids::Epoch;
use crate::model::ids::RunId;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Await;
use crate::model::spec::OnCrash;
use crate::model::state::TaskEvent;
use crate::policy::fit::Fit;
use crate::policy::fit::Room;
use crate::policy::fit::fit;
use crate::policy::fit::latest_start;
use crate::policy::forecast::NEWEST;
use crate::policy::forecast::forecast;
use crate::policy::pick;
use crate::policy::time_limit::within;
use crate::store::Actor;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::attempts;
use crate::store::journal;
use crate::store::parking;
use crate::store::pick as pages;
use crate::store::pick::Selection;
use crate::store::recoveries;
use crate::store::recoveries::Progress;
use crate::support::clock::Timestamp;
use std::collections::BTreeMap;

/// Tasks that are put aside in one transaction because they would not end in time; the others follow.
const MOST_PASSED_OVER: usize = 10_000;

/// Why a task is put aside whose rescue round has come.
const LOOKING: &str = "whether its cause is gone is being looked at";

/// What claims rest on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClaimFacts {
    /// The run; a command without one claims nothing.
    pub(crate) run: Option<RunId>,
    /// Queue and boot.
    pub(crate) here: Here,
    /// The run's epoch.
    pub(crate) epoch: Epoch,
    /// How many attempts are to be claimed.
    pub(crate) wanted: usize,
    /// Only tasks of a higher priority than this.
    pub(crate) above: Option<i64>,
    /// From which tasks.
    pub(crate) selection: Selection,
    /// How many of them a slot is waiting for.
    pub(crate) free: usize,
    /// The time there is for them.
    pub(crate) room: Room,
    /// Whether the run has rescue rounds, and so looks before their attempts.
    pub(crate) has_rounds: bool,
}

/// Claims that were made.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// In the order in which they shall start.
    pub(crate) attempts: Vec<(AttemptId, ClaimedTask)>,
    /// There may be more tasks that could start.
    pub(crate) more: bool,
    /// Tasks whose turn has come to be rescued, and what is looked at before that.
    pub(crate) looks: Vec<(Await, Waiting)>,
    /// What is to be told of tasks that would not end in time.
    pub(crate) passed_over: Vec<RunEvent>,
}

/// Claims the next tasks.
pub(crate) fn claim(
    tx: &Transaction<'_>,
    facts: &ClaimFacts,
    gate: &mut Gate,
    actor: &Actor,
    now: Timestamp,
) -> Result<Claimed, StoreError> {
    let mut claimed = Claimed::default();
    let (Some(run), true) = (facts.run, facts.wanted > 0) else {
        return Ok(claimed);
    };
    // Whoever waits for a service that is to be tried now comes first: many may wait for the answer.
    for probe in gate.probes(tx, facts.free)? {
        parking::unpark(tx, probe)?;
        let task = load(tx, probe)?;
        claim_one(tx, facts, run, gate, task, &mut claimed, actor, now)?;
    }
    // What does not fit makes room for what stands behind it, however much that is.
    loop {
        let passed_over = claimed.passed_over.len() + gate.parked;
        claim_page(tx, facts, run, gate, &mut claimed, actor, now)?;
        let passed_over_by_now = claimed.passed_over.len() + gate.parked;
        let found_some = passed_over_by_now > passed_over;
        let wants_more = claimed.attempts.len() < facts.wanted && claimed.more;
        if !found_some || !wants_more || passed_over_by_now > MOST_PASSED_OVER {
            return Ok(claimed);
        }
    }
}

/// Claims from one page of candidates.
fn claim_page(
    tx: &Transaction<'_>,
    facts: &ClaimFacts,
    run: RunId,
    gate: &mut Gate,
    claimed: &mut Claimed,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let wanted = facts.wanted.saturating_sub(claimed.attempts.len());
    let mut page = pages::candidates(tx, now, wanted, facts.selection)?;
    claimed.more = page.len() >= wanted;
    if let Some(above) = facts.above {
        page.retain(|candidate| candidate.priority > above);
        claimed.more = true;
    }
    let careful: BTreeMap<_, _> = page
        .iter()
        .map(|candidate| (candidate.id, candidate.on_crash != OnCrash::Retry))
        .collect();
    let candidates: Vec<pick::Candidate> = page
        .iter()
        .map(|candidate| pick::Candidate {
            waiting_for: None,
            task: candidate.id,
            priority: candidate.priority,
            // The page holds a retry once its time has come, whatever a clock that was set back says.
            due: candidate.due.map(|due| {
                if candidate.attempts > 0 {
                    due.min(now)
                } else {
                    due
                }
            }),
            claim: None,
            attempts: candidate.attempts,
            rescue_round: 0,
        })
        .collect();
    let picked = pick::pick(&candidates, wanted, now);
    // Something stands in the page that may not start yet: the clock was set back.
    claimed.more |= picked.len() < page.len();
    for task in picked {
        // INVARIANT: a task that must not run again after a crash is never claimed ahead: a claim
        // that waits would count as "maybe ran". What comes behind it waits too, or it would
        // never be its turn.
        if careful.get(&task) == Some(&true) && claimed.attempts.len() >= facts.free {
            claimed.more = true;
            break;
        }
        let task = load(tx, task)?;
        claim_one(tx, facts, run, gate, task, claimed, actor, now)?;
    }
    Ok(())
}

/// Claims one task, unless it has to wait for the next window or for a service.
#[expect(
    clippy::too_many_arguments,
    reason = "what a claim rests on, and what it adds to"
)]
fn claim_one(
    tx: &Transaction<'_>,
    facts: &ClaimFacts,
    run: RunId,
    gate: &mut Gate,
    mut task: ClaimedTask,
    claimed: &mut Claimed,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(told) = pass_over(tx, &mut task, &facts.room, actor, now)? {
        claimed.passed_over.push(told);
        return Ok(());
    }
    if waits_for_a_look(tx, facts, gate, &task, claimed, now)? {
        return Ok(());
    }
    if !gate.admit(tx, &task, claimed.attempts.len() < facts.free)? {
        return Ok(());
    }
    task.timeout = within(task.timeout, task.spec.timeout, facts.room.end, now);
    let claim = attempts::claim(
        tx,
        task.id,
        &attempts::ClaimFacts {
            run,
            boot: facts.here.boot,
            epoch: facts.epoch,
            timeout: task.timeout,
        },
        actor,
        now,
    )?;
    gate.claimed(tx, claim.id, &task)?;
    let task = ClaimedTask {
        number: claim.number,
        ..task
    };
    claimed.attempts.push((claim.id, task));
    Ok(())
}

/// Puts a task aside whose rescue round has come until somebody has looked whether its cause is gone.
fn waits_for_a_look(
    tx: &Transaction<'_>,
    facts: &ClaimFacts,
    gate: &mut Gate,
    task: &ClaimedTask,
    claimed: &mut Claimed,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some((recovery, what)) = task.healing.look.clone() else {
        return Ok(false);
    };
    if facts.has_rounds {
        parking::park(tx, task.id, parking::BY_RESCUE, LOOKING)?;
        gate.parked += 1;
        let waiting = Waiting {
            task: task.reference(),
            recovery,
            round: task.rescue.rounds,
        };
        claimed.looks.push((what, waiting));
        return Ok(true);
    }
    // A plain run has no rounds: the attempt itself tells.
    let progress = Progress {
        state: RecoveryState::Applied,
        next_attempt: None,
        detail: None,
    };
    recoveries::go_on(tx, recovery, progress, now)?;
    Ok(false)
}

/// Puts a task aside that would not end in time, and says what is to be told of it. Of any other it is
/// noted until when that holds, because a claim may wait for long.
fn pass_over(
    tx: &Transaction<'_>,
    task: &mut ClaimedTask,
    room: &Room,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<RunEvent>, StoreError> {
    if room.end.is_none() {
        return Ok(None);
    }
    let history = tx.durations(&task.spec.name, NEWEST)?;
    let forecast = forecast(&history, task.spec.expect_duration);
    let mut resumes = Ok(false);
    let fit = fit(
        forecast.as_ref(),
        room,
        || {
            resumes = Ok(task.spec.steps.len() > 1);
            if matches!(resumes, Ok(false)) {
                resumes = tx.keeps_checkpoints(task.id);
            }
            matches!(resumes, Ok(true))
        },
        now,
    );
    resumes?;
    let reference = task.reference();
    match fit {
        Fit::Starts => {
            task.latest_start = latest_start(forecast.as_ref(), room);
            Ok(None)
        }
        Fit::Later(detail) => {
            parking::park(tx, task.id, parking::BY_WINDOW, &detail)?;
            Ok(Some(RunEvent::TaskDeferred {
                task: reference,
                detail,
            }))
        }
        Fit::Never(hold) => {
            journal::record(tx, task.id, &TaskEvent::Held(hold.clone()), actor, now)?;
            Ok(Some(RunEvent::TaskHeld {
                task: reference,
                hold,
            }))
        }
    }
}
