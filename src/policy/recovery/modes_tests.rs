//! One failure for each strategy, and what the modes make of it.

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::model::layout::StateDir;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::DependencyList;
use crate::model::recovery::RecoverMode as M;
use crate::model::recovery::RecoverWhen;
use crate::model::recovery::RecoveryState as S;
use crate::model::recovery::Risk;
use crate::policy::decide::Decision;
use crate::policy::recovery::fixture::Scene;
use crate::policy::recovery::fixture::command;
use crate::policy::recovery::fixture::outcome;
use crate::policy::recovery::fixture::own;
use std::time::Duration;

const MIB: u64 = 1024 * 1024;

fn scenes() -> Vec<(&'static str, Scene)> {
    vec![
        (
            "wait_and_retry",
            Scene::new(C::ServerError, "http_503", R::Yes),
        ),
        (
            "wait_retry_after",
            Scene::new(C::RateLimit, "http_429", R::Yes).found("retry_after_s", "40"),
        ),
        (
            "wait_for_reconnection",
            Scene::new(C::Network, "connection_refused", R::Yes).command(&[
                "pg_dump",
                "-h",
                "db.internal",
            ]),
        ),
        (
            "check_dns",
            Scene::new(C::Network, "dns_failure", R::Yes)
                .command(&["curl", "https://api.example.com/x"]),
        ),
        (
            "wait_for_lock",
            Scene::new(C::Resource, "busy", R::Yes).command(&["flock", "-n", "job.lck", "./job"]),
        ),
        (
            "wait_for_disk",
            Scene::new(C::Resource, "disk_full", R::AfterFix)
                .with(|scene| scene.recovery.host.disk_free = Some(0)),
        ),
        (
            "wait_for_memory",
            Scene::new(C::Resource, "out_of_memory", R::AfterFix)
                .with(|scene| scene.recovery.host.memory_available = Some(10 * MIB)),
        ),
        (
            "retry_with_longer_timeout",
            Scene::new(C::Timeout, "own_timeout", R::AfterFix).with(|scene| {
                scene.spec.timeout = Some(Duration::from_secs(10));
                scene.outcome = outcome(Ended::TimedOut {
                    limit: Duration::from_secs(10),
                    exit: Exit::Code(143),
                    killed: false,
                });
            }),
        ),
        (
            "rotate_endpoint",
            Scene::new(C::Network, "connection_refused", R::Yes).with(|scene| {
                let list = vec!["https://a.example".into(), "https://b.example".into()];
                scene.spec.endpoints.insert("API".to_owned(), list);
                scene.recovery.service_open = true;
            }),
        ),
        (
            "use_defaults",
            Scene::new(C::Validation, "config_error", R::No)
                .with(|scene| drop(scene.spec.fallbacks.insert("R".to_owned(), "eu-1".into()))),
        ),
        (
            "use_fallback_command",
            Scene::new(C::Logic, "exception", R::No)
                .with(|scene| scene.spec.fallback_command = Some(command(&["./plan-b"]))),
        ),
        (
            "create_missing_path",
            Scene::new(C::Resource, "missing_path", R::AfterFix).found("path", "out/x.csv"),
        ),
        (
            "clean_temp",
            Scene::new(C::Resource, "disk_full", R::AfterFix)
                .with(|scene| scene.spec.temp.push("cache/*.tmp".to_owned())),
        ),
        (
            "raise_open_files",
            Scene::new(C::Resource, "too_many_files", R::AfterFix)
                .with(|scene| scene.recovery.host.files_hard_limit = Some(100_000)),
        ),
        (
            "raise_memory",
            Scene::new(C::Resource, "out_of_memory", R::AfterFix)
                .with(|scene| scene.spec.limits.memory = Some(64 * MIB)),
        ),
        (
            "use_free_port",
            Scene::new(C::Resource, "busy", R::AfterFix)
                .env("PORT", "8080")
                .found("port", "8080")
                .with(|scene| scene.recovery.host.free_port = Some(40_001)),
        ),
        (
            "restart_from_checkpoint",
            Scene::new(C::Killed, "signal", R::Yes).with(|scene| scene.recovery.checkpoint = true),
        ),
        (
            "restart_from_scratch",
            Scene::new(C::Corruption, "bad_object", R::No)
                .with(|scene| scene.recovery.checkpoint = true),
        ),
        (
            "run_command",
            Scene::new(C::Logic, "exception", R::No).with(|scene| {
                let when = RecoverWhen::Pattern("exception".to_owned());
                scene.spec.recover.push(own(when, &["./heal"], 1));
            }),
        ),
        (
            "refresh_credentials",
            Scene::new(C::Auth, "expired_token", R::AfterFix).with(|scene| {
                let when = RecoverWhen::Category(C::Auth);
                scene.spec.recover.push(own(when, &["./refresh"], 1));
            }),
        ),
        (
            "install_dependency",
            Scene::new(C::Dependency, "missing_module", R::AfterFix)
                .found("module", "requests")
                .found("ecosystem", "python")
                .allow("install_dependency")
                .with(|scene| {
                    let names = vec!["requests==2.32.3".to_owned()];
                    scene.spec.dependencies.python = Some(DependencyList::Names(names));
                    scene.recovery.environments = Some(StateDir::at("/state"));
                }),
        ),
        (
            "make_executable",
            Scene::new(C::Resource, "permission", R::AfterFix)
                .allow("make_executable")
                .with(|scene| {
                    scene.outcome = outcome(Ended::CouldNotStart(StartFailure {
                        kind: StartFailureKind::NotExecutable,
                        errno: 13,
                        path: "./job".into(),
                    }));
                }),
        ),
        (
            "fetch_again",
            Scene::new(C::Corruption, "checksum_mismatch", R::AfterFix)
                .found("path", "cache/a.tgz")
                .allow("fetch_again")
                .with(|scene| scene.spec.temp.push("cache/".to_owned())),
        ),
    ]
}

