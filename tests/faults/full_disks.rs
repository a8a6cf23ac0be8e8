//! Disks that are really full, small or read-only, and a state directory that is taken away.
//!
//! Belongs to suite T4: `cargo test --test faults full_disks:: -- --nocapture`. Mounting needs root; without
//! it the tests say that they were skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::sandbox::{Sandbox, wait_for_file, wait_until};
use crate::skipped;
use crate::wild::{fake_task, is_whole, processes, tasks};

/// A file system in memory, gone with the value.
struct Disk {
    place: PathBuf,
}

impl Disk {
    /// Mounts one of so many bytes; `None` (and a word about it) where that is not allowed.
    fn new(test: &str, place: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(place).unwrap();
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size},mode=0700"),
                "none",
            ])
            .arg(place)
            .stderr(Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            skipped::say(test, "a file system of its own needs root");
            return None;
        }
        Some(Self {
            place: place.to_owned(),
        })
    }

    fn remount(&self, manner: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{manner}")])
            .arg(&self.place)
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone_with_the_machine_at_latest =
            Command::new("umount").arg("-l").arg(&self.place).status();
    }
}

fn alerts(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.state().join("alerts.jsonl")).unwrap_or_default()
}

fn status_of(sandbox: &Sandbox, name: &str) -> String {
    let all = tasks(sandbox);
    all.iter()
        .find(|task| task.name == name)
        .unwrap()
        .status
        .clone()
}

#[test]
fn what_ended_on_a_disk_that_filled_up_is_recorded_and_the_rest_waits() {
    const NAME: &str =
        "full_disks::what_ended_on_a_disk_that_filled_up_is_recorded_and_the_rest_waits";
    let sandbox = Sandbox::new();
    let Some(_disk) = Disk::new(NAME, &sandbox.state(), "96m") else {
        return;
    };
    let filler = sandbox.state().join("filler");
    let fill = format!("cat /dev/zero > '{}'; true", filler.display());
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "fills",
        "--priority",
        "9",
        "--",
        "sh",
        "-c",
        &fill,
    ]);
    let later: Vec<String> = (0..20).map(|number| format!("later-{number}")).collect();
    for name in &later {
        sandbox.ok(["queue", "add", "--name", name, "--", "true"]);
    }
    let answer = sandbox.run(["run", "--no-progress", "-j", "1"]);
    answer.fails(3, &["the disk is full"]);
    assert_eq!(
        status_of(&sandbox, "fills"),
        "succeeded",
        "{}",
        answer.stderr
    );
    assert!(
        alerts(&sandbox).contains("the disk is full"),
        "{}",
        alerts(&sandbox)
    );
    assert!(is_whole(&sandbox));
    // Still full: nothing is begun, nothing is lost, and it is said again.
    let again = Command::new("sh")
        .args(["-c", &format!("cat /dev/zero >> '{}'", filler.display())])
        .stderr(Stdio::null())
        .status();
    assert!(!again.unwrap().success());
    sandbox.run(["run", "--no-progress"]).fails(3, &["full"]);
    sandbox
        .run(["queue", "add", "--", "true"])
        .fails(3, &["full"]);
    fs::remove_file(&filler).unwrap();
    sandbox.ok(["run", "--no-progress"]);
    for name in &later {
        assert_eq!(status_of(&sandbox, name), "succeeded");
    }
    sandbox.ok(["db", "check"]);
    wait_until("nothing is left", || processes(&sandbox).is_empty());
}

