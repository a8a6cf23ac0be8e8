//! Tasks of several steps: a finished one is never run again, whatever dies.

use std::fmt::Write as _;
use std::fs;

use crate::sandbox::{Sandbox, until_kept, wait_for_file, wait_for_words, wait_until};
use crate::wild::{Kind, kill, processes};

const QUICK: &str = "[defaults.retry]\nbase = \"10ms\"\ncap = \"20ms\"\n";

/// A task file with one task of these scripts; the steps are called `s1`, `s2`, and so on.
fn task(keys: &str, scripts: &[&str]) -> String {
    let mut text = format!("{QUICK}[[task]]\nname = \"one\"\n{keys}\n");
    for (number, script) in (1..).zip(scripts) {
        let command = format!("echo s{number} >> said; {script}");
        write!(
            text,
            "[[task.step]]\nname = \"s{number}\"\ncommand = '''{command}'''\n"
        )
        .unwrap();
    }
    text
}

/// For a script: kills its supervisor, in the middle of what that knows to run.
fn dies() -> String {
    let mark = "it runs in $$";
    let known = until_kept(mark);
    format!("echo \"{mark}\"; {known}; kill -9 $PPID; sleep 600")
}

/// The steps in the order in which they were run.
fn said(sandbox: &Sandbox) -> Vec<String> {
    sandbox.read("said").lines().map(str::to_owned).collect()
}

#[test]
fn a_retry_begins_behind_the_steps_that_are_finished() {
    let sandbox = Sandbox::new();
    let flaky = "echo x >> tries; [ $(wc -l < tries) -ge 3 ] || exit 75";
    sandbox.file("one.toml", task("", &["true", "true", flaky, "true"]));
    sandbox.ok(["run", "one.toml", "--no-progress"]);
    assert_eq!(said(&sandbox), ["s1", "s2", "s3", "s3", "s3", "s4"]);
}

#[test]
fn ten_steps_survive_a_kill_in_each_of_them() {
    let sandbox = Sandbox::new();
    // Kills its supervisor the first time, in the middle of the step.
    let dies_once = format!(
        "[ -e died-$AUTOEXEC_STEP ] || {{ : > died-$AUTOEXEC_STEP; {}; }}",
        dies()
    );
    sandbox.file("one.toml", task("", &[dies_once.as_str(); 10]));
    sandbox.ok(["run", "one.toml", "--no-progress"]);
    let expected: Vec<String> = (1..=10)
        .flat_map(|number| [format!("s{number}"), format!("s{number}")])
        .collect();
    assert_eq!(said(&sandbox), expected);
    let whole = sandbox.json(["queue", "show", "one", "--json"]);
    assert_eq!(whole["task"]["status"], "succeeded", "{whole}");
    // Who comes further each time uses no attempts up: only the first loss was without progress.
    assert_eq!(whole["task"]["used"], 2, "{whole}");
}

