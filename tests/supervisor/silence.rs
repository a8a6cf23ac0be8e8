//! Silence: who does nothing is stopped or told, and who works quietly is left alone.

use crate::driver::Driver;
use crate::driver::by_itself;
use autoexec::model::message::FromSupervisor;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::Outcome;
use std::net::TcpListener;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(2);

fn silent(driver: &mut Driver, id: i64, script: &str) -> Outcome {
    let mut task = driver.shell(id, script);
    task.spec.idle_timeout = Some(LIMIT);
    driver.run(task)
}

fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[track_caller]
fn went_silent(outcome: &Outcome) -> String {
    let Ended::WentSilent { limit, .. } = outcome.ended else {
        panic!("another end: {:?}", outcome.ended);
    };
    assert_eq!(limit, LIMIT);
    outcome.account.hang.join("\n")
}

#[test]
fn who_sleeps_is_stopped_and_what_it_printed_last_is_told() {
    let mut driver = Driver::start();
    let outcome = silent(
        &mut driver,
        1,
        "echo first; echo waiting for Godot; exec sleep 600",
    );
    let hang = went_silent(&outcome);
    assert!(hang.starts_with("`sleep` (process "), "{hang}");
    assert!(hang.contains("sleeps"), "{hang}");
    assert!(
        hang.contains("its last output: waiting for Godot"),
        "{hang}"
    );
    assert!(outcome.duration >= LIMIT);
}

#[test]
fn who_ticks_once_a_second_or_stops_itself_is_silent_too() {
    let mut driver = Driver::start();
    went_silent(&silent(&mut driver, 1, "while :; do sleep 1; done"));
    let hang = went_silent(&silent(&mut driver, 2, "kill -STOP $$"));
    assert!(hang.contains("is stopped"), "{hang}");
}

#[test]
fn what_it_waits_for_is_told() {
    let mut driver = Driver::start();
    let work = driver.work();
    make_fifo(&work.join("fifo"));
    let hang = went_silent(&silent(&mut driver, 1, "exec 3<>fifo; read line <&3"));
    assert!(hang.contains("/fifo (descriptor 3)"), "{hang}");

    // The kernel takes the connection; nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read line <&3");
    let mut task = driver.task(2, &["bash", "-c", &script]);
    task.spec.idle_timeout = Some(LIMIT);
    let hang = went_silent(&driver.run(task));
    assert!(
        hang.contains(&format!("a TCP connection to 127.0.0.1:{port}")),
        "{hang}"
    );

    let lock = std::fs::File::create(work.join("lock")).unwrap();
    lock.write_at(b"x", 0).unwrap();
    lock.lock().unwrap();
    let hang = went_silent(&silent(&mut driver, 3, "exec flock lock true"));
    assert!(hang.contains("/lock (descriptor"), "{hang}");
}

#[test]
fn quiet_work_is_left_alone_whatever_kind_it_is() {
    let mut driver = Driver::start();
    // CPU, in a grandchild of a waiting shell.
    let busy = "(end=$(($(date +%s) + 5)); while [ $(date +%s) -lt $end ]; do :; done) & wait";
    assert_eq!(silent(&mut driver, 1, busy).ended, by_itself(0));
    // Little CPU, but files that grow.
    let writer = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do head -c 65536 /dev/zero >> x; sleep 0.3; done";
    assert_eq!(silent(&mut driver, 2, writer).ended, by_itself(0));
    // Output is life.
    let talker = "for i in 1 2 3 4 5 6 7 8 9 10; do echo; sleep 0.5; done";
    assert_eq!(silent(&mut driver, 3, talker).ended, by_itself(0));
}

#[test]
fn a_silence_without_a_limit_is_told_once_and_written_down() {
    let mut driver = Driver::start_impatient(500);
    make_fifo(&driver.work().join("go"));
    let task = driver.shell(1, "read line < go");
    driver.assign(task);
    driver.started();
    let FromSupervisor::Progress { progress, .. } = driver.word() else {
        panic!("another word");
    };
    assert!(progress.silent_for.unwrap() >= Duration::from_millis(500));
    let text = std::fs::read_to_string(driver.state.alerts()).unwrap();
    let alert: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(alert["level"], "WARNING");
    assert_eq!(alert["component"], "task");
    assert_eq!(alert["details"]["name"], "one");
    assert_eq!(alert["details"]["attempt"], 1);
    std::fs::write(driver.work().join("go"), "on\n").unwrap();
    // Nothing is told in between.
    let FromSupervisor::Ended { outcome, .. } = driver.word() else {
        panic!("another word");
    };
    assert_eq!(outcome.ended, by_itself(0));
}
