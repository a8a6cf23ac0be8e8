//! The fence, and the death of the runner, of the supervisor and of both.

use crate::driver::Driver;
use crate::driver::EPOCH;
use crate::driver::by_itself;
use crate::driver::process_in;
use autoexec::model::ids::AttemptId;
use autoexec::model::ids::Epoch;
use autoexec::model::message::FromSupervisor;
use autoexec::model::message::NotStartedReason;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::StopReason;
use autoexec::model::signal::Signal;
use autoexec::model::slot::SlotEntry;
use autoexec::model::spec::OnCrash;
use autoexec::process::Stream;
use autoexec::process::epoch;
use autoexec::process::identity;
use autoexec::process::sweep::sweep;
use autoexec::supervisor::WhenRunnerDies;
use std::time::Duration;

#[test]
fn a_raised_epoch_keeps_everything_from_starting() {
    let mut driver = Driver::start();
    let task = driver.task(1, &["true"]);
    assert_eq!(driver.run(task).ended, by_itself(0));
    epoch::write(&driver.state.epoch(), Epoch(EPOCH.0 + 1)).unwrap();
    for id in [2, 3] {
        let task = driver.shell(id, "echo never > never");
        driver.assign(task);
    }
    assert_eq!(
        driver.word(),
        FromSupervisor::NotStarted {
            attempt: AttemptId::new(2),
            reason: NotStartedReason::Fenced
        }
    );
    driver.wait();
    let fenced = SlotEntry::NotStarted(NotStartedReason::Fenced);
    assert_eq!(driver.record(2), Some(fenced));
    assert!(!driver.work().join("never").exists());
}

#[test]
fn an_epoch_that_cannot_be_read_is_somebody_elses() {
    let mut driver = Driver::start();
    std::fs::remove_file(driver.state.epoch()).unwrap();
    let task = driver.shell(1, "echo never > never");
    driver.assign(task);
    assert!(matches!(driver.word(), FromSupervisor::NotStarted { .. }));
    driver.wait();
    assert!(!driver.work().join("never").exists());
}

#[test]
fn an_attempt_outlives_its_runner_and_what_waits_is_not_started() {
    let mut driver = Driver::start();
    let go = driver.work().join("go");
    let task = driver.shell(
        1,
        "while ! [ -e go ]; do sleep 0.01; done; echo done; exit 5",
    );
    let mut careful = driver.shell(2, "echo never > never");
    careful.spec.on_crash = OnCrash::Ask;
    driver.assign(task);
    driver.assign(careful);
    driver.started();
    driver.runner_dies();
    std::fs::write(go, "").unwrap();
    driver.wait();
    let Some(SlotEntry::Ended(outcome)) = driver.record(1) else {
        panic!("no outcome: {:?}", driver.record(1));
    };
    assert_eq!(outcome.ended, by_itself(5));
    assert_eq!(driver.output(&outcome, Stream::Stdout), b"done\n");
    let never = SlotEntry::NotStarted(NotStartedReason::RunnerGone);
    assert_eq!(driver.record(2), Some(never));
    assert!(!driver.work().join("never").exists());
}

#[test]
fn an_adopted_attempt_is_stopped_by_signals_to_its_supervisor() {
    for (signal, killed) in [(Signal::TERM, false), (Signal::new(libc::SIGQUIT), true)] {
        let mut driver = Driver::start();
        let task = driver.shell(1, "exec sleep 600");
        driver.assign(task);
        driver.started();
        driver.runner_dies();
        identity::signal(driver.own, signal).unwrap();
        driver.wait();
        let Some(SlotEntry::Ended(outcome)) = driver.record(1) else {
            panic!("no outcome");
        };
        let Ended::Stopped {
            reason,
            killed: was_killed,
            ..
        } = outcome.ended
        else {
            panic!("another end");
        };
        assert_eq!((reason, was_killed), (StopReason::RunStopped, killed));
    }
}

#[test]
fn with_the_option_an_attempt_dies_with_its_runner() {
    let mut driver = Driver::start_as(WhenRunnerDies::Kill, None);
    let task = driver.shell(1, "exec sleep 600");
    driver.assign(task);
    let process = driver.started();
    driver.runner_dies();
    driver.wait();
    assert!(!identity::is_alive(process));
    let Some(SlotEntry::Ended(outcome)) = driver.record(1) else {
        panic!("no outcome");
    };
    assert!(matches!(
        outcome.ended,
        Ended::Stopped {
            reason: StopReason::RunnerGone,
            ..
        }
    ));
}

#[test]
fn an_idle_supervisor_leaves_with_its_runner() {
    let mut driver = Driver::start();
    let task = driver.task(1, &["true"]);
    driver.run(task);
    driver.runner_dies();
    driver.wait();
    assert!(matches!(driver.record(1), Some(SlotEntry::Ended(_))));
}

#[test]
fn a_runner_that_does_not_read_does_not_keep_timeouts_from_being_watched() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "exec sleep 600");
    task.timeout = Some(Duration::from_millis(100));
    // Nothing is received until the command is gone.
    driver.assign(task);
    while !matches!(driver.record(1), Some(SlotEntry::Ended(_))) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(matches!(driver.outcome().ended, Ended::TimedOut { .. }));
}

#[test]
fn a_command_that_kills_its_supervisor_is_swept_by_its_mark() {
    let mut driver = Driver::start();
    let pid = driver.work().join("pid");
    let task = driver.shell(1, "kill -9 $PPID; echo $$ > pid; setsid sleep 600");
    driver.assign(task);
    let process = process_in(&pid).unwrap();
    driver.wait();
    assert!(matches!(
        driver.record(1),
        Some(SlotEntry::Running { .. } | SlotEntry::Starting { .. })
    ));
    let report = sweep(driver.queue, &[AttemptId::new(1)], &[driver.own], None);
    assert!(report.is_clean());
    assert!(!report.found.is_empty());
    assert!(!identity::is_alive(process));
}

/// At each named place: what stands in the slot file, and whether the command has run.
#[test]
fn a_supervisor_that_dies_anywhere_leaves_the_truth() {
    for place in [
        "supervisor_before_starting",
        "supervisor_after_starting",
        "supervisor_after_spawn",
        "supervisor_before_outcome",
        "supervisor_after_outcome",
    ] {
        let mut driver = Driver::start_as(WhenRunnerDies::Adopt, Some(place));
        let task = driver.shell(1, "echo ran > ran; exit 0");
        driver.assign(task);
        driver.wait();
        sweep(driver.queue, &[AttemptId::new(1)], &[driver.own], None);
        let ran = driver.work().join("ran").exists();
        let record = driver.record(1);
        match place {
            "supervisor_before_starting" => assert_eq!((record, ran), (None, false)),
            "supervisor_after_starting" => {
                assert!(matches!(record, Some(SlotEntry::Starting { .. })));
                assert!(!ran);
            }
            "supervisor_after_spawn" => {
                assert!(matches!(record, Some(SlotEntry::Starting { .. })));
            }
            "supervisor_before_outcome" => {
                assert!(matches!(record, Some(SlotEntry::Running { .. })));
                assert!(ran);
            }
            _ => {
                assert!(matches!(record, Some(SlotEntry::Ended(_))));
                assert!(ran);
            }
        }
    }
}
