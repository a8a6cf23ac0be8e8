//! Remedies that work on files, by way of the supervisor, and orders that it refuses.

use crate::driver::Driver;
use crate::driver::by_itself;
use crate::remedies::details;
use crate::remedies::failed;
use crate::remedies::order;
use autoexec::model::attempt::Assignment;
use autoexec::model::ids::TaskId;
use autoexec::model::recovery::DependencyList;
use autoexec::model::remedy::Action;
use autoexec::model::remedy::InstalledEnvironment;
use autoexec::model::slot::SlotEntry;
use autoexec::model::spec::Command as TaskCommand;
use autoexec::model::spec::StepSpec;
use autoexec::process::Stream;
use autoexec::process::checkpoint::spare::Spare;
use autoexec::supervisor::WhenRunnerDies;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;

#[test]
fn files_are_worked_on_by_a_process_of_our_own() {
    let mut driver = Driver::start();
    // Nothing is deleted in the state directory, where the tests' own folder lies.
    let place = tempfile::tempdir().unwrap();
    let work = place.path();
    std::fs::create_dir(work.join("cache")).unwrap();
    std::fs::write(work.join("cache/a.tmp"), "a").unwrap();
    std::fs::write(work.join("stale.lock"), "").unwrap();
    std::fs::write(work.join("run.sh"), "#!/bin/sh\necho ran > out/done\n").unwrap();
    std::fs::set_permissions(work.join("run.sh"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut task = driver.task(1, &["./run.sh"]);
    task.spec.workdir = work.into();
    let temp = vec!["cache/*.tmp".to_owned(), "*.lock".to_owned()];
    task.spec.temp.clone_from(&temp);
    task.remedies = vec![
        order(
            1,
            "create_missing_path",
            Action::CreateDirectory {
                path: "out".into(),
                declared: false,
            },
        ),
        order(
            2,
            "clean_temp",
            Action::Clean {
                patterns: vec!["cache/*.tmp".to_owned()],
            },
        ),
        order(
            3,
            "remove_stale_lock",
            Action::Delete {
                patterns: temp,
                path: "stale.lock".into(),
                unless_held: true,
            },
        ),
        order(
            4,
            "make_executable",
            Action::MakeExecutable {
                program: "./run.sh".into(),
            },
        ),
    ];
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0), "{outcome:?}");
    let [created, cleaned, deleted, executable] = &details(&outcome)[..] else {
        panic!("other remedies: {outcome:?}");
    };
    assert_eq!(*created, (1, true, "created `out`"));
    assert!(
        cleaned.1 && cleaned.2.starts_with("deleted 1 file ("),
        "{cleaned:?}"
    );
    assert_eq!(*deleted, (3, true, "deleted `stale.lock`"));
    assert_eq!(*executable, (4, true, "`./run.sh` may be executed now"));
    assert!(work.join("out/done").exists());
    assert!(!work.join("cache/a.tmp").exists() && !work.join("stale.lock").exists());
}