#[test]
fn a_disk_that_is_full_for_output_alone_cuts_the_output_and_not_the_task() {
    const NAME: &str =
        "full_disks::a_disk_that_is_full_for_output_alone_cuts_the_output_and_not_the_task";
    let sandbox = Sandbox::new();
    let program = fake_task();
    let program = program.to_str().unwrap();
    sandbox.ok([
        "queue", "add", "--name", "talks", "--", program, "flood", "2000000", "record", "end",
        "end",
    ]);
    sandbox.ok([
        "queue", "add", "--name", "after", "--", program, "say", "hello",
    ]);
    let Some(_disk) = Disk::new(NAME, &sandbox.state().join("logs"), "256k") else {
        return;
    };
    let answer = sandbox.run(["run", "--no-progress", "-j", "1"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(sandbox.read("end").lines().count(), 1);
    for name in ["talks", "after"] {
        assert_eq!(status_of(&sandbox, name), "succeeded", "{}", answer.stderr);
    }
    let log = sandbox.run(["logs", "talks"]);
    assert!(
        log.stderr.contains("the disk did not take it"),
        "{}",
        log.stderr
    );
}

#[test]
fn a_read_only_state_directory_is_refused_before_the_first_task() {
    const NAME: &str = "full_disks::a_read_only_state_directory_is_refused_before_the_first_task";
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::new(NAME, &sandbox.state(), "96m") else {
        return;
    };
    sandbox.ok(["queue", "add", "--name", "one", "--", "touch", "ran"]);
    disk.remount("ro");
    for words in [
        &["run"][..],
        &["queue", "add", "--", "true"],
        &["queue", "cancel", "1"],
    ] {
        sandbox
            .run(words)
            .fails(3, &["[SANDBOX]/state", "--state-dir"]);
    }
    assert!(!sandbox.work().join("ran").exists());
    disk.remount("rw");
    sandbox.ok(["run"]);
    assert!(sandbox.work().join("ran").exists());
    sandbox.ok(["db", "check"]);
}

#[test]
fn a_run_whose_state_directory_is_taken_away_starts_nothing_more_and_says_so() {
    let sandbox = Sandbox::new();
    let run = run_that_waits(&sandbox);
    let away = sandbox.home().join("away");
    fs::rename(sandbox.state(), &away).unwrap();
    let told = end_once_noticed(&sandbox, run);
    assert!(!sandbox.work().join("second").exists(), "{told}");
    assert!(
        !sandbox.state().join("queue.db").exists(),
        "a queue was made anew"
    );
    wait_until("nothing is left", || processes(&sandbox).is_empty());
    // Where it is put back, the next run goes on.
    if sandbox.state().exists() {
        fs::remove_dir_all(sandbox.state()).unwrap();
    }
    fs::rename(&away, sandbox.state()).unwrap();
    sandbox.ok(["run", "--no-progress"]);
    assert_eq!(sandbox.read("first").lines().count(), 1, "made twice");
    assert!(sandbox.work().join("second").exists());
    sandbox.ok(["db", "check"]);
}

#[test]
fn a_run_whose_database_is_taken_away_tells_whoever_is_not_there() {
    let sandbox = Sandbox::new();
    let run = run_that_waits(&sandbox);
    fs::rename(
        sandbox.state().join("queue.db"),
        sandbox.state().join("queue.old"),
    )
    .unwrap();
    end_once_noticed(&sandbox, run);
    assert!(
        alerts(&sandbox).contains("was removed or replaced"),
        "{}",
        alerts(&sandbox)
    );
}

/// It notices what it stands on no more; then its task may end, and so does it.
fn end_once_noticed(sandbox: &Sandbox, run: Child) -> String {
    wait_until("it is noticed", || {
        sandbox.read("run.err").contains("was removed or replaced")
    });
    fs::write(sandbox.work().join("open"), "").unwrap();
    let code = sandbox.answer_of(run).code;
    let told = sandbox.read("run.err");
    assert_eq!(code, 3, "{told}");
    told
}

/// A run in the midst of its first of two tasks, which ends when `open` is there.
fn run_that_waits(sandbox: &Sandbox) -> Child {
    let program = fake_task();
    let program = program.to_str().unwrap();
    let first = ["record", "first", "start", "wait-for", "open"];
    let mut add = vec![
        "queue",
        "add",
        "--name",
        "first",
        "--priority",
        "9",
        "--",
        program,
    ];
    add.extend(first);
    sandbox.ok(add);
    sandbox.ok([
        "queue", "add", "--name", "second", "--", program, "record", "second", "start",
    ]);
    let run = sandbox
        .command()
        .args(["run", "--no-progress", "-j", "1"])
        .stdout(Stdio::null())
        .stderr(fs::File::create(sandbox.work().join("run.err")).unwrap())
        .spawn()
        .unwrap();
    wait_for_file(&sandbox.work().join("first"));
    run
}
