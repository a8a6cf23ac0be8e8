//! What is chosen for a failure: chains, last resorts, windows, and who comes first.

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::model::outcome::Ended;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::RecoverWhen;
use crate::model::recovery::RecoveryState as S;
use crate::model::remedy::Action;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::policy::decide::Decision;
use crate::policy::recovery::fixture::NOW;
use crate::policy::recovery::fixture::Scene;
use crate::policy::recovery::fixture::command;
use crate::policy::recovery::fixture::outcome;
use crate::policy::recovery::fixture::own;
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn the_task_s_own_recovery_comes_first_and_as_often_as_it_says() {
    let mut scene = Scene::new(C::Network, "connection_refused", R::Yes)
        .command(&["psql", "-h", "db.internal"])
        .with(|scene| {
            let when = RecoverWhen::Category(C::Network);
            scene.spec.recover.push(own(when, &["./wake"], 2));
            let when = RecoverWhen::Matches("unused".to_owned());
            scene.spec.recover.push(own(when, &["./other"], 9));
        });
    assert_eq!(scene.again(S::Helped).as_deref(), Some("run_command"));
    assert_eq!(scene.again(S::Helped).as_deref(), Some("run_command"));
    assert_eq!(scene.strategy().as_deref(), Some("wait_for_reconnection"));
    scene.recovery.matched = vec![false, true];
    let remedy = scene.remedy();
    let wanted = command(&["./other"]);
    assert_eq!(remedy, Some(Remedy::Act(Action::Run { command: wanted })));
}

#[test]
fn the_order_of_a_user_s_pattern_replaces_the_usual_one() {
    let mut scene = Scene::new(C::ServerError, "mine", R::Yes).with(|scene| {
        scene.recovery.strategies = Some(vec![
            "create_missing_path".to_owned(),
            "rotate_endpoint".to_owned(),
            "wait_and_retry".to_owned(),
        ]);
        let list = vec!["https://a.example".into(), "https://b.example".into()];
        scene.spec.endpoints.insert("API".to_owned(), list);
    });
    assert_eq!(scene.again(S::Applied).as_deref(), Some("rotate_endpoint"));
    assert_eq!(scene.again(S::Applied).as_deref(), Some("wait_and_retry"));
}

#[test]
fn a_chain_is_tried_in_turn_over_the_attempts() {
    let mut scene = Scene::new(C::Network, "connection_refused", R::Yes)
        .command(&["curl", "https://a.example/x"])
        .found("host", "a.example")
        .with(|scene| {
            let list = vec!["https://a.example".into(), "https://b.example".into()];
            scene.spec.endpoints.insert("API".to_owned(), list);
        });
    let tried: Vec<_> = (0..4).map_while(|_| scene.again(S::Applied)).collect();
    let wanted = [
        "rotate_endpoint",
        "wait_for_reconnection",
        "wait_and_retry",
        "wait_for_reconnection",
    ];
    assert_eq!(tried, wanted);
    assert!(matches!(scene.decide().decision, Decision::Fail { .. }));
}

#[test]
fn a_peer_that_did_not_come_back_in_time_is_waited_for_again_and_longer() {
    let mut scene = Scene::new(C::Network, "connection_refused", R::Yes).command(&[
        "psql",
        "-h",
        "db.internal",
    ]);
    let mut waits = Vec::new();
    for _ in 0..4 {
        waits.push(scene.plan().unwrap().timeout.as_secs() / 60);
        let strategy = scene.again(S::Failed);
        assert_eq!(strategy.as_deref(), Some("wait_for_reconnection"));
    }
    assert_eq!(waits, [2, 4, 8, 15]);
}

#[test]
fn another_declared_address_is_taken_before_anybody_waits_for_a_dead_one() {
    let mut scene = Scene::new(C::Network, "connection_refused", R::Yes)
        .command(&["curl", "https://a.example/x"])
        .with(|scene| {
            let list = vec!["https://a.example".into(), "https://b.example".into()];
            scene.spec.endpoints.insert("API".to_owned(), list);
            scene.spec.service.push("a.example:443".to_owned());
        });
    assert_eq!(scene.strategy().as_deref(), Some("rotate_endpoint"));
    let tried: Vec<_> = (0..2).map_while(|_| scene.again(S::Failed)).collect();
    assert_eq!(tried, ["rotate_endpoint", "wait_for_reconnection"]);
}

#[test]
fn waits_are_longer_each_time_although_no_attempts_lie_between() {
    let mut scene = Scene::new(C::Network, "connection_refused", R::Yes).command(&[
        "psql",
        "-h",
        "db.internal",
    ]);
    let mut waits = Vec::new();
    for _ in 0..4 {
        waits.push(scene.plan().unwrap().timeout.as_secs() / 60);
        scene.again(S::Failed);
        scene.used = 0;
    }
    assert_eq!(waits, [2, 4, 8, 15]);
}

#[test]
fn a_fallback_is_used_last_and_once_when_the_attempts_are_used_up() {
    let mut scene = Scene::new(C::Network, "connection_reset", R::Yes)
        .with(|scene| scene.spec.fallback_command = Some(command(&["./plan-b"])));
    scene.spec.retry.max_attempts = Some(2);
    let tried: Vec<_> = (0..4).map_while(|_| scene.again(S::InVain)).collect();
    assert_eq!(tried, ["wait_and_retry", "use_fallback_command"]);
    assert!(scene.recovery.adjustments.fallback_command);
}

#[test]
fn two_that_fail_only_together_run_alone_although_nobody_wrote_a_third_attempt() {
    let mut scene =
        Scene::new(C::Unknown, "generic", R::No).with(|scene| scene.recovery.others_ran = true);
    let tried: Vec<_> = (0..4).map_while(|_| scene.again(S::InVain)).collect();
    assert_eq!(tried, ["wait_and_retry", "run_alone"]);
    let mut written = Scene::new(C::Unknown, "generic", R::No).with(|scene| {
        scene.recovery.others_ran = true;
        scene.spec.retry.max_attempts = Some(1);
    });
    assert_eq!(written.again(S::InVain), None);
}

