//! Runs and tasks in control groups that freeze them or leave them no memory.
//!
//! Part of suite T12: `cargo test --test faults hostile -- --nocapture`. Where such groups cannot be made
//! the tests are skipped and say so.

use std::fs;
use std::path::{Path, PathBuf};

use crate::hostile::{again_and_again, nothing_is_left, queue, status};
use crate::sandbox::{wait_for_file, wait_until};
use crate::skipped;
use crate::wild::{Kind, processes, tasks};

/// A control group whose processes do not even die, until it is dropped.
struct Ice(PathBuf);

impl Ice {
    fn make() -> Option<Self> {
        let name = format!("autoexec-test-ice-{}", std::process::id());
        let place = Path::new("/sys/fs/cgroup/freezer").join(name);
        let is_there = fs::create_dir(&place).is_ok() && place.join("freezer.state").exists();
        is_there.then_some(Self(place))
    }

    fn freeze(&self, pid: i32) {
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
        fs::write(self.0.join("freezer.state"), "FROZEN").unwrap();
    }

    fn thaw(&self) {
        let _already_gone = fs::write(self.0.join("freezer.state"), "THAWED");
    }
}

impl Drop for Ice {
    fn drop(&mut self) {
        self.thaw();
        wait_until("the ice is empty", || fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
fn what_no_signal_can_end_is_told_and_the_run_goes_on() {
    let Some(ice) = Ice::make() else {
        return skipped::say(
            "hostile_groups::what_no_signal_can_end_is_told_and_the_run_goes_on",
            "no control group can be frozen here",
        );
    };
    again_and_again("F71: unkillable", || {
        let keys = "retries = 0\ntimeout = \"5s\"";
        let sandbox = queue(
            keys,
            "[\"FAKE\", \"record\", \"up\", \"start\", \"sleep\", \"600000\"]",
        );
        sandbox.ok(["queue", "add", "--name", "next", "--", "touch", "next"]);
        let run = sandbox.start(&["run", "--no-progress", "-j", "1"]);
        wait_for_file(&sandbox.work().join("up"));
        let task = processes(&sandbox)
            .into_iter()
            .find(|one| one.kind == Kind::Task);
        ice.freeze(task.unwrap().pid);
        wait_until("the other task ran", || {
            sandbox.work().join("next").exists()
        });
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        let why = sandbox.ok(["queue", "show", "t"]);
        assert!(why.contains("could not be killed"), "{why}");
        ice.thaw();
        nothing_is_left(&sandbox);
    });
}

/// A control group with a limit of memory, for one process; gone at its end.
struct Tight(PathBuf);

impl Tight {
    fn make() -> Option<Self> {
        let name = format!("autoexec-test-tight-{}", std::process::id());
        let place = Path::new("/sys/fs/cgroup/memory").join(name);
        let limit = place.join("memory.limit_in_bytes");
        let is_there = fs::create_dir(&place).is_ok() && fs::write(limit, "65536").is_ok();
        is_there.then_some(Self(place))
    }
}

impl Drop for Tight {
    fn drop(&mut self) {
        wait_until("the group is empty", || fs::remove_dir(&self.0).is_ok());
    }
}

#[test]
fn a_run_that_the_kernel_kills_for_its_memory_loses_nothing() {
    let Some(tight) = Tight::make() else {
        return skipped::say(
            "hostile_groups::a_run_that_the_kernel_kills_for_its_memory_loses_nothing",
            "no control group with a limit of memory can be made here",
        );
    };
    again_and_again("F05: run out of memory", || {
        let sandbox = queue(
            "on_crash = \"fail\"",
            "[\"FAKE\", \"lock\", \"lock\", \"record\", \"log\", \"start\", \"wait-for\", \"open\", \"record\", \"log\", \"end\"]",
        );
        let run = sandbox.start(&["run", "--no-progress"]);
        wait_for_file(&sandbox.work().join("log"));
        fs::write(tight.0.join("cgroup.procs"), run.id().to_string()).unwrap();
        // It has to touch new memory: something to do.
        sandbox.ok(["queue", "add", "--name", "next", "--", "true"]);
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, 137, "{}", answer.stderr);
        sandbox.file("open", "");
        sandbox.ok(["run", "--no-progress"]);
        let log = sandbox.read("log");
        assert_eq!(log.matches("start ").count(), 1, "{log}");
        assert_eq!(status(&sandbox), "succeeded");
        assert_eq!(tasks(&sandbox)[0].status, "succeeded");
    });
}
