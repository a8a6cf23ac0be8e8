//! What a task requires, looked at by its supervisor before anything of it runs.

use crate::driver::Driver;
use crate::driver::by_itself;
use autoexec::model::checks::Requirement;
use autoexec::model::message::Force;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::Outcome;
use autoexec::model::outcome::StartFailureKind;
use autoexec::model::outcome::StopReason;
use autoexec::model::slot::SlotEntry;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

fn tool(name: &str, version: Option<&str>) -> Requirement {
    Requirement::Tool {
        name: name.to_owned(),
        version: version.map(str::to_owned),
    }
}

fn missing(outcome: &Outcome) -> (&str, &str) {
    let Ended::CouldNotStart(failure) = &outcome.ended else {
        panic!("another end: {:?}", outcome.ended);
    };
    assert_eq!(failure.kind, StartFailureKind::RequirementMissing);
    let unmet = outcome.account.unmet.as_deref().unwrap();
    (failure.path.as_str().unwrap(), unmet)
}

#[test]
fn what_is_met_is_looked_at_with_the_variables_and_the_folder_of_the_task() {
    let mut driver = Driver::start();
    std::fs::write(driver.work().join("in.csv"), "1\n").unwrap();
    let mut task = driver.shell(1, "echo ran");
    task.spec.env.insert("PGHOST".to_owned(), "db".into());
    task.spec.requires = vec![
        tool("sh", None),
        Requirement::File("./in.csv".into()),
        Requirement::Env("PGHOST".to_owned()),
    ];
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0));
    assert!(outcome.account.required.is_some());
    assert_eq!(outcome.output.stdout_bytes, 4);
}

#[test]
fn nothing_of_a_task_runs_when_something_is_missing_and_all_of_it_is_told() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "touch ran");
    task.spec.requires = vec![
        Requirement::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 1,
        },
        tool("sh", None),
        tool("no-such-tool", None),
        Requirement::File("./in.csv".into()),
        Requirement::Env("NONE".to_owned()),
    ];
    let outcome = driver.run(task);
    assert_eq!(
        missing(&outcome),
        (
            "no-such-tool",
            "`no-such-tool` is not on the task's PATH; `127.0.0.1` port 1 refuses connections; \
             `./in.csv` is missing; the variable `NONE` is not set"
        )
    );
    assert_eq!(outcome.started_at, None);
    assert_eq!(outcome.duration, Duration::ZERO);
    assert!(!driver.work().join("ran").exists());
    assert!(matches!(driver.record(1), Some(SlotEntry::Ended(_))));
}

#[test]
fn a_missing_working_directory_is_told_as_such() {
    let mut driver = Driver::start();
    let mut task = driver.shell(1, "true");
    task.spec.workdir = driver.work().join("none").into();
    task.spec.requires = vec![tool("sh", None)];
    let Ended::CouldNotStart(failure) = driver.run(task).ended else {
        panic!("another end");
    };
    assert_eq!(failure.kind, StartFailureKind::WorkdirMissing);
}

#[test]
fn an_attempt_can_be_stopped_while_its_requirements_are_looked_at() {
    let mut driver = Driver::start();
    let path = driver.work().join("slow");
    std::fs::write(&path, "#!/bin/sh\necho > asked\nexec sleep 600\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut task = driver.shell(1, "touch ran");
    task.spec.requires = vec![tool("./slow", Some("1"))];
    driver.assign(task);
    while !driver.work().join("asked").exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    driver.stop(1, Force::Kill);
    let outcome = driver.outcome();
    let Ended::Stopped { reason, .. } = outcome.ended else {
        panic!("another end: {:?}", outcome.ended);
    };
    assert_eq!(reason, StopReason::Cancelled);
    assert_eq!(outcome.started_at, None);
    assert!(!driver.work().join("ran").exists());
}
