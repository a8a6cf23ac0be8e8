//! Ordinary attempts: in order, with their output, their steps and their failures to start.

use crate::driver::Driver;
use crate::driver::RUN;
use crate::driver::by_itself;
use autoexec::model::ids::AttemptId;
use autoexec::model::message::Force;
use autoexec::model::message::FromSupervisor;
use autoexec::model::message::NotStartedReason;
use autoexec::model::message::ToSupervisor;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::Exit;
use autoexec::model::outcome::StartFailureKind;
use autoexec::model::outcome::StopReason;
use autoexec::model::signal::Signal;
use autoexec::model::slot::SlotEntry;
use autoexec::model::spec::Command as TaskCommand;
use autoexec::model::spec::StepSpec;
use autoexec::process::Stream;
use autoexec::process::identity;
use autoexec::process::logfollow::Follower;
use autoexec::process::logread::Piece;
use std::time::Duration;

#[test]
fn the_memory_of_a_command_is_told_where_it_is_more_than_the_supervisors_own() {
    let mut driver = Driver::start();
    // One line without an end: `tail` keeps it whole.
    let task = driver.shell(1, "head -c 64000000 /dev/zero | tail -n 1 >/dev/null");
    driver.assign(task);
    assert!(driver.outcome().usage.max_rss_bytes > 48 << 20);
}

#[test]
fn attempts_are_carried_out_one_after_another_with_their_output() {
    let mut driver = Driver::start();
    for id in 1..=12 {
        let task = driver.shell(id, "echo out $AUTOEXEC_MARK; echo err >&2; exit 3");
        driver.assign(task);
    }
    for id in 1..=12 {
        let outcome = driver.outcome();
        assert_eq!(outcome.ended, by_itself(3));
        assert!(outcome.started_at.is_some());
        assert_eq!(outcome.leftover_count, 0);
        let expected = format!("out {}:{id}\n", driver.queue);
        assert_eq!(driver.output(&outcome, Stream::Stdout), expected.as_bytes());
        assert_eq!(driver.output(&outcome, Stream::Stderr), b"err\n");
        assert!(matches!(driver.record(id), Some(SlotEntry::Ended(_))));
        driver.say(&ToSupervisor::Acknowledge {
            attempt: AttemptId::new(id),
        });
    }
    driver.say(&ToSupervisor::Retire);
    driver.wait();
}

#[test]
fn without_acknowledgements_the_sixth_attempt_waits() {
    let mut driver = Driver::start();
    for id in 1..=6 {
        let task = driver.shell(id, "echo done");
        driver.assign(task);
    }
    for _ in 1..=5 {
        driver.outcome();
    }
    // Nothing tells that it does not start, so a later word is what shows it.
    driver.stop(6, Force::Gentle);
    assert_eq!(
        driver.word(),
        FromSupervisor::NotStarted {
            attempt: AttemptId::new(6),
            reason: NotStartedReason::Stopped
        }
    );
    let task = driver.shell(7, "echo done");
    driver.assign(task);
    driver.say(&ToSupervisor::Acknowledge {
        attempt: AttemptId::new(2),
    });
    assert_eq!(driver.outcome().ended, by_itself(0));
}

#[test]
fn a_long_command_is_told_to_have_started_before_it_ends() {
    let mut driver = Driver::start();
    let task = driver.shell(1, "exec sleep 600");
    driver.assign(task);
    let process = driver.started();
    assert!(identity::is_alive(process));
    assert!(matches!(
        driver.record(1),
        Some(SlotEntry::Running { process: noted, .. }) if noted == process
    ));
    driver.stop(1, Force::Gentle);
    let Ended::Stopped {
        reason,
        exit,
        killed,
    } = driver.outcome().ended
    else {
        panic!("another end");
    };
    assert_eq!((reason, killed), (StopReason::Cancelled, false));
    assert!(matches!(
        exit,
        Exit::Signal {
            signal: Signal::TERM,
            ..
        }
    ));
    assert!(!identity::is_alive(process));
}

#[test]
fn a_running_attempt_can_be_followed() {
    let mut driver = Driver::start();
    let task = driver.shell(
        4,
        "echo one; while ! [ -e go ]; do sleep 0.01; done; echo two",
    );
    driver.assign(task);
    let mut follower = Follower::new(&driver.state.logs(), RUN, AttemptId::new(4));
    let mut seen = Vec::new();
    let mut follow = |until: &[u8]| {
        while seen != until {
            for piece in follower.poll().unwrap() {
                if let Piece::Output { bytes, .. } = piece {
                    seen.extend(bytes);
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    follow(b"one\n");
    std::fs::write(driver.work().join("go"), "").unwrap();
    follow(b"one\ntwo\n");
    driver.outcome();
}

#[test]
fn what_cannot_start_is_an_outcome_and_the_next_attempt_runs() {
    let mut driver = Driver::start();
    let task = driver.task(1, &["no-such-program"]);
    let outcome = driver.run(task);
    let Ended::CouldNotStart(failure) = outcome.ended else {
        panic!("it started");
    };
    assert_eq!(failure.kind, StartFailureKind::ProgramMissing);
    assert_eq!(outcome.started_at, None);
    let task = driver.task(2, &["true"]);
    assert_eq!(driver.run(task).ended, by_itself(0));
    let mut task = driver.task(3, &["true"]);
    task.spec.env_file = Some("/no/such/file".into());
    let Ended::CouldNotStart(failure) = driver.run(task).ended else {
        panic!("it started");
    };
    assert_eq!(failure.kind, StartFailureKind::EnvFileUnreadable);
}

#[test]
fn steps_run_in_order_until_one_fails() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "echo $AUTOEXEC_STEP");
    for (name, script) in [
        ("second", "echo $AUTOEXEC_STEP; exit 4"),
        ("third", "echo never"),
    ] {
        let mut step: StepSpec = task.spec.steps[0].clone();
        name.clone_into(&mut step.name);
        step.command = TaskCommand::Shell {
            shell: vec!["/bin/sh".into(), "-c".into()],
            script: script.into(),
        };
        task.spec.steps.push(step);
    }
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(4));
    assert_eq!(driver.output(&outcome, Stream::Stdout), b"main\nsecond\n");
}

#[test]
fn a_command_gets_clean_signals_and_no_foreign_descriptors() {
    let mut driver = Driver::start();
    let script =
        "grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2; ls /proc/self/fd | tr '\\n' ' '";
    let task = driver.shell(1, script);
    let outcome = driver.run(task);
    let text = String::from_utf8(driver.output(&outcome, Stream::Stdout)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "0000000000000000");
    // The C library ignores its own two signals, 32 and 33, in whatever it spawns.
    let ignored = u64::from_str_radix(lines[1], 16).unwrap();
    assert_eq!(ignored & !(0b11 << 31), 0);
    // 3 is the directory that `ls` reads.
    assert_eq!(lines[2].trim(), "0 1 2 3");
}
