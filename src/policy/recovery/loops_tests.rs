//! That recoveries come to an end, stay within their bounds, and do no more than the mode lets them.

use proptest::prelude::*;

use super::RecoveryFacts;
use super::loops;
use super::strategies;
use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::RecoverMode as M;
use crate::model::recovery::RecoveryState as S;
use crate::model::recovery::Risk;
use crate::model::remedy::Remedy;
use crate::policy::classify::catalogue::catalogue;
use crate::policy::decide::Decision;
use crate::policy::recovery::fixture::Scene;
use crate::policy::recovery::fixture::failure;
use crate::policy::recovery::fixture::outcome;
use crate::policy::recovery::fixture::rich;

/// The rich task with a failure of the catalogue.
fn failed_with(number: usize) -> Scene {
    let all = catalogue();
    let named = &all[number % all.len()];
    let mut scene = rich()
        .found("path", ["out/x", "cache/a.tgz", "run/a.lock"][number % 3])
        .found("port", "8080")
        .found("module", "requests")
        .found("ecosystem", "python");
    scene.failure.category = named.category;
    named.name.clone_into(&mut scene.failure.pattern);
    scene.failure.retryable = named.retryable;
    scene
}

/// The next attempt fails too: with the program's failure, or because the remedy before it failed.
fn fail_again(scene: &mut Scene, state: S, number: usize, fingerprint: &str) {
    let next = failed_with(number).failure;
    scene.again(state);
    let was_act = scene
        .recovery
        .past
        .last()
        .and_then(|past| past.plan.as_ref())
        .is_some_and(|plan| matches!(plan.remedy, Remedy::Act(_)));
    if was_act && state == S::Failed {
        let real = scene.recovery.original.take();
        scene.recovery.original = real.or_else(|| Some(scene.failure.clone()));
        scene.failure = failure(C::Unknown, "remedy_failed", R::No);
        scene.outcome = outcome(Ended::CouldNotStart(StartFailure {
            kind: StartFailureKind::RemedyFailed,
            errno: 0,
            path: "x".into(),
        }));
    } else {
        scene.recovery.original = None;
        scene.failure = next;
        scene.outcome = outcome(Ended::ByItself(Exit::Code(1)));
        fingerprint.clone_into(&mut scene.recovery.fingerprint);
    }
}

