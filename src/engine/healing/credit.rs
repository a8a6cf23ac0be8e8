//! Whether a recovery helped: what the end of the next attempt says of it. Pure.
//!
//! # The rule
//!
//! - The next attempt succeeds: it helped.
//! - The next attempt fails with the same category and pattern: it was in vain, whatever its own probe
//!   had seen.
//! - The next attempt fails with something else: it helped if it was verified by itself, which a wait
//!   and an action are (what was missing was seen to be there). Of a change or a mere retry nobody
//!   knows; it counts neither for nor against.
//! - An attempt that did not run its course, because it was stopped, lost or could not be started for
//!   a reason of ours, says nothing: the one after it will.
//! - An action that its supervisor could not do has failed.

use crate::engine::events::RunEvent;
use crate::engine::events::TaskRef;
use crate::engine::healing::writes::HealingWrite;
use crate::engine::message::Effects;
use crate::engine::message::Write;
use crate::model::category::Classification;
use crate::model::ids::AttemptId;
use crate::model::outcome::Ended;
use crate::model::outcome::Outcome;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Remedy;
use crate::policy::classify::Judgement;
use crate::policy::recovery::RecoveryFacts;
use crate::store::recoveries::RecoveryRecord;

/// What the end of an attempt says of a recovery.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Credit {
    /// The recovery, as it stands from now on.
    pub(crate) recovery: RecoveryRecord,
}

/// What the end of an attempt says of the open recoveries of its task; only those of which it says
/// something.
pub(crate) fn credits(
    open: &[RecoveryRecord],
    attempt: AttemptId,
    outcome: &Outcome,
    judgement: &Judgement,
) -> Vec<Credit> {
    let word = word(outcome, judgement);
    open.iter()
        .filter_map(|recovery| {
            let mut recovery = recovery.clone();
            let mut is_news = false;
            if recovery.state == RecoveryState::Pending {
                let mut done = outcome.account.remedies.iter();
                let done = done.find(|result| result.recovery == recovery.id)?;
                recovery.detail = Some(done.detail.clone());
                recovery.state = if done.succeeded {
                    RecoveryState::Applied
                } else {
                    RecoveryState::Failed
                };
                is_news = true;
            }
            if recovery.state == RecoveryState::Applied
                && let Some(state) = verdict(&recovery, word)
            {
                recovery.state = state;
                is_news = true;
            }
            recovery.next_attempt = Some(attempt);
            is_news.then_some(Credit { recovery })
        })
        .collect()
}

impl Credit {
    /// What is to be kept of it.
    pub(crate) fn write(&self) -> Write {
        Write::Healing(HealingWrite::GoOn {
            recovery: self.recovery.id,
            state: self.recovery.state,
            next_attempt: self.recovery.next_attempt,
            detail: self.recovery.detail.clone(),
        })
    }
}

/// The choice of the next recovery knows what became of the earlier ones.
pub(crate) fn note(credits: &[Credit], facts: Option<&mut RecoveryFacts>) {
    let past = facts.map(|facts| facts.past.iter_mut());
    for past in past.into_iter().flatten() {
        let credit = credits.iter().find(|credit| credit.recovery.id == past.id);
        past.state = credit.map_or(past.state, |credit| credit.recovery.state);
    }
}

/// Tells what helped and what did not, where that was not told before.
pub(crate) fn tell(task: &TaskRef, credits: &[Credit], effects: &mut Effects) {
    for Credit { recovery } in credits {
        // A mere retry is told by the attempts, and that something was seen was told when it was.
        let was_told = match recovery.remedy() {
            Some(Remedy::Retry) | None => true,
            Some(Remedy::Await(_)) => recovery.state == RecoveryState::Helped,
            Some(Remedy::Adjust(_) | Remedy::Act(_) | Remedy::SlowDown { .. }) => false,
        };
        if !was_told && recovery.state.verdict().is_some() {
            effects.shown.push(RunEvent::RecoveryEnded {
                task: task.clone(),
                strategy: recovery.strategy.clone(),
                state: recovery.state,
                detail: recovery.detail.clone(),
                next: None,
            });
        }
    }
}

/// What an end says.
#[derive(Debug, Clone, Copy)]
enum Word<'a> {
    Nothing,
    Succeeded,
    Failed(&'a Classification),
}

fn word<'a>(outcome: &Outcome, judgement: &'a Judgement) -> Word<'a> {
    let ran = match &outcome.ended {
        Ended::ByItself(_) | Ended::TimedOut { .. } | Ended::WentSilent { .. } => true,
        Ended::CouldNotStart(failure) => !matches!(
            failure.kind,
            StartFailureKind::HostBusy | StartFailureKind::RemedyFailed
        ),
        Ended::Stopped { .. } | Ended::Lost(_) => false,
    };
    match judgement {
        _ if !ran => Word::Nothing,
        Judgement::Success => Word::Succeeded,
        Judgement::Failure(failure) => Word::Failed(failure),
    }
}

fn verdict(recovery: &RecoveryRecord, word: Word<'_>) -> Option<RecoveryState> {
    let failure = match word {
        Word::Nothing => return None,
        Word::Succeeded => return Some(RecoveryState::Helped),
        Word::Failed(failure) => failure,
    };
    let is_the_same = failure.category == recovery.category && failure.pattern == recovery.pattern;
    Some(after_a_failure(recovery.remedy(), is_the_same))
}

/// What a failure says of the remedy that came before it: the same one as before, or another.
pub(crate) const fn after_a_failure(remedy: Option<&Remedy>, is_the_same: bool) -> RecoveryState {
    match remedy {
        _ if is_the_same => RecoveryState::InVain,
        Some(Remedy::Await(_) | Remedy::Act(_)) => RecoveryState::Helped,
        Some(Remedy::Adjust(_) | Remedy::SlowDown { .. } | Remedy::Retry) | None => {
            RecoveryState::Abandoned
        }
    }
}

#[cfg(test)]
#[path = "credit_tests.rs"]
mod tests;
