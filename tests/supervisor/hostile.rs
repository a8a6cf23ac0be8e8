//! Commands that do not behave: the attempt ends all the same, and nothing of it is left.

use crate::driver::Driver;
use crate::driver::PATIENCE;
use crate::driver::by_itself;
use crate::driver::line_of;
use autoexec::model::ids::AttemptId;
use autoexec::model::message::Force;
use autoexec::model::message::FromSupervisor;
use autoexec::model::message::NotStartedReason;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::Exit;
use autoexec::model::outcome::LeftoverFate;
use autoexec::model::outcome::StartFailureKind;
use autoexec::model::outcome::StopReason;
use autoexec::model::signal::Signal;
use autoexec::model::spec::Leftovers;
use autoexec::process::Stream;
use autoexec::process::identity;
use autoexec::process::logread::tail_bytes;
use autoexec::process::sweep::sweep;
use std::time::Duration;

#[test]
fn a_command_that_ignores_the_stop_signal_is_killed_after_its_grace() {
    let mut driver = Driver::start();
    let up = driver.work().join("up");
    let mut patience = Duration::from_millis(150);
    let mut id = 0;
    // Its time may be over before it ignores anything.
    let outcome = loop {
        (id, patience) = (id + 1, patience * 2);
        let script = "trap '' TERM; echo up > up; while :; do sleep 1; done";
        let mut task = driver.shell(id, script);
        task.spec.grace = Duration::from_millis(50);
        task.timeout = Some(patience);
        let outcome = driver.run(task);
        if up.exists() {
            break outcome;
        }
    };
    let Ended::TimedOut {
        limit,
        exit,
        killed,
    } = outcome.ended
    else {
        panic!("another end: {:?}", outcome.ended);
    };
    assert_eq!(limit, patience);
    assert!(killed);
    assert!(matches!(
        exit,
        Exit::Signal {
            signal: Signal::KILL,
            ..
        }
    ));
}

#[test]
fn a_second_more_forceful_stop_shortens_the_grace() {
    let mut driver = Driver::start();
    let up = driver.work().join("up");
    let task = driver.shell(1, "trap '' TERM; echo up > up; while :; do sleep 1; done");
    driver.assign(task);
    line_of(&up);
    driver.stop(1, Force::Gentle);
    driver.stop(1, Force::Kill);
    assert!(matches!(
        driver.outcome().ended,
        Ended::Stopped { killed: true, .. }
    ));
}

#[test]
fn a_command_that_stopped_itself_can_still_act_on_the_stop_signal() {
    let mut driver = Driver::start();
    let up = driver.work().join("up");
    let task = driver.shell(
        1,
        "trap 'exit 7' TERM; echo $$ > up; kill -STOP $$; sleep 600",
    );
    driver.assign(task);
    let stat = format!("/proc/{}/stat", line_of(&up));
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::sleep(Duration::from_millis(2));
    }
    driver.stop(1, Force::Gentle);
    let outcome = driver.outcome();
    assert_eq!(
        outcome.ended,
        Ended::Stopped {
            reason: StopReason::Cancelled,
            exit: Exit::Code(7),
            killed: false
        }
    );
}

#[test]
fn a_daemon_in_a_session_of_its_own_is_found_killed_and_named() {
    let mut driver = Driver::start();
    let pid = driver.work().join("pid");
    let script = "setsid sh -c 'trap \"\" TERM HUP; exec >/dev/null 2>&1; echo $$ > pid; exec sleep 600' & \
                  while ! [ -s pid ]; do sleep 0.01; done; \
                  until [ \"$(cat /proc/$(cat pid)/comm)\" = sleep ]; do sleep 0.01; done";
    for (id, rule, code) in [
        (1, Leftovers::Kill, 0),
        (2, Leftovers::Fail, 0),
        (3, Leftovers::Allow, 1),
    ] {
        let mut task = driver.shell(id, &format!("{script}; exit {code}"));
        task.spec.leftovers = rule;
        let outcome = driver.run(task);
        assert_eq!(outcome.ended, by_itself(code));
        assert_eq!(outcome.leftover_count, 1, "{outcome:?}");
        assert_eq!(outcome.leftovers[0].name.as_str(), Some("sleep"));
        assert_eq!(outcome.leftovers[0].fate, LeftoverFate::Killed);
        assert!(!identity::is_alive(outcome.leftovers[0].process));
        std::fs::remove_file(&pid).unwrap();
    }
}

#[test]
fn a_daemon_that_is_allowed_goes_on_and_the_supervisor_retires() {
    let mut driver = Driver::start();
    let script = "setsid sh -c 'exec >/dev/null 2>&1; echo $$ > pid; exec sleep 600' & \
                  while ! [ -s pid ]; do sleep 0.01; done";
    let mut task = driver.shell(1, script);
    task.spec.leftovers = Leftovers::Allow;
    let next = driver.shell(2, "echo never > never");
    driver.assign(task);
    driver.assign(next);
    let outcome = driver.outcome();
    assert_eq!(outcome.leftovers[0].fate, LeftoverFate::Allowed);
    let daemon = outcome.leftovers[0].process;
    assert_eq!(
        driver.word(),
        FromSupervisor::NotStarted {
            attempt: AttemptId::new(2),
            reason: NotStartedReason::Retiring
        }
    );
    driver.wait();
    assert!(identity::is_alive(daemon));
    assert!(!driver.work().join("never").exists());
}

