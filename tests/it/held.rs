//! Held and given-up tasks: what a run answers about them, and what a person is told to type.

use crate::sandbox::Sandbox;
use crate::window::at;

#[test]
fn a_run_with_nothing_but_held_tasks_says_that_they_need_a_person() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "kept", "--", "true"]);
    sandbox.ok(["queue", "hold", "kept"]);
    let answer = sandbox.run(["run"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(answer.stderr.contains("1 held"), "{}", answer.stderr);
    for command in [
        &[][..],
        &["report"],
        &["why", "kept"],
        &["queue", "show", "kept"],
    ] {
        let told = sandbox.ok(command);
        assert!(
            told.contains("autoexec queue release 1"),
            "{command:?}: {told}"
        );
        assert!(!told.contains("queue retry"), "{command:?}: {told}");
    }
    sandbox.ok(["queue", "release", "kept"]);
    assert_eq!(sandbox.run(["run"]).code, 0);
}

#[test]
fn a_task_whose_deadline_passed_before_it_started_says_so() {
    let sandbox = Sandbox::new();
    let deadline = "2026-11-21T20:00:00Z";
    sandbox.set_clock(at("2026-11-21T19:00:00Z"));
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "late",
        "--deadline",
        deadline,
        "--",
        "true",
    ]);
    sandbox.set_clock(at("2026-11-21T21:00:00Z"));
    assert_eq!(sandbox.run(["run"]).code, 1);
    let told = sandbox.ok(["why", "late"]);
    assert!(told.contains("was given up: its deadline passed"), "{told}");
    let json = sandbox.json(["why", "late", "--json"]);
    assert_eq!(json["code"], "deadline_passed", "{json}");
}
