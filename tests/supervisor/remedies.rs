//! What is done about an earlier failure before the first step of an attempt.

use crate::driver::Driver;
use crate::driver::by_itself;
use crate::driver::line_of;
use crate::driver::process_in;
use autoexec::model::checks::Requirement;
use autoexec::model::ids::AttemptId;
use autoexec::model::ids::RecoveryId;
use autoexec::model::message::Force;
use autoexec::model::message::FromSupervisor;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::Outcome;
use autoexec::model::outcome::StartFailureKind;
use autoexec::model::outcome::StopReason;
use autoexec::model::remedy::Action;
use autoexec::model::remedy::RemedyOrder;
use autoexec::model::signal::Signal;
use autoexec::model::slot::SlotEntry;
use autoexec::model::spec::Command as TaskCommand;
use autoexec::model::spec::Leftovers;
use autoexec::process::Stream;
use autoexec::process::identity;
use autoexec::process::slotfile;
use autoexec::process::sweep::sweep;
use autoexec::process::table;
use autoexec::support::text::span;
use std::time::Duration;

pub(crate) fn order(id: i64, strategy: &str, action: Action) -> RemedyOrder {
    RemedyOrder {
        recovery: RecoveryId::new(id),
        strategy: strategy.to_owned(),
        action,
        timeout: Duration::from_mins(5),
    }
}

fn run(script: &str) -> Action {
    let argv = ["/bin/sh", "-c", script];
    Action::Run {
        command: TaskCommand::Direct(argv.map(Into::into).into()),
    }
}

/// That the attempt did not start because this strategy failed, and why.
#[track_caller]
pub(crate) fn failed<'o>(outcome: &'o Outcome, strategy: &str) -> &'o str {
    let Ended::CouldNotStart(failure) = &outcome.ended else {
        panic!("another end: {outcome:?}");
    };
    assert_eq!(failure.kind, StartFailureKind::RemedyFailed);
    assert_eq!(failure.path.as_str(), Some(strategy));
    assert_eq!(outcome.started_at, None);
    assert_eq!(outcome.duration, Duration::ZERO);
    let last = outcome.account.remedies.last().unwrap();
    assert!(!last.succeeded);
    let unmet = outcome.account.unmet.as_deref().unwrap();
    assert!(unmet.contains(strategy), "{unmet}");
    &last.detail
}

pub(crate) fn details(outcome: &Outcome) -> Vec<(i64, bool, &str)> {
    let remedies = outcome.account.remedies.iter();
    remedies
        .map(|one| (one.recovery.get(), one.succeeded, one.detail.as_str()))
        .collect()
}

#[test]
fn remedies_are_carried_out_in_order_before_the_steps_and_where_the_task_runs() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "cat order; echo ran");
    task.variables
        .insert("AUTOEXEC_ATTEMPT".to_owned(), "2".into());
    task.spec.env.insert("NAME".to_owned(), "value".into());
    task.remedies = vec![
        order(
            7,
            "first",
            run("echo first $AUTOEXEC_ATTEMPT $NAME >> order; echo said"),
        ),
        order(8, "second", run("echo second >> order; echo wrong >&2")),
    ];
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0));
    let ended = "its command ended with exit code 0";
    assert_eq!(details(&outcome), [(7, true, ended), (8, true, ended)]);
    assert_eq!(
        driver.output(&outcome, Stream::Stdout),
        b"first 2 value\nsecond\nran\n"
    );
    assert_eq!(outcome.output.stdout_bytes, 25);
    assert_eq!(outcome.output.stderr_bytes, 0);
    let said = String::from_utf8(driver.output(&outcome, Stream::Remedy)).unwrap();
    assert_eq!(
        said,
        "[autoexec: recovering: first]\nsaid\n[autoexec: first done: its command ended with exit \
         code 0]\n[autoexec: recovering: second]\nwrong\n[autoexec: second done: its command ended \
         with exit code 0]\n"
    );
}

#[test]
fn the_first_remedy_that_fails_ends_the_attempt_before_it_starts() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "touch ran");
    task.remedies = vec![
        order(1, "good", run("true")),
        order(2, "bad", run("exit 7")),
        order(3, "never", run("touch never")),
    ];
    let outcome = driver.run(task);
    assert_eq!(
        failed(&outcome, "bad"),
        "its command ended with exit code 7"
    );
    assert_eq!(outcome.account.remedies.len(), 2);
    assert!(!driver.work().join("ran").exists());
    assert!(!driver.work().join("never").exists());
    assert!(matches!(driver.record(1), Some(SlotEntry::Ended(_))));
    let mut task = driver.shell(2, "true");
    task.remedies = vec![order(
        4,
        "gone",
        Action::Run {
            command: TaskCommand::Direct(vec!["./no-such-program".into()]),
        },
    )];
    let outcome = driver.run(task);
    assert!(failed(&outcome, "gone").contains("could not be started"));
}

