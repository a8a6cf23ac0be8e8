//! Which end of an attempt says what of a recovery, one row per case.

use super::*;
use crate::engine::fixture::attempt;
use crate::engine::fixture::failure;
use crate::engine::fixture::outcome;
use crate::engine::fixture::recovery;
use crate::model::category::Category;
use crate::model::ids::RecoveryId;
use crate::model::outcome::Exit;
use crate::model::outcome::LossCause;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StopReason;
use crate::model::remedy::Action;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Await;
use crate::model::remedy::RemedyResult;
use std::time::Duration;

use RecoveryState as S;

fn waited() -> Remedy {
    Remedy::Await(Await::Memory { available: 1 })
}

fn acted() -> Remedy {
    Remedy::Act(Action::MoveCheckpointAside)
}

fn changed() -> Remedy {
    Remedy::Adjust(Adjustment::default())
}

fn said(remedy: Remedy, state: S, outcome: &Outcome, judgement: &Judgement) -> Option<S> {
    // The failure that it was for is of the category `network` and the pattern `test`.
    let open = [recovery(1, remedy, state)];
    let credits = credits(&open, attempt(2), outcome, judgement);
    let credit = credits.into_iter().next()?;
    assert_eq!(credit.recovery.next_attempt, Some(attempt(2)));
    Some(credit.recovery.state)
}

#[test]
fn the_end_of_the_next_attempt_tells() {
    let ended = outcome(Ended::ByItself(Exit::Code(1)));
    let same = failure(Category::Network);
    let other = failure(Category::Logic);
    for (remedy, judgement, wanted) in [
        (waited(), &Judgement::Success, S::Helped),
        (waited(), &same, S::InVain),
        (waited(), &other, S::Helped),
        (acted(), &Judgement::Success, S::Helped),
        (acted(), &same, S::InVain),
        (acted(), &other, S::Helped),
        (changed(), &Judgement::Success, S::Helped),
        (changed(), &same, S::InVain),
        (changed(), &other, S::Abandoned),
        (Remedy::Retry, &Judgement::Success, S::Helped),
        (Remedy::Retry, &same, S::InVain),
        (Remedy::Retry, &other, S::Abandoned),
    ] {
        let found = said(remedy.clone(), S::Applied, &ended, judgement);
        assert_eq!(found, Some(wanted), "{remedy:?} {judgement:?}");
    }
}

#[test]
fn an_attempt_that_did_not_run_its_course_says_nothing() {
    let stopped = Ended::Stopped {
        reason: StopReason::RunStopped,
        exit: Exit::Code(1),
        killed: false,
    };
    let not_started = |kind| {
        Ended::CouldNotStart(StartFailure {
            kind,
            errno: 0,
            path: "x".into(),
        })
    };
    for ended in [
        stopped,
        Ended::Lost(LossCause::Reboot),
        not_started(StartFailureKind::HostBusy),
        not_started(StartFailureKind::RemedyFailed),
    ] {
        let outcome = outcome(ended);
        let found = said(waited(), S::Applied, &outcome, &failure(Category::Network));
        assert_eq!(found, None, "{:?}", outcome.ended);
    }
}

#[test]
fn an_action_is_judged_by_its_supervisor_first() {
    let result = |succeeded| RemedyResult {
        recovery: RecoveryId::new(1),
        succeeded,
        detail: "removed 3 files".to_owned(),
        took: Duration::ZERO,
    };
    let mut ended = outcome(Ended::ByItself(Exit::Code(1)));
    let same = failure(Category::Network);
    assert_eq!(
        said(acted(), S::Pending, &ended, &same),
        None,
        "nobody did it"
    );
    ended.account.remedies = vec![result(true)];
    assert_eq!(
        said(acted(), S::Pending, &ended, &Judgement::Success),
        Some(S::Helped)
    );
    assert_eq!(said(acted(), S::Pending, &ended, &same), Some(S::InVain));
    ended.account.remedies = vec![result(false)];
    ended.ended = Ended::CouldNotStart(StartFailure {
        kind: StartFailureKind::RemedyFailed,
        errno: 0,
        path: "x".into(),
    });
    assert_eq!(said(acted(), S::Pending, &ended, &same), Some(S::Failed));
    let credits = credits(
        &[recovery(1, acted(), S::Pending)],
        attempt(2),
        &ended,
        &same,
    );
    assert_eq!(
        credits[0].recovery.detail.as_deref(),
        Some("removed 3 files")
    );
}

#[test]
fn done_and_then_stopped_is_done_and_waits_for_the_next_attempt() {
    let mut ended = outcome(Ended::Lost(LossCause::Reboot));
    ended.account.remedies = vec![RemedyResult {
        recovery: RecoveryId::new(1),
        succeeded: true,
        detail: "made `out`".to_owned(),
        took: Duration::ZERO,
    }];
    let found = said(acted(), S::Pending, &ended, &failure(Category::Network));
    assert_eq!(found, Some(S::Applied));
}