#[test]
fn every_strategy_is_chosen_for_what_it_is_for() {
    for (strategy, scene) in scenes() {
        let plan = scene.plan();
        let plan = plan.unwrap_or_else(|| panic!("nothing for {strategy}: {:?}", scene.decide()));
        assert_eq!(plan.strategy, strategy);
        assert!(!plan.timeout.is_zero(), "{strategy}");
    }
}

#[test]
fn nothing_is_done_with_off_and_everything_is_told_with_suggest() {
    for (strategy, scene) in scenes() {
        let off = scene.clone().mode(M::Off).decide();
        assert!(
            !matches!(off.decision, Decision::Recover { .. }),
            "{strategy}"
        );
        assert!(off.notes.is_empty(), "{strategy}");
        let suggested = scene.clone().mode(M::Suggest).decide();
        assert_eq!(suggested.decision, off.decision, "{strategy}");
        let [note] = suggested.notes.as_slice() else {
            panic!("{strategy}: {:?}", suggested.notes)
        };
        assert_eq!(
            (note.strategy.as_str(), note.state),
            (strategy, S::Suggested)
        );
        assert!(note.why.starts_with("would "), "{}", note.why);
        // Exactly what is done otherwise.
        assert_eq!(note.plan, scene.plan(), "{strategy}");
    }
}

#[test]
fn a_guarded_strategy_needs_the_word_of_the_machine_and_of_the_task() {
    let guarded = scenes().into_iter().filter(|(_, scene)| {
        let plan = scene.plan();
        plan.is_some_and(|plan| plan.risk == Risk::Guarded)
    });
    let mut seen = 0;
    for (strategy, scene) in guarded {
        seen += 1;
        for (machine, task, mode, wish, wanted) in [
            (true, true, M::Safe, None, true),
            (true, false, M::Safe, None, false),
            (false, true, M::Full, None, false),
            (false, false, M::Full, Some(M::Full), false),
            (true, false, M::Full, Some(M::Full), true),
            (true, false, M::Safe, Some(M::Full), false),
            (true, false, M::Full, None, false),
        ] {
            let mut scene = scene.clone().mode(mode);
            scene.spec.recover_mode = wish;
            if !machine {
                scene.recovery.machine_allow.clear();
            }
            if !task {
                scene.spec.allow.clear();
            }
            let decided = scene.decide();
            let is_done = matches!(&decided.decision, Decision::Recover { chosen, .. }
                if chosen.plan.strategy == strategy);
            assert_eq!(
                is_done, wanted,
                "{strategy} {machine} {task} {mode:?} {wish:?}"
            );
            if !wanted {
                let note = decided.notes.iter().find(|note| note.strategy == strategy);
                let note = note.unwrap_or_else(|| panic!("{strategy} is refused silently"));
                assert_eq!(note.state, S::Refused);
                assert!(note.why.contains("allow"), "{}", note.why);
            }
        }
    }
    assert!(seen >= 3, "{seen}");
}

#[test]
fn what_a_task_declares_is_held_for_a_person_where_only_a_word_is_missing() {
    let (_, scene) = scenes()
        .into_iter()
        .find(|(strategy, _)| *strategy == "install_dependency")
        .unwrap();
    let unnamed = scene.clone().with(|scene| scene.spec.allow.clear());
    let decision = unnamed.decide().decision;
    assert!(
        matches!(&decision, Decision::Hold(hold) if hold.code == crate::policy::recovery::MANUAL
            && hold.reason.contains("autoexec queue release job")),
        "{decision:?}"
    );
    let undeclared = scene.with(|scene| scene.spec.dependencies.python = None);
    let decided = undeclared.decide();
    assert!(matches!(decided.decision, Decision::Fail { .. }));
    assert_eq!(decided.notes[0].state, S::Refused);
}

#[test]
fn a_name_that_is_not_declared_is_never_installed() {
    for module in [
        "evil-package",
        "--index-url=http://evil",
        "requests; rm -rf /",
        "",
    ] {
        let (_, scene) = scenes().swap_remove(20);
        let decided = scene.found("module", module).decide();
        assert!(
            matches!(decided.decision, Decision::Fail { .. }),
            "{module}"
        );
        assert_eq!(decided.notes[0].strategy, "install_dependency");
    }
}