#[test]
fn the_runner_is_told_which_remedy_is_carried_out() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "true");
    task.remedies = vec![order(1, "refresh_credentials", run("true"))];
    driver.assign(task);
    let mut told = Vec::new();
    loop {
        match driver.word() {
            FromSupervisor::Progress { progress, .. } => told.push(progress.recovering),
            FromSupervisor::Ended { .. } => break,
            _ => {}
        }
    }
    assert_eq!(told, [Some("refresh_credentials".to_owned()), None]);
}

#[test]
fn a_remedy_that_takes_too_long_is_ended_with_all_that_it_started() {
    let mut driver = Driver::start();
    let pid = driver.work().join("pid");
    let mut patience = Duration::from_millis(150);
    let mut id = 0;
    // Its time may be over before it has begun.
    let outcome = loop {
        (id, patience) = (id + 1, patience * 2);
        let mut task = driver.shell(id, "touch ran");
        let script = "setsid sleep 600 & echo begun; echo $! > pid; exec sleep 600";
        let mut slow = order(1, "slow", run(script));
        slow.timeout = patience;
        task.remedies = vec![slow];
        task.spec.grace = Duration::ZERO;
        let outcome = driver.run(task);
        let told = format!("it did not end within {}", span(patience));
        assert_eq!(failed(&outcome, "slow"), told);
        assert_eq!(outcome.leftovers, []);
        if std::fs::metadata(&pid).is_ok_and(|pid| pid.len() > 0) {
            break outcome;
        }
    };
    assert_eq!(process_in(&pid), None);
    let said = driver.output(&outcome, Stream::Remedy);
    assert!(String::from_utf8(said).unwrap().contains("begun\n"));
    // The attempt after it is as if nothing had been.
    let next = driver.shell(id + 1, "true");
    assert_eq!(driver.run(next).ended, by_itself(0));
}

#[test]
fn an_attempt_can_be_stopped_during_a_remedy() {
    for force in [Force::Gentle, Force::Kill] {
        let mut driver = Driver::start();
        let mut task = driver.shell(1, "touch ran");
        task.remedies = vec![
            order(1, "slow", run("echo $$ > pid; exec sleep 600")),
            order(2, "never", run("touch never")),
        ];
        driver.assign(task);
        line_of(&driver.work().join("pid"));
        driver.stop(1, force);
        let outcome = driver.outcome();
        let Ended::Stopped { reason, killed, .. } = outcome.ended else {
            panic!("another end: {:?}", outcome.ended);
        };
        assert_eq!(
            (reason, killed),
            (StopReason::Cancelled, force == Force::Kill)
        );
        assert_eq!(outcome.started_at, None);
        assert_eq!(outcome.account.remedies, []);
        assert_eq!(process_in(&driver.work().join("pid")), None);
        assert!(!driver.work().join("ran").exists());
        assert!(!driver.work().join("never").exists());
    }
}

#[test]
fn a_remedy_of_a_killed_supervisor_is_swept() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "touch ran");
    let script = "echo $$ > pid; exec sleep 600";
    task.remedies = vec![order(1, "slow", run(script))];
    driver.assign(task);
    line_of(&driver.work().join("pid"));
    let process = process_in(&driver.work().join("pid")).unwrap();
    identity::signal(driver.own, Signal::KILL).unwrap();
    slotfile::wait_lock(&driver.state.slot(crate::driver::RUN, 0)).unwrap();
    assert!(matches!(driver.record(1), Some(SlotEntry::Starting { .. })));
    sweep(driver.queue, &[AttemptId::new(1)], &[], None);
    let left = table::entry(process.pid).filter(|entry| entry.process == process);
    // Whoever inherited it may not have collected it yet.
    assert!(left.is_none_or(|entry| !entry.is_alive()));
}

#[test]
fn a_remedy_may_bring_what_is_required_and_the_file_of_variables() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "echo $TOKEN");
    task.spec.requires = vec![Requirement::File("./token.env".into())];
    task.spec.env_file = Some(driver.work().join("token.env").into());
    task.remedies = vec![order(1, "refresh", run("echo TOKEN=fresh > token.env"))];
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0));
    assert_eq!(driver.output(&outcome, Stream::Stdout), b"fresh\n");
    assert_eq!(outcome.account.unmet, None);
}

#[test]
fn what_a_remedy_prints_and_leaves_is_not_the_tasks() {
    for leftovers in [Leftovers::Fail, Leftovers::Allow] {
        let mut driver = Driver::start();
        let mut task = driver.shell(1, "echo fine");
        task.spec.leftovers = leftovers;
        task.spec.success.output_rejects = Some("terrible".to_owned());
        let script = "echo terrible; sleep 600 & echo $! > pid";
        task.remedies = vec![order(1, "loud", run(script))];
        let outcome = driver.run(task);
        assert_eq!(outcome.ended, by_itself(0), "{outcome:?}");
        assert_eq!(outcome.account.unmet, None);
        assert_eq!((outcome.leftover_count, outcome.leftovers.len()), (0, 0));
        assert_eq!(process_in(&driver.work().join("pid")), None);
    }
}
