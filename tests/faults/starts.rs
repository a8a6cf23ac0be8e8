//! Many runs at once on one queue: exactly one of them runs.
//!
//! Suite T6: `cargo test --test faults starts:: -- --nocapture`.

use std::fs;
use std::process::Child;

use crate::sandbox::{Sandbox, wait_until};
use crate::wild::fake_task;

#[test]
fn of_sixteen_simultaneous_starts_exactly_one_runs() {
    let sandbox = Sandbox::new();
    let program = fake_task();
    let program = program.to_str().unwrap();
    sandbox.ok([
        "queue", "add", "--name", "gate", "--", program, "wait-for", "open", "record", "log", "end",
    ]);
    let mut runs: Vec<Child> = (0..16)
        .map(|_| sandbox.start(&["run", "--no-progress"]))
        .collect();
    let mut refused = Vec::new();
    wait_until("fifteen of sixteen were refused", || {
        let (ended, running) = std::mem::take(&mut runs)
            .into_iter()
            .partition::<Vec<Child>, _>(has_ended);
        refused.extend(ended);
        runs = running;
        runs.len() <= 1
    });
    fs::write(sandbox.work().join("open"), "").unwrap();
    assert_eq!(refused.len(), 15);
    for run in refused {
        sandbox.answer_of(run).fails(75, &["process [PID]"]);
    }
    for run in runs {
        let answer = sandbox.answer_of(run);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
    }
    assert_eq!(sandbox.read("log").lines().count(), 1);
}

/// A process that has ended and was not waited for keeps its place as a zombie.
fn has_ended(child: &Child) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", child.id())).is_ok_and(|stat| stat.contains(") Z "))
}