#[test]
fn losses_without_progress_end() {
    let sandbox = Sandbox::new();
    sandbox.file("one.toml", task("retries = 2", &["true", &dies()]));
    let answer = sandbox.run(["run", "one.toml", "--no-progress"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    // The first loss came with a finished step, three more without.
    assert_eq!(said(&sandbox), ["s1", "s2", "s2", "s2", "s2"]);
}

#[test]
fn what_is_in_doubt_follows_the_tasks_own_rule() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "one.toml",
        task("on_crash = \"ask\"", &["true", &dies(), "true"]),
    );
    let answer = sandbox.run(["run", "one.toml", "--no-progress"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert_eq!(said(&sandbox), ["s1", "s2"]);
    let whole = sandbox.json(["queue", "show", "one", "--json"]);
    assert_eq!(whole["task"]["status"], "held", "{whole}");
    // A person has looked: it goes on behind what is known to be finished.
    sandbox.file(
        "one.toml",
        task("on_crash = \"ask\"", &["true", "true", "true"]),
    );
    sandbox.ok(["queue", "retry", "one"]);
    sandbox.ok(["queue", "add", "--replace", "one.toml"]);
    sandbox.ok(["run", "--no-progress"]);
    assert_eq!(said(&sandbox), ["s1", "s2", "s2", "s3"]);
}

#[test]
fn steps_go_on_without_their_runner_and_what_they_finished_is_known_afterwards() {
    let sandbox = Sandbox::new();
    let waits = "echo here > here; while ! [ -e go ]; do sleep 0.01; done";
    let dies_once = format!("[ -e died ] || {{ : > died; {}; }}", dies());
    sandbox.file("one.toml", task("", &[waits, "true", &dies_once, "true"]));
    let mut run = sandbox.start(&["run", "one.toml", "--no-progress"]);
    wait_for_file(&sandbox.work().join("here"));
    kill(i32::try_from(run.id()).unwrap());
    run.wait().unwrap();
    sandbox.file("go", "");
    // The supervisor went on alone and died in the third step.
    wait_until("the supervisor is dead", || {
        sandbox.work().join("died").exists()
            && !processes(&sandbox)
                .iter()
                .any(|process| process.kind == Kind::Supervisor)
    });
    sandbox.ok(["run", "--no-progress"]);
    assert_eq!(said(&sandbox), ["s1", "s2", "s3", "s3", "s4"]);
}

#[test]
fn how_far_a_task_is_that_an_earlier_run_left_behind_is_told() {
    let sandbox = Sandbox::new();
    let holds = |at: &str| format!("echo {at} > {at}; until [ -e go-{at} ]; do sleep 0.01; done");
    let text = task("", &["true", &holds("second"), &holds("third")]);
    sandbox.file("one.toml", text);
    let mut first = sandbox.start(&["run", "one.toml", "--no-progress"]);
    wait_for_file(&sandbox.work().join("second"));
    kill(i32::try_from(first.id()).unwrap());
    first.wait().unwrap();
    let mut next = sandbox.start(&["run"]);
    wait_for_words(&mut next, "one: step s2 2/3");
    sandbox.file("go-second", "");
    wait_for_words(&mut next, "one: step s3 3/3");
    sandbox.file("go-third", "");
    assert_eq!(sandbox.answer_of(next).code, 0);
}

#[test]
fn a_step_that_ran_out_of_time_gets_twice_as_much() {
    let sandbox = Sandbox::new();
    // Too long for the first limit, not for the second.
    let slow = "sleep 0.7";
    let text = format!("{}timeout = \"400ms\"\n", task("", &["true", slow]));
    sandbox.file("one.toml", text);
    sandbox.ok(["run", "one.toml", "--no-progress"]);
    let said = said(&sandbox);
    assert_eq!(said[..3], ["s1", "s2", "s2"]);
    // On a machine that stalls the second limit may be too short as well; the last one was not.
    assert!(said[3..].iter().all(|step| step == "s2"), "{said:?}");
    let whole = sandbox.json(["queue", "show", "one", "--json"]);
    assert_eq!(whole["task"]["status"], "succeeded");
    let decision = &whole["task"]["attempts_made"][0]["decision"];
    let decision = decision.as_str().unwrap();
    let wanted = "retry_with_longer_timeout (0.8s for the step `s2`)";
    assert!(decision.starts_with(wanted), "{decision}");
}

#[test]
fn how_far_a_task_is_stands_in_the_lines_of_the_run() {
    let sandbox = Sandbox::new();
    let program = env!("CARGO_BIN_EXE_autoexec");
    // The supervisor looks once a second.
    let tells = format!("{program} progress 40% rows loaded; sleep 1.5");
    sandbox.file("one.toml", task("", &["true", &tells]));
    let answer = sandbox.run(["run", "one.toml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    for line in ["one: step s1 1/2", "one: step s2 2/2"] {
        assert!(answer.stderr.contains(line), "{line} in {}", answer.stderr);
    }
    let said = fs::read_dir(sandbox.state().join("said")).unwrap();
    assert_eq!(said.count(), 0);
}

#[test]
fn telling_progress_never_breaks_a_script() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run(["progress", "40", "by", "hand"]);
    assert_eq!(answer.code, 0);
    assert!(answer.stderr.contains("not typed inside a task"));
    let mut broken = sandbox.command();
    broken.args(["progress", "40"]);
    broken.env("AUTOEXEC_PROGRESS_FILE", "/nowhere/at/all");
    let answer = sandbox.finish(&mut broken);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stderr.contains("warning"), "{}", answer.stderr);
    let wrong = sandbox.run(["progress", "much"]);
    wrong.fails(2, &["a number from 0 to 100"]);
}
