//! `autoexec queue retry`, with and without `--from-scratch`: what of a task is kept.

use crate::sandbox::{Sandbox, wait_until};

/// The first step saves something, the second one fails until there is a file `ok`.
const TWO: &str = r#"
[[task]]
name = "two"
retries = 1
retry = { base = "10ms" }

  [[task.step]]
  name = "one"
  command = "echo one >> order; echo x > $AUTOEXEC_CHECKPOINT_DIR/data"

  [[task.step]]
  name = "other"
  command = """
echo other $AUTOEXEC_ATTEMPT/$AUTOEXEC_MAX_ATTEMPTS $AUTOEXEC_START \
  $(cat $AUTOEXEC_CHECKPOINT_DIR/data) >> order
test -e ok || exit 75
"""
"#;

const FAILED: &str = "one\nother 1/2 1 x\nother 2/2 2 x\n";

/// A queue in which the task has failed.
fn failed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    assert_eq!(sandbox.run(["run", "two.toml", "--no-progress"]).code, 1);
    assert_eq!(sandbox.read("order"), FAILED);
    sandbox.file("ok", "");
    sandbox
}

fn succeeded(sandbox: &Sandbox) -> bool {
    sandbox.json(["queue", "show", "two", "--json"])["task"]["status"] == "succeeded"
}

/// What was moved aside of it.
fn aside(sandbox: &Sandbox) -> Vec<String> {
    let folder = sandbox.state().join("checkpoints/.aside");
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn another_try_keeps_what_is_finished_and_has_all_attempts_again() {
    let sandbox = failed();
    sandbox.ok(["queue", "retry", "two"]);
    assert!(aside(&sandbox).is_empty());
    sandbox.ok(["run", "--no-progress"]);
    assert_eq!(sandbox.read("order"), format!("{FAILED}other 1/2 3 x\n"));
}

#[test]
fn from_scratch_begins_at_the_beginning_with_an_empty_checkpoint() {
    let sandbox = failed();
    sandbox.ok(["queue", "retry", "two", "--from-scratch"]);
    let kept = aside(&sandbox);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].starts_with("1-"), "{kept:?}");
    assert!(!sandbox.state().join("checkpoints/1/data").exists());
    sandbox.ok(["run", "--no-progress"]);
    assert_eq!(
        sandbox.read("order"),
        format!("{FAILED}one\nother 1/2 3 x\n")
    );
    // What was moved aside stays for a week.
    assert_eq!(aside(&sandbox), kept);
}

#[test]
fn from_scratch_goes_through_a_living_run() {
    let sandbox = failed();
    let run = sandbox.start(&["run", "--watch", "--no-progress"]);
    wait_until("the run lives", || sandbox.runner().is_some());
    sandbox.ok(["queue", "retry", "two", "--from-scratch"]);
    assert_eq!(aside(&sandbox).len(), 1);
    wait_until("it is done", || succeeded(&sandbox));
    sandbox.ok(["stop"]);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(
        sandbox.read("order"),
        format!("{FAILED}one\nother 1/2 3 x\n")
    );
}

#[test]
fn a_task_that_is_queued_is_told_how_to_begin_anew() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "one", "--", "true"]);
    let answer = sandbox.run(["queue", "retry", "--from-scratch", "one"]);
    assert!(
        answer.stderr.contains("is queued already"),
        "{}",
        answer.stderr
    );
    assert!(
        answer.stderr.contains("autoexec queue hold one"),
        "{}",
        answer.stderr
    );
}