#[test]
fn an_order_for_what_is_not_declared_is_refused() {
    let mut driver = Driver::start();
    let work = driver.work();
    std::fs::write(work.join("kept.tmp"), "k").unwrap();
    let outside = driver.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    symlink(&outside, work.join("link")).unwrap();
    let patterns = vec!["*.tmp".to_owned()];
    let list = DependencyList::Names(vec!["evil-package==1.0".to_owned()]);
    let prepared = driver.task(1, &["true"]);
    let environment = InstalledEnvironment::of_python(&driver.state, &prepared.spec, &list);
    let actions = [
        (
            Action::Clean {
                patterns: patterns.clone(),
            },
            "not declared in the task's `temp`",
        ),
        (
            Action::Delete {
                patterns,
                path: "kept.tmp".into(),
                unless_held: false,
            },
            "not declared in the task's `temp`",
        ),
        (
            Action::CreateDirectory {
                path: outside.join("new").into(),
                declared: true,
            },
            "not declared in the task's `ensure`",
        ),
        (
            Action::CreateDirectory {
                path: "link/new".into(),
                declared: false,
            },
            "through a link",
        ),
        (
            Action::Install { environment, list },
            "not the task's `dependencies`",
        ),
    ];
    for (id, (action, words)) in (1..).zip(actions) {
        let mut task = driver.task(id, &["true"]);
        task.remedies = vec![order(id, "hostile", action)];
        let outcome = driver.run(task);
        let detail = failed(&outcome, "hostile");
        assert!(detail.contains(words), "{detail}");
    }
    assert!(work.join("kept.tmp").exists());
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

fn of_two_steps(driver: &Driver, id: i64) -> Assignment {
    let mut task = driver.shell(id, "true");
    let first = StepSpec {
        name: "first".to_owned(),
        command: TaskCommand::Direct(
            [
                "/bin/sh",
                "-c",
                "ls -A $AUTOEXEC_CHECKPOINT_DIR; echo first",
            ]
            .map(Into::into)
            .into(),
        ),
        ..task.spec.steps[0].clone()
    };
    task.spec.steps.insert(0, first);
    task.task = TaskId::new(1);
    let folder = driver.state.checkpoint(task.task);
    task.variables
        .insert("AUTOEXEC_CHECKPOINT_DIR".to_owned(), folder.into());
    task
}

#[test]
fn a_checkpoint_that_is_moved_aside_lets_the_attempt_begin_at_its_beginning() {
    let mut driver = Driver::start();
    let folder = driver.state.checkpoint(TaskId::new(1));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("saved"), "s").unwrap();
    let mut task = of_two_steps(&driver, 1);
    task.steps_done = 1;
    task.remedies = vec![order(1, "discard_checkpoint", Action::MoveCheckpointAside)];
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0), "{outcome:?}");
    assert_eq!(driver.output(&outcome, Stream::Stdout), b"first\n");
    let aside: Vec<_> = std::fs::read_dir(driver.state.checkpoints().join(".aside"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(aside.len(), 1);
    assert!(aside[0].join("saved").exists());
    let mut again = of_two_steps(&driver, 2);
    again.remedies = vec![order(2, "discard_checkpoint", Action::MoveCheckpointAside)];
    let outcome = driver.run(again);
    assert_eq!(details(&outcome), [(2, true, "nothing was saved")]);
}

#[test]
fn a_supervisor_that_dies_after_moving_a_checkpoint_aside_has_lost_nothing() {
    let mut driver = Driver::start_as(
        WhenRunnerDies::Adopt,
        Some("supervisor_after_checkpoint_aside"),
    );
    let folder = driver.state.checkpoint(TaskId::new(1));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("saved"), "s").unwrap();
    let mut task = of_two_steps(&driver, 1);
    task.remedies = vec![order(1, "discard_checkpoint", Action::MoveCheckpointAside)];
    driver.assign(task);
    driver.wait();
    assert!(matches!(driver.record(1), Some(SlotEntry::Starting { .. })));
    assert!(!folder.exists());
    let aside = std::fs::read_dir(driver.state.checkpoints().join(".aside")).unwrap();
    let kept: Vec<_> = aside.map(|entry| entry.unwrap().path()).collect();
    assert!(kept[0].join("saved").exists());
    // The next attempt is lent a directory of that name again.
    let mut spare = Spare::of_slot(&driver.state.checkpoints(), "1-1");
    assert!(!spare.lend(&folder).unwrap().had_saved());
}

#[test]
fn an_outcome_with_many_remedies_fits_into_its_record() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "true");
    let deep = "d".repeat(250);
    task.remedies = (1..=18)
        .map(|id| {
            let path = format!("{deep}/{deep}-{id}");
            order(
                id,
                "create_missing_path",
                Action::CreateDirectory {
                    path: path.into(),
                    declared: false,
                },
            )
        })
        .collect();
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0));
    assert_eq!(outcome.account.remedies.len(), 18);
    assert!(outcome.account.remedies.iter().all(|one| one.succeeded));
    assert!(matches!(driver.record(1), Some(SlotEntry::Ended(_))));
}
