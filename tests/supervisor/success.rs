//! Success checks, made by the supervisor after the last step.

use crate::driver::Driver;
use crate::driver::by_itself;
use crate::driver::line_of;
use crate::driver::process_in;
use autoexec::model::message::Force;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::LeftoverFate;
use autoexec::model::outcome::StopReason;
use autoexec::model::spec::Command;
use autoexec::model::spec::Leftovers;
use autoexec::process::Stream;
use autoexec::process::identity;
use std::io::Write as _;
use std::time::Duration;

fn check(script: &str) -> Command {
    let shell = ["/bin/sh", "-c"].map(Into::into).to_vec();
    Command::Shell {
        shell,
        script: script.into(),
    }
}

#[test]
fn every_check_can_be_met_and_unmet() {
    let mut driver = Driver::start();
    // What was written within the grain of the clock before the start is not blamed.
    let old = std::fs::File::create(driver.work().join("old")).unwrap();
    (&old).write_all(b"old").unwrap();
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    let cases: [(&str, &str, Option<&str>); 10] = [
        ("echo new > x", "files x", None),
        ("true", "files old", Some("`old` is older than the attempt")),
        ("true", "files none", Some("`none` is missing")),
        ("echo all done", "matches done$", None),
        (
            "echo done >&2",
            "matches done",
            Some("no line of the output matches `done`"),
        ),
        ("echo fine; echo fine >&2", "rejects ERROR", None),
        (
            "echo fine >&2; echo an ERROR 7 >&2",
            "rejects ERROR.*",
            Some("the output holds \"ERROR 7\" in line 2 of standard error"),
        ),
        ("echo a > y", "command grep a y", None),
        (
            "true",
            "command exit 3",
            Some("the check `exit 3` ended with exit code 3"),
        ),
        (
            "true",
            "least 1h",
            Some("real success takes at least 1h 00m"),
        ),
    ];
    for (id, (script, wanted, unmet)) in (1..).zip(cases) {
        let mut task = driver.shell(id, script);
        let success = &mut task.spec.success;
        let (kind, value) = wanted.split_once(' ').unwrap();
        match kind {
            "files" => success.files = vec![value.into()],
            "matches" => success.stdout_matches = Some(value.to_owned()),
            "rejects" => success.output_rejects = Some(value.to_owned()),
            "command" => success.command = Some(check(value)),
            _ => success.min_duration = Some(Duration::from_hours(1)),
        }
        let outcome = driver.run(task);
        assert_eq!(outcome.ended, by_itself(0), "{script}");
        let told = outcome.account.unmet.as_deref();
        match unmet {
            None => assert_eq!(told, None, "{script}"),
            Some(unmet) => assert!(told.unwrap().contains(unmet), "{told:?}"),
        }
        assert!(outcome.account.checked.is_some());
        driver.say(&autoexec::model::message::ToSupervisor::Acknowledge {
            attempt: autoexec::model::ids::AttemptId::new(id),
        });
    }
}

#[test]
fn output_that_is_not_kept_counts_too() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "seq 200000; echo ERROR; seq 200000");
    task.spec.max_output = 64 * 1024;
    task.spec.success.output_rejects = Some("^ERROR$".to_owned());
    let outcome = driver.run(task);
    assert!(outcome.output.dropped_bytes > 0);
    assert_eq!(
        outcome.account.unmet.as_deref(),
        Some("the output holds \"ERROR\" in line 200001 of standard output")
    );
}

#[test]
fn the_command_that_checks_prints_to_the_log_and_is_not_itself_checked() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "echo task");
    task.spec.env.insert("WORD".to_owned(), "check".into());
    task.spec.success.command = Some(check("echo $WORD ERROR"));
    task.spec.success.output_rejects = Some("ERROR".to_owned());
    let outcome = driver.run(task);
    assert_eq!(outcome.account.unmet, None);
    assert_eq!(
        driver.output(&outcome, Stream::Stdout),
        b"task\ncheck ERROR\n"
    );
}

#[test]
fn a_stop_while_a_command_checks_stops_it_and_all_that_it_started() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "true");
    task.spec.success.command = Some(check("sleep 600 & echo $! > pid; wait"));
    driver.assign(task);
    let sleeper = process_in(&driver.work().join("pid")).unwrap();
    driver.stop(1, Force::Gentle);
    let outcome = driver.outcome();
    assert!(matches!(
        outcome.ended,
        Ended::Stopped {
            reason: StopReason::Cancelled,
            ..
        }
    ));
    assert_eq!(outcome.account.unmet, None);
    assert!(!identity::is_alive(sleeper));
}

#[test]
fn the_time_limit_of_the_attempt_holds_for_its_checks() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "true");
    task.timeout = Some(Duration::from_millis(300));
    task.spec.success.command = Some(check("exec sleep 600"));
    let outcome = driver.run(task);
    assert!(matches!(outcome.ended, Ended::TimedOut { .. }));
}

#[test]
fn what_may_go_on_after_a_success_is_killed_when_a_check_is_not_met() {
    for (wanted, fate) in [
        ("exit 0", LeftoverFate::Allowed),
        ("exit 1", LeftoverFate::Killed),
    ] {
        let mut driver = Driver::start();
        let mut task = driver.shell(1, "sleep 600 >/dev/null 2>&1 & echo $! > pid");
        task.spec.leftovers = Leftovers::Allow;
        task.spec.success.command = Some(check(wanted));
        let outcome = driver.run(task);
        let daemon = process_in(&driver.work().join("pid"));
        let fates: Vec<LeftoverFate> = outcome
            .leftovers
            .iter()
            .map(|leftover| leftover.fate)
            .collect();
        assert_eq!(fates, [fate], "{wanted}");
        let lives = daemon.is_some_and(identity::is_alive);
        assert_eq!(lives, fate == LeftoverFate::Allowed);
        assert!(line_of(&driver.work().join("pid")).parse::<i32>().is_ok());
    }
}

#[test]
fn a_failed_command_is_not_checked() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "exit 4");
    task.spec.success.command = Some(check("touch checked"));
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(4));
    assert_eq!(outcome.account.checked, None);
    assert!(!driver.work().join("checked").exists());
}
