//! Tasks of several steps: what runs, what is noted when, and what each step has of its own.

use std::time::Duration;

use crate::driver::Driver;
use crate::driver::by_itself;
use crate::driver::line_of;
use autoexec::model::attempt::Assignment;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::StartFailureKind;
use autoexec::model::slot::SlotEntry;
use autoexec::model::spec::Command;
use autoexec::model::spec::Leftovers;
use autoexec::model::spec::StepSpec;
use autoexec::process::Stream;

/// A task of these scripts; the steps are called `s1`, `s2`, and so on.
fn steps(driver: &Driver, id: i64, scripts: &[&str]) -> Assignment {
    let mut task = driver.task(id, &["true"]);
    task.spec.steps = (1..)
        .zip(scripts)
        .map(|(number, script)| {
            let argv = ["/bin/sh", "-c", script].map(Into::into).to_vec();
            StepSpec::of_command(format!("s{number}"), Command::Direct(argv))
        })
        .collect();
    task
}

const SAY: &str = "echo $AUTOEXEC_STEP >> said";

fn said(driver: &Driver) -> String {
    std::fs::read_to_string(driver.work().join("said")).unwrap_or_default()
}

#[test]
fn steps_run_in_order_and_only_those_that_are_left() {
    let mut driver = Driver::start();
    let all = steps(&driver, 1, &[SAY, SAY, SAY]);
    let outcome = driver.run(all);
    assert_eq!(outcome.ended, by_itself(0));
    assert_eq!(outcome.account.steps_done, 3);
    assert_eq!(said(&driver), "s1\ns2\ns3\n");
    let mut rest = steps(&driver, 2, &[SAY, SAY, SAY]);
    rest.steps_done = 2;
    assert_eq!(driver.run(rest).account.steps_done, 3);
    assert_eq!(said(&driver), "s1\ns2\ns3\ns3\n");
    // The last one is never taken as finished: the task would end without having run.
    let mut done = steps(&driver, 3, &[SAY, SAY]);
    done.steps_done = 2;
    driver.run(done);
    assert_eq!(said(&driver), "s1\ns2\ns3\ns3\ns2\n");
}

#[test]
fn a_step_that_fails_ends_the_attempt_and_the_account_says_how_far_it_came() {
    let mut driver = Driver::start();
    let mut task = steps(&driver, 1, &[SAY, SAY, "exit 7", SAY]);
    task.steps_done = 1;
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(7));
    assert_eq!(outcome.account.steps_done, 2);
    assert!(
        outcome.account.checkpoint_changed,
        "another step is finished"
    );
    assert_eq!(said(&driver), "s2\n");
    let mut again = steps(&driver, 2, &[SAY, SAY, "exit 7", SAY]);
    again.steps_done = 2;
    let outcome = driver.run(again);
    assert_eq!(outcome.account.steps_done, 2);
    assert!(!outcome.account.checkpoint_changed);
}

#[test]
fn a_finished_step_stands_in_the_slot_file_while_the_next_one_runs() {
    let mut driver = Driver::start();
    let wait = "echo here > here; while ! [ -e go ]; do sleep 0.01; done";
    let task = steps(&driver, 1, &[SAY, SAY, wait]);
    driver.assign(task);
    line_of(&driver.work().join("here"));
    let Some(SlotEntry::Running { steps_done, .. }) = driver.record(1) else {
        panic!("{:?}", driver.record(1));
    };
    assert_eq!(steps_done, 2);
    std::fs::write(driver.work().join("go"), "").unwrap();
    assert_eq!(driver.outcome().ended, by_itself(0));
}

#[test]
fn what_a_step_leaves_for_the_next_ones_must_be_started_again_with_them() {
    let mut driver = Driver::start();
    let serve = "sleep 30 >/dev/null 2>&1 &";
    let mut task = steps(&driver, 1, &[SAY, serve, SAY, "exit 1"]);
    task.spec.leftovers = Leftovers::Allow;
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(1));
    assert_eq!(outcome.account.steps_done, 1, "the server is gone");
}

#[test]
fn a_step_has_variables_a_directory_and_an_input_of_its_own() {
    let mut driver = Driver::start();
    let folder = driver.work().join("below");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("in"), "input").unwrap();
    let show = "echo $MINE $AUTOEXEC_TASK_ID $PWD; cat";
    let mut task = steps(&driver, 1, &[show, show]);
    task.variables.insert("AUTOEXEC_TASK_ID".into(), "1".into());
    let own = &mut task.spec.steps[1];
    own.env.insert("MINE".into(), "2nd".into());
    own.env.insert("AUTOEXEC_TASK_ID".into(), "lie".into());
    own.workdir = Some(folder.clone().into());
    own.stdin = Some(folder.join("in").into());
    let outcome = driver.run(task);
    let output = driver.output(&outcome, Stream::Stdout);
    let expected = format!(
        "1 {}\n2nd 1 {}\ninput",
        driver.work().display(),
        folder.display()
    );
    assert_eq!(String::from_utf8(output).unwrap(), expected);
}

#[test]
fn a_step_is_stopped_by_its_own_limit_or_by_the_attempts_whichever_is_over_first() {
    let mut driver = Driver::start();
    let limit = Duration::from_millis(100);
    let mut task = steps(&driver, 1, &[SAY, "sleep 30"]);
    task.timeout = Some(Duration::from_mins(10));
    task.spec.steps[1].timeout = Some(limit);
    let outcome = driver.run(task);
    let Ended::TimedOut { limit: reached, .. } = outcome.ended else {
        panic!("{:?}", outcome.ended);
    };
    assert_eq!((reached, outcome.account.steps_done), (limit, 1));
    let mut task = steps(&driver, 2, &[SAY, "sleep 30"]);
    task.timeout = Some(limit);
    task.spec.steps[1].timeout = Some(Duration::from_mins(10));
    let outcome = driver.run(task);
    assert!(matches!(outcome.ended, Ended::TimedOut { limit: reached, .. } if reached == limit));
}

#[test]
fn a_step_that_cannot_start_keeps_those_before_it() {
    let mut driver = Driver::start();
    let mut task = steps(&driver, 1, &[SAY, SAY]);
    task.spec.steps[1].command = Command::Direct(vec!["no-such-program".into()]);
    let outcome = driver.run(task);
    let Ended::CouldNotStart(failure) = outcome.ended else {
        panic!("{:?}", outcome.ended);
    };
    assert_eq!(failure.kind, StartFailureKind::ProgramMissing);
    assert_eq!(outcome.account.steps_done, 1);
}