/// What no history of a task may show.
fn broken_bound(recovery: &RecoveryFacts) -> Option<String> {
    for (place, past) in recovery.past.iter().enumerate() {
        let strategy = strategies::named(&past.strategy).unwrap();
        let before = &recovery.past[..place];
        let used = before
            .iter()
            .filter(|other| other.strategy == past.strategy);
        if used.count() >= usize::try_from(strategy.most).unwrap() {
            return Some(format!("`{}` was used too often", past.strategy));
        }
        let plan = past.plan.as_ref().unwrap();
        let same = |other: &&crate::model::recovery::PastRecovery| {
            other.fingerprint == past.fingerprint
                && other.state != S::Helped
                && other.plan.as_ref().unwrap().remedy == plan.remedy
        };
        let changes = strategy.risk != Risk::Observe && plan.remedy != Remedy::Retry;
        if changes && before.iter().any(|other| same(&other)) {
            return Some(format!("`{}` was tried in vain before", past.strategy));
        }
    }
    let most = loops::MOST_WAITING + std::time::Duration::from_mins(15);
    (loops::waited(&recovery.past) > most).then(|| "it waited for too long".to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_chain_of_recoveries_ends_and_stays_within_its_bounds(
        first in 0..1000_usize,
        attempts in 1..40_u32,
        story in prop::collection::vec(
            (prop::sample::select(vec![S::Helped, S::InVain, S::Failed, S::Applied, S::Abandoned]),
             0..1000_usize, any::<bool>(), any::<bool>()),
            200,
        ),
    ) {
        let mut scene = failed_with(first);
        scene.spec.retry.max_attempts = Some(attempts);
        let mut number = first;
        let mut ended = false;
        for (state, other, is_other, is_new) in story {
            number = if is_other { other } else { number };
            let fingerprint = if is_new { "f2" } else { "f1" };
            let decided = scene.decide();
            match decided.decision {
                Decision::Recover { .. } => fail_again(&mut scene, state, number, fingerprint),
                Decision::RetryAt { .. } => scene.used = decided.used_in_all,
                Decision::Succeed
                | Decision::Rescue { .. }
                | Decision::Fail { .. }
                | Decision::Hold(_)
                | Decision::Interrupt { .. } => {
                    ended = true;
                    break;
                }
            }
        }
        prop_assert!(ended, "it goes on: {:?}", scene.recovery.past.len());
        let kept: Vec<_> = scene.recovery.past.iter().filter(|past| loops::was_done(past)).cloned().collect();
        scene.recovery.past = kept;
        prop_assert_eq!(broken_bound(&scene.recovery), None);
    }

    #[test]
    fn a_higher_mode_only_adds_and_a_lower_one_does_nothing(first in 0..1000_usize, used in 0..6_u32) {
        let scene = failed_with(first).with(|scene| scene.used = used);
        let off = scene.clone().mode(M::Off).decide();
        let is_recovery = |decision: &Decision| matches!(decision, Decision::Recover { .. });
        prop_assert!(!is_recovery(&off.decision) && off.notes.is_empty());
        let suggested = scene.clone().mode(M::Suggest).decide();
        prop_assert_eq!(&suggested.decision, &off.decision);
        let safe = scene.clone().mode(M::Safe).decide();
        // What would be done is what is done.
        if let Decision::Recover { chosen, .. } = &safe.decision {
            let note = suggested.notes.iter().find(|note| note.state == S::Suggested);
            prop_assert_eq!(note.and_then(|note| note.plan.as_ref()), Some(&chosen.plan));
        }
        let mute = |scene: Scene| scene.with(|scene| scene.spec.allow.clear());
        for mode in [M::Safe, M::Full] {
            if let Decision::Recover { chosen, .. } = mute(scene.clone()).mode(mode).decide().decision {
                prop_assert!(chosen.plan.risk != Risk::Guarded, "{:?}", chosen.plan);
            }
        }
    }
}

#[test]
fn a_remedy_that_left_the_failure_as_it_was_is_not_used_again() {
    let scene = Scene::new(C::Resource, "missing_path", R::AfterFix).found("path", "out/x");
    for (state, fingerprint, wanted) in [
        (S::Applied, "f1", false),
        (S::InVain, "f1", false),
        (S::Failed, "f1", false),
        (S::Helped, "f1", true),
        (S::Abandoned, "f1", true),
        (S::InVain, "f2", true),
    ] {
        let mut scene = scene.clone();
        assert!(scene.again(state).is_some());
        fingerprint.clone_into(&mut scene.recovery.fingerprint);
        let decision = scene.decide().decision;
        let is_used = matches!(decision, Decision::Recover { .. });
        assert_eq!(is_used, wanted, "{state:?} {fingerprint}");
        if let Decision::Fail { reason }
        | Decision::Hold(crate::model::state::Hold { reason, .. }) = decision
        {
            assert!(reason.contains("the failure is the same"), "{reason}");
        }
    }
}

#[test]
fn what_undoes_each_other_is_not_done_in_turn() {
    let mut scene = Scene::new(C::Validation, "config_error", R::No).with(|scene| {
        scene
            .spec
            .fallbacks
            .insert("API".to_owned(), "https://c.example".into());
        let list = [
            "https://a.example",
            "https://b.example",
            "https://d.example",
        ];
        let list = list.map(crate::support::bytes::OsText::from).to_vec();
        scene.spec.endpoints.insert("API".to_owned(), list);
        scene.recovery.strategies = Some(vec![
            "rotate_endpoint".to_owned(),
            "use_defaults".to_owned(),
        ]);
    });
    let tried: Vec<_> = (0..9).map_while(|_| scene.again(S::Helped)).collect();
    assert_eq!(tried, ["rotate_endpoint", "use_defaults"]);
}

#[test]
fn the_budgets_of_a_task_and_of_a_night_are_kept() {
    let mut scene = Scene::new(C::Network, "connection_refused", R::Yes)
        .command(&["psql", "-h", "db.internal"])
        .with(|scene| scene.spec.retry.max_attempts = Some(100));
    let mut tried = Vec::new();
    while tried.len() < 30 {
        tried.extend(scene.again(S::Failed));
    }
    let waits = tried
        .iter()
        .filter(|name| *name == "wait_for_reconnection")
        .count();
    assert!((5..20).contains(&waits), "{waits}");
    assert_eq!(loops::waited(&scene.recovery.past), loops::MOST_WAITING);
    let mut night = Scene::new(C::ServerError, "http_503", R::Yes);
    assert!(night.remedy().is_some());
    night.recovery.recoveries_tonight = loops::MOST_PER_NIGHT;
    assert!(matches!(night.decide().decision, Decision::RetryAt { .. }));
}
