//! How far an adjustment goes.

use super::*;
use crate::model::category::Retryable as R;
use crate::model::recovery::RecoveryState as S;
use crate::policy::decide::Decision;
use crate::policy::recovery::fixture::Scene;
use std::time::Duration;

const MIB: u64 = 1024 * 1024;

fn adjusted(scene: &Scene) -> Adjustment {
    match scene.remedy() {
        Some(Remedy::Adjust(adjustment)) => adjustment,
        other => panic!("no adjustment: {other:?}"),
    }
}

#[test]
fn endpoints_are_rotated_one_after_the_other_until_all_were_tried() {
    let mut scene = Scene::new(C::ServerError, "http_503", R::Yes).with(|scene| {
        let urls = [
            "https://a.example",
            "https://b.example",
            "https://c.example",
        ];
        let list = urls.iter().map(|url| (*url).into()).collect();
        scene.spec.endpoints.insert("API".to_owned(), list);
        scene.spec.retry.max_attempts = Some(9);
    });
    let mut held = Vec::new();
    for _ in 0..8 {
        if scene.again(S::InVain).as_deref() == Some("rotate_endpoint") {
            let env = &scene.recovery.adjustments.env;
            held.push(env["API"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(held, ["https://b.example", "https://c.example"]);
}

#[test]
fn only_the_address_that_fails_is_rotated() {
    let scene = Scene::new(C::ServerError, "http_503", R::Yes)
        .found("host", "y.example")
        .with(|scene| {
            for (name, host) in [("X", "x"), ("Y", "y")] {
                let list = [
                    format!("https://{host}.example"),
                    format!("https://{host}2.example"),
                ];
                let list = list.into_iter().map(OsText::from).collect();
                scene.spec.endpoints.insert(name.to_owned(), list);
            }
            scene.recovery.strategies = Some(vec!["rotate_endpoint".to_owned()]);
        });
    let env = adjusted(&scene).env;
    assert_eq!(env.keys().collect::<Vec<_>>(), ["Y"]);
    let plan = scene.plan().unwrap();
    assert_eq!(plan.about.as_deref(), Some("Y=y2.example:443"));
}

#[test]
fn what_an_address_says_of_users_is_not_shown() {
    let scene = Scene::new(C::ServerError, "http_503", R::Yes).with(|scene| {
        let list = vec![
            "https://a.example".into(),
            "https://me:secret@b.example/t0ken".into(),
        ];
        scene.spec.endpoints.insert("API".to_owned(), list);
        scene.recovery.strategies = Some(vec!["rotate_endpoint".to_owned()]);
    });
    let shown = crate::policy::recovery::deed(&scene.plan().unwrap());
    assert!(
        !shown.contains("secret") && !shown.contains("t0ken"),
        "{shown}"
    );
}

#[test]
fn memory_is_doubled_up_to_four_times_and_to_what_there_is() {
    let scene = |total| {
        Scene::new(C::Resource, "out_of_memory", R::AfterFix).with(|scene| {
            scene.spec.limits.memory = Some(100 * MIB);
            scene.recovery.host.memory_total = Some(total);
        })
    };
    let mut all = scene(8000 * MIB);
    let mut limits = Vec::new();
    while all.strategy().as_deref() == Some("raise_memory") {
        limits.push(adjusted(&all).memory.unwrap() / MIB);
        assert!(all.again(S::InVain).is_some());
    }
    assert_eq!(limits, [200, 400]);
    assert_eq!(adjusted(&scene(150 * MIB)).memory, Some(150 * MIB));
    let Decision::Fail { reason } = scene(100 * MIB).decide().decision else {
        panic!("there is no more")
    };
    assert!(reason.contains("100.0 MiB"), "{reason}");
}

#[test]
fn open_files_are_raised_up_to_the_hard_limit() {
    let scene = |declared, hard| {
        Scene::new(C::Resource, "too_many_files", R::AfterFix).with(|scene| {
            scene.spec.limits.files = declared;
            scene.recovery.host.files_hard_limit = Some(hard);
        })
    };
    assert_eq!(adjusted(&scene(None, 1_000_000)).files, Some(4096));
    assert_eq!(adjusted(&scene(Some(50), 1_000_000)).files, Some(200));
    assert_eq!(adjusted(&scene(Some(50), 60)).files, Some(60));
    assert_eq!(scene(Some(60), 60).remedy(), None);
}

#[test]
fn only_the_variable_that_holds_the_port_in_use_gets_a_free_one() {
    let scene = |port: &str| {
        Scene::new(C::Resource, "busy", R::AfterFix)
            .env("PORT", "8080")
            .env("OTHER", "9090")
            .found("port", port)
            .with(|scene| scene.recovery.host.free_port = Some(40_001))
    };
    let env = adjusted(&scene("8080")).env;
    assert_eq!(
        env,
        BTreeMap::from([("PORT".to_owned(), OsText::from("40001"))])
    );
    for port in ["22", "80", "0", "-1", "8080 ", "x"] {
        assert_eq!(scene(port).remedy(), None, "{port}");
    }
}

#[test]
fn a_number_that_happens_to_be_the_port_in_use_stays_as_it_is() {
    let changed = |declared: &[(&str, &str)], port: &str| {
        let mut scene = Scene::new(C::Resource, "busy", R::AfterFix).found("port", port);
        for (name, value) in declared {
            scene = scene.env(name, value);
        }
        let scene = scene.with(|scene| scene.recovery.host.free_port = Some(40_001));
        scene.remedy()?;
        Some(adjusted(&scene).env.into_keys().collect::<Vec<_>>())
    };
    let both = changed(&[("ROWS", "5000"), ("http_port", "5000")], "5000");
    assert_eq!(both, Some(vec!["http_port".to_owned()]));
    let only = changed(&[("LISTEN", "5000"), ("ROWS", "10")], "5000");
    assert_eq!(only, Some(vec!["LISTEN".to_owned()]));
    assert_eq!(
        changed(&[("ROWS", "5000"), ("LISTEN", "5000")], "5000"),
        None
    );
    assert_eq!(changed(&[("WORKERS", "4")], "4"), None);
}

#[test]
fn a_time_limit_is_doubled_twice_and_ends_with_the_window() {
    use crate::model::outcome::{Ended, Exit};
    let timed_out = |scene: &mut Scene, limit| {
        scene.outcome = crate::policy::recovery::fixture::outcome(Ended::TimedOut {
            limit: Duration::from_secs(limit),
            exit: Exit::Code(143),
            killed: false,
        });
    };
    let mut scene = Scene::new(C::Timeout, "own_timeout", R::AfterFix)
        .with(|scene| scene.spec.timeout = Some(Duration::from_secs(10)));
    let mut limits = Vec::new();
    for limit in [10, 20] {
        timed_out(&mut scene, limit);
        let Decision::Recover { timeout, .. } = scene.decide().decision else {
            panic!("expected a recovery")
        };
        limits.push(timeout.unwrap().as_secs());
        assert!(scene.again(S::InVain).is_some());
    }
    assert_eq!(limits, [20, 40]);
    timed_out(&mut scene, 40);
    // As without recoveries: once more with what it has.
    assert!(
        matches!(scene.decide().decision, Decision::RetryAt { timeout: Some(held), .. } if held.as_secs() == 40)
    );
}

#[test]
fn fallback_values_are_for_wrong_input_only_and_once() {
    let scene = |category, pattern| {
        Scene::new(category, pattern, R::No)
            .with(|scene| drop(scene.spec.fallbacks.insert("R".to_owned(), "eu".into())))
    };
    let mut usage = scene(C::Validation, "usage");
    assert_eq!(usage.again(S::InVain).as_deref(), Some("use_defaults"));
    assert_eq!(usage.remedy(), None);
    assert_eq!(scene(C::Logic, "exception").remedy(), None);
}