#[test]
fn a_grandchild_that_holds_the_pipe_does_not_hold_the_attempt() {
    let mut driver = Driver::start();
    let script =
        "sleep 600 & until [ \"$(cat /proc/$!/comm)\" = sleep ]; do sleep 0.01; done; echo done";
    let task = driver.shell(1, script);
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0));
    assert_eq!(outcome.leftovers[0].name.as_str(), Some("sleep"));
    assert_eq!(driver.output(&outcome, Stream::Stdout), b"done\n");
}

#[test]
fn output_that_comes_just_after_the_commands_end_is_kept() {
    let mut driver = Driver::start_patient(PATIENCE);
    let task = driver.shell(1, "(sleep 0.3; echo late) & exit 0");
    let outcome = driver.run(task);
    assert_eq!(driver.output(&outcome, Stream::Stdout), b"late\n");
    assert_eq!(outcome.leftover_count, 0);
}

#[test]
fn closing_the_output_early_is_not_the_end() {
    let mut driver = Driver::start();
    let task = driver.shell(1, "exec >&- 2>&-; sleep 0.3; exit 9");
    assert_eq!(driver.run(task).ended, by_itself(9));
}

#[test]
fn standard_input_is_at_its_end_at_once() {
    let mut driver = Driver::start();
    let task = driver.shell(1, "cat; echo end");
    let outcome = driver.run(task);
    assert_eq!(driver.output(&outcome, Stream::Stdout), b"end\n");
}

#[test]
fn orphans_that_pile_up_are_all_gone_at_the_end() {
    let mut driver = Driver::start();
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do (setsid sleep 600 >/dev/null 2>&1 &) ; done; \
                  while [ $(pgrep -c -f 'sleep 600' -P $PPID) -lt 12 ]; do sleep 0.01; done";
    let task = driver.shell(1, script);
    let outcome = driver.run(task);
    assert_eq!(outcome.leftover_count, 12);
    assert_eq!(outcome.leftovers.len(), 8);
    for leftover in &outcome.leftovers {
        assert!(!identity::is_alive(leftover.process));
    }
}

#[test]
fn a_flood_is_capped_with_its_head_and_its_tail() {
    let mut driver = Driver::start();
    for (id, script) in [
        (
            1,
            "yes 'a line of a flood' | head -c 67108864; echo; echo the end",
        ),
        (2, "head -c 67108864 /dev/zero; echo; echo the end"),
    ] {
        let mut task = driver.shell(id, &format!("echo the beginning; {script}"));
        task.spec.max_output = 1024 * 1024;
        let outcome = driver.run(task);
        assert_eq!(outcome.ended, by_itself(0));
        let place = &outcome.output;
        assert_eq!(place.stdout_bytes, 67_108_864 + 14 + 1 + 8);
        let kept = driver.output(&outcome, Stream::Stdout);
        assert_eq!(place.stdout_bytes, kept.len() as u64 + place.dropped_bytes);
        assert!(kept.starts_with(b"the beginning\n"));
        assert!(kept.ends_with(b"\nthe end\n"));
        assert!(kept.len() < 1_300_000, "{}", kept.len());
        let tail = tail_bytes(&driver.state.logs(), place, Stream::Stdout, 8).unwrap();
        assert_eq!(tail, b"the end\n");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", driver.own.pid)).unwrap();
    let kib = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    // What is mapped of the program's own file is shared, and in a test's build it is large.
    let own = kib("VmHWM:") - kib("RssFile:");
    assert!(own <= 8 * 1024, "{own} KiB in\n{status}");
}

#[test]
fn a_log_that_cannot_be_written_is_said_and_does_not_disturb_the_command() {
    // 300 blocks of 512 bytes: enough for the slot file, not for the output.
    let mut driver = Driver::start_limited("-f 300");
    let task = driver.shell(1, "head -c 1000000 /dev/zero; echo end; exit 6");
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(6));
    assert!(outcome.output.write_failed);
    assert_eq!(outcome.output.stdout_bytes, 1_000_004);
    let kept = driver.output(&outcome, Stream::Stdout);
    assert!(!kept.is_empty() && kept.iter().all(|byte| *byte == 0));
}

#[test]
fn a_host_without_descriptors_is_not_the_tasks_fault() {
    let mut driver = Driver::start_limited("-n 11");
    let task = driver.task(1, &["true"]);
    let Ended::CouldNotStart(failure) = driver.run(task).ended else {
        panic!("it started");
    };
    assert_eq!(failure.kind, StartFailureKind::HostBusy);
}

#[test]
fn a_command_that_never_stops_forking_is_killed_whole() {
    let mut driver = Driver::start();
    let up = driver.work().join("up");
    let script = "trap '' TERM; while :; do \
                  (setsid sh -c 'trap \"\" TERM; exec >/dev/null 2>&1; sleep 600 & sleep 600' &); \
                  echo up > up; sleep 0.01; done";
    let task = driver.shell(1, script);
    driver.assign(task);
    line_of(&up);
    driver.stop(1, Force::Kill);
    let outcome = driver.outcome();
    assert!(matches!(outcome.ended, Ended::Stopped { killed: true, .. }));
    let left = outcome
        .leftovers
        .iter()
        .filter(|l| l.fate != LeftoverFate::Killed);
    assert_eq!(left.count(), 0);
    assert_eq!(
        sweep(driver.queue, &[AttemptId::new(1)], &[], None).found,
        []
    );
}