#[test]
fn a_remedy_that_failed_costs_no_attempt_and_the_next_one_is_for_the_first_failure() {
    let mut scene = Scene::new(C::Auth, "expired_token", R::AfterFix).with(|scene| {
        let when = RecoverWhen::Category(C::Auth);
        scene.spec.recover.push(own(when.clone(), &["./one"], 1));
        scene.spec.recover.push(own(when, &["./two"], 1));
    });
    assert!(scene.again(S::Failed).is_some());
    let used = scene.used;
    scene.recovery.original = Some(scene.failure.clone());
    scene.failure = crate::policy::recovery::fixture::failure(C::Unknown, "remedy_failed", R::No);
    scene.outcome = outcome(Ended::CouldNotStart(StartFailure {
        kind: StartFailureKind::RemedyFailed,
        errno: 0,
        path: "refresh_credentials".into(),
    }));
    let remedy = scene.remedy();
    let wanted = command(&["./two"]);
    assert_eq!(remedy, Some(Remedy::Act(Action::Run { command: wanted })));
    assert!(scene.again(S::Failed).is_some());
    assert_eq!(scene.used, used);
    let decided = scene.decide();
    assert!(!decided.used);
    let Decision::Fail { reason } = decided.decision else {
        panic!("nothing is left: {:?}", decided.decision)
    };
    assert!(reason.contains("credential"), "{reason}");
    // Where nobody knows the first failure, such an end counts, so that it cannot go on for ever.
    scene.recovery.original = None;
    assert!(scene.decide().used);
}

#[test]
fn what_was_stopped_by_hand_or_knows_better_is_left_alone() {
    let fallback = |scene: &mut Scene| scene.spec.fallback_command = Some(command(&["./plan-b"]));
    let by_hand = Scene::new(C::Killed, "sigint", R::No).with(fallback);
    assert!(matches!(by_hand.decide().decision, Decision::Fail { .. }));
    let said = Scene::new(C::Network, "connection_refused", R::Yes).with(|scene| {
        fallback(scene);
        scene.outcome.account.said = Some(crate::model::outcome::Said {
            retryable: Some(R::No),
            ..crate::model::outcome::Said::default()
        });
    });
    assert!(matches!(said.decide().decision, Decision::Fail { .. }));
}

#[test]
fn a_wait_ends_with_the_window_and_the_next_attempt_is_not_before_the_usual_wait() {
    let scene = Scene::new(C::Network, "connection_refused", R::Yes)
        .command(&["psql", "-h", "db.internal"])
        .with(|scene| scene.window_end = Some(NOW.plus(Duration::from_secs(30))));
    let Decision::Recover { chosen, until, .. } = scene.decide().decision else {
        panic!("expected a recovery")
    };
    assert_eq!(chosen.plan.timeout, Duration::from_secs(30));
    assert!(until > NOW && until < NOW.plus(Duration::from_secs(3)));
    let late = scene.with(|scene| scene.window_end = Some(NOW));
    assert_eq!(late.strategy().as_deref(), Some("wait_and_retry"));
}

#[test]
fn a_service_whose_breaker_is_open_is_not_probed_twice() {
    let scene = Scene::new(C::Network, "connection_refused", R::Yes)
        .command(&["psql", "-h", "db.internal"])
        .with(|scene| scene.recovery.service_open = true);
    assert_eq!(scene.strategy().as_deref(), Some("wait_and_retry"));
}

#[test]
fn the_probe_of_a_service_is_preferred_to_its_port() {
    let probe = Await::Http {
        url: "https://db.internal/health".to_owned(),
    };
    let scene = Scene::new(C::Network, "connection_refused", R::Yes)
        .found("host", "db.internal")
        .with(|scene| {
            scene.spec.service = vec!["db.internal:5432".to_owned()];
            let probes = [("db.internal:5432".to_owned(), probe.clone())];
            scene.recovery.probes = BTreeMap::from(probes);
        });
    assert_eq!(scene.remedy(), Some(Remedy::Await(probe)));
}

#[test]
fn a_stale_lock_is_removed_only_after_it_was_waited_for() {
    let mut scene = Scene::new(C::Resource, "busy", R::Yes)
        .found("path", "/data/job/run/a.lock")
        .allow("remove_stale_lock")
        .with(|scene| scene.spec.temp.push("run/*.lock".to_owned()));
    let tried: Vec<_> = (0..3).map_while(|_| scene.again(S::Helped)).collect();
    assert_eq!(
        tried,
        ["wait_for_lock", "wait_and_retry", "remove_stale_lock"]
    );
    let Some(Remedy::Act(Action::Delete {
        path, unless_held, ..
    })) = scene
        .recovery
        .past
        .last()
        .unwrap()
        .plan
        .clone()
        .map(|plan| plan.remedy)
    else {
        panic!("it deletes")
    };
    assert_eq!((path, unless_held), ("run/a.lock".into(), true));
}

#[test]
fn a_task_that_is_alone_already_does_not_become_more_so() {
    let scene = Scene::new(C::Resource, "busy", R::AfterFix).with(|scene| {
        scene.recovery.others_ran = true;
    });
    assert_eq!(
        scene.remedy(),
        Some(Remedy::Adjust(Adjustment {
            alone: true,
            ..Adjustment::default()
        }))
    );
    let alone = scene.with(|scene| scene.recovery.adjustments.alone = true);
    assert!(matches!(alone.decide().decision, Decision::Fail { .. }));
}
