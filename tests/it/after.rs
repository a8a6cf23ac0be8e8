//! Order between tasks, with the real program; their points in time are `task_times`.

use crate::sandbox::{Sandbox, wait_until};

/// A night of three tasks in a line; the first one needs a file `ok`.
const NIGHT: &str = r#"
[[task]]
name = "load"
command = "echo load >> order"
after = ["dump"]

[[task]]
name = "dump"
command = "test -e ok || exit 65; echo dump >> order"

[[task]]
name = "check"
command = "echo check >> order"
after = ["load"]

[[task]]
name = "page"
command = "echo page >> order"
after = [{ task = "dump", when = "failure" }]

[[task]]
name = "tidy"
command = "echo tidy >> order"
after = [{ task = "check", when = "always" }]
"#;

/// Name, status and what it is skipped for, of every task.
fn standing(sandbox: &Sandbox) -> Vec<(String, String, Option<String>)> {
    let list = sandbox.json(["queue", "list", "--all", "--json"]);
    let tasks = list["tasks"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    tasks
        .iter()
        .map(|task| {
            (
                text(&task["name"]).unwrap(),
                text(&task["status"]).unwrap(),
                text(&task["blocked_by"]),
            )
        })
        .collect()
}

fn status(sandbox: &Sandbox, name: &str) -> String {
    let all = standing(sandbox);
    let found = all.into_iter().find(|(task, ..)| task == name);
    found.unwrap().1
}

fn assert_sound(sandbox: &Sandbox) {
    let told = sandbox.ok(["db", "check"]);
    assert!(told.contains("sound"), "{told}");
}

#[test]
fn tasks_run_in_their_order_whatever_the_order_in_the_file() {
    let sandbox = Sandbox::new();
    sandbox.file("ok", "");
    sandbox.file("night.toml", NIGHT);
    let answer = sandbox.run(["run", "-j", "4", "night.toml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(sandbox.read("order"), "dump\nload\ncheck\ntidy\n");
    assert!(
        answer
            .stderr
            .contains("page: not needed after how `dump` ended"),
        "{}",
        answer.stderr
    );
    assert_sound(&sandbox);
}

#[test]
fn what_waits_for_a_task_that_was_removed_is_retried_itself() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "two.toml",
        "[[task]]\nname = \"base\"\ncommand = \"false\"\nretries = 0\n\
         [[task]]\nname = \"kid\"\ncommand = \"true\"\nafter = [\"base\"]\n",
    );
    assert_eq!(sandbox.run(["run", "two.toml"]).code, 1);
    sandbox.ok(["queue", "remove", "base"]);
    let report = sandbox.run(["report"]).stdout;
    assert!(report.contains("autoexec queue retry 2"), "{report}");
    assert!(!report.contains("autoexec queue retry 1"), "{report}");
}

#[test]
fn a_failure_skips_what_needs_it_and_a_retry_runs_it_all() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", NIGHT);
    let answer = sandbox.run(["run", "night.toml"]);
    answer.fails(1, &["load: blocked: it needs `dump`", "2 blocked"]);
    let skipped = |name: &str, other: &str| {
        (
            name.to_owned(),
            "skipped".to_owned(),
            Some(other.to_owned()),
        )
    };
    let all = standing(&sandbox);
    assert_eq!(all[0], skipped("load", "dump"));
    assert_eq!(all[2], skipped("check", "load"));
    assert_eq!(status(&sandbox, "tidy"), "succeeded");
    let list = sandbox.ok(["queue", "list"]);
    assert!(list.contains("blocked by `dump`, which failed"), "{list}");
    assert!(
        list.contains("blocked by `load`, which did not run either"),
        "{list}"
    );
    sandbox
        .run(["queue", "retry", "load"])
        .fails(2, &["it waits for `dump`, which is failed"]);

    sandbox.file("ok", "");
    sandbox.run(["queue", "retry", "dump"]).is(
        0,
        "`dump` is queued again\n",
        "queued again behind: `load`, `check`\n",
    );
    let waiting = sandbox.json(["queue", "list", "--json"]);
    assert_eq!(waiting["tasks"][0]["why"], "waiting_for");
    assert_eq!(waiting["tasks"][0]["waiting_for"][0], "dump");
    sandbox.ok(["run"]);
    for task in ["dump", "load", "check"] {
        assert_eq!(status(&sandbox, task), "succeeded", "{task}");
    }
    assert_sound(&sandbox);
}

#[test]
fn a_retry_says_which_tasks_stay_blocked_behind_it_and_what_to_type() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", NIGHT);
    sandbox.ok(["queue", "add", "night.toml"]);
    assert_eq!(sandbox.run(["run"]).code, 1);
    sandbox.ok(["queue", "add", "--name", "load", "--", "true"]);
    sandbox.file("ok", "");
    sandbox.run(["queue", "retry", "dump"]).is(
        0,
        "`dump` is queued again\n",
        "`load` (1) stays blocked: task 6 has its name, and is queued: `autoexec queue retry 1` queues \
         this one too once that one is over\n\
         `check` (3) stays blocked: it needs `load` (1), which did not run either\n",
    );
    let why = sandbox.ok(["why", "1"]);
    assert!(
        why.contains("will not run: another task has its name"),
        "{why}"
    );
    assert!(why.contains("autoexec why 6"), "{why}");
    // The one that blocks it is blocked itself: to retry that one would be refused.
    let why = sandbox.ok(["why", "3"]);
    assert!(!why.contains("queue retry"), "{why}");
    assert!(why.contains("autoexec why 1"), "{why}");
    sandbox.run(["queue", "retry", "1"]).fails(
        2,
        &["task 6 has that name and is not over", "autoexec why 6"],
    );
    // Typed when it can be, it does what was said.
    sandbox.ok(["run"]);
    sandbox.run(["queue", "retry", "1"]).is(
        0,
        "`load` is queued again\n",
        "queued again behind: `check`\n",
    );
    sandbox.ok(["run"]);
    assert_eq!(sandbox.read("order"), "page\ntidy\ndump\nload\ncheck\n");
    assert_sound(&sandbox);
}

#[test]
fn a_retry_names_the_other_task_for_which_one_stays_blocked() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "two.toml",
        "[[task]]\nname = \"left\"\ncommand = \"exit 65\"\n\
         [[task]]\nname = \"right\"\ncommand = \"exit 65\"\n\
         [[task]]\nname = \"both\"\ncommand = \"true\"\nafter = [\"left\", \"right\"]\n",
    );
    assert_eq!(sandbox.run(["run", "two.toml"]).code, 1);
    sandbox.run(["queue", "retry", "left"]).is(
        0,
        "`left` is queued again\n",
        "`both` (3) stays blocked: it needs `right` (2), which failed: `autoexec queue retry 2`\n",
    );
    sandbox.run(["queue", "retry", "2"]).is(
        0,
        "`right` is queued again\n",
        "queued again behind: `both`\n",
    );
}

#[test]
fn what_fails_in_the_night_is_put_right_by_hand_while_the_run_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", NIGHT);
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "long",
        "--",
        "/bin/sh",
        "-c",
        "until test -e over; do sleep 0.02; done",
    ]);
    sandbox.ok(["queue", "add", "night.toml"]);
    let run = sandbox.start(&["run", "-j", "2"]);
    wait_until("the night is stuck", || {
        status(&sandbox, "check") == "skipped" && status(&sandbox, "tidy") == "succeeded"
    });
    sandbox.file("ok", "");
    sandbox.ok(["queue", "retry", "dump"]);
    wait_until("the rest was made up for", || {
        status(&sandbox, "check") == "succeeded"
    });
    sandbox.file("over", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(sandbox.read("order"), "page\ntidy\ndump\nload\ncheck\n");
    assert_sound(&sandbox);
}

#[test]
fn a_task_that_is_completed_by_hand_lets_the_others_run() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", NIGHT);
    assert_eq!(sandbox.run(["run", "night.toml"]).code, 1);
    sandbox
        .run(["queue", "complete", "dump", "--reason", "loaded by hand"])
        .is(
            0,
            "`dump` is completed\n",
            "queued again behind: `load`, `check`\n",
        );
    sandbox.ok(["run"]);
    assert_eq!(status(&sandbox, "check"), "succeeded");
    assert_sound(&sandbox);
}

#[test]
fn death_in_between_leaves_nobody_waiting_in_vain() {
    for point in ["before_commit", "after_commit", "after_beat_commit"] {
        for passage in 1..=8 {
            let sandbox = Sandbox::new();
            sandbox.file("night.toml", NIGHT);
            sandbox.ok(["queue", "add", "night.toml"]);
            let dead = sandbox.work().join("dead");
            let mut run = sandbox.command();
            run.args(["run", "--no-progress"]);
            let wish = format!("{point}:{passage}:{}", dead.display());
            sandbox.finish(run.env("__AUTOEXEC_CRASH_AT", wish));
            assert_sound(&sandbox);
            let again = sandbox.run(["run", "--no-progress"]);
            assert!(matches!(again.code, 0 | 1), "{}", again.stderr);
            let told: Vec<String> = standing(&sandbox)
                .into_iter()
                .map(|(_, status, _)| status)
                .collect();
            let expected = ["skipped", "failed", "skipped", "succeeded", "succeeded"];
            assert_eq!(told, expected, "{point}:{passage}\n{}", again.stderr);
            assert_sound(&sandbox);
            if !dead.exists() {
                break;
            }
        }
    }
}

#[test]
fn a_chain_of_ten_thousand_is_blocked_by_its_first_task() {
    let sandbox = Sandbox::new();
    let first = "[[task]]\nname = \"t0\"\ncommand = \"exit 65\"\n".to_owned();
    let others = (1..10_000).map(|number| {
        let before = number - 1;
        format!("[[task]]\nname = \"t{number}\"\ncommand = \"true\"\nafter = [\"t{before}\"]\n")
    });
    let text: String = std::iter::once(first).chain(others).collect();
    sandbox.file("chain.toml", text);
    sandbox.ok(["queue", "add", "chain.toml"]);
    let answer = sandbox.run(["run", "--no-progress", "--quiet"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "t9999"), "skipped");
}

#[test]
fn whom_nobody_knows_and_circles_are_refused_with_their_place() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "dump", "--", "true"]);
    sandbox
        .run([
            "queue", "add", "--name", "x", "--after", "dmup", "--", "true",
        ])
        .fails(
            2,
            &[
                "there is no such task",
                "did you mean `dump`?",
                "nothing was added",
            ],
        );
    sandbox.file(
        "bad.toml",
        "[[task]]\nname = \"a\"\ncommand = \"true\"\nafter = [\"b\", \"nobody\"]\n",
    );
    sandbox
        .run(["queue", "add", "bad.toml"])
        .fails(2, &["bad.toml:4", "`a` is to wait for `b`", "`nobody`"]);
    sandbox.file(
        "circle.toml",
        "[[task]]\nname = \"a\"\ncommand = \"true\"\nafter = [\"b\"]\n\
         [[task]]\nname = \"b\"\ncommand = \"true\"\nafter = [\"a\"]\n",
    );
    sandbox.run(["check", "circle.toml"]).fails(
        2,
        &["circle.toml:4", "`a` waits for `b`, which waits for `a`"],
    );
    sandbox
        .run(["queue", "add", "--name", "x", "--after", "x", "--", "true"])
        .fails(2, &["`x` waits for itself"]);
    // A queued task that is redefined closes the circle.
    sandbox.ok([
        "queue", "add", "--name", "next", "--after", "dump", "--", "true",
    ]);
    sandbox
        .run([
            "queue",
            "add",
            "--replace",
            "--name",
            "dump",
            "--after",
            "next",
            "--",
            "true",
        ])
        .fails(2, &["`dump` waits for `next`, which waits for `dump`"]);
}

#[test]
fn a_run_of_one_task_takes_along_what_it_waits_for() {
    let sandbox = Sandbox::new();
    sandbox.file("ok", "");
    sandbox.file("night.toml", NIGHT);
    sandbox.ok(["run", "night.toml", "--only", "load"]);
    assert_eq!(sandbox.read("order"), "dump\nload\n");
    let other = Sandbox::new();
    other.file("ok", "");
    other.file("night.toml", NIGHT);
    other.ok(["queue", "add", "night.toml"]);
    other.ok(["run", "--only", "check"]);
    assert_eq!(other.read("order"), "dump\nload\ncheck\n");
}

#[test]
fn the_same_file_the_next_evening_waits_for_the_tasks_of_that_evening() {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", NIGHT);
    assert_eq!(sandbox.run(["run", "-j", "1", "night.toml"]).code, 1);
    sandbox.file("ok", "");
    let answer = sandbox.run(["run", "-j", "1", "night.toml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(
        sandbox.read("order"),
        "page\ntidy\ndump\nload\ncheck\ntidy\n"
    );
    assert_sound(&sandbox);
}

#[test]
fn a_chosen_task_that_cannot_run_is_named() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "first",
        "--retries",
        "0",
        "--",
        "false",
    ]);
    let add = "queue add --name second --after first -- true";
    sandbox.ok(add.split(' '));
    sandbox.run(["run"]);
    let answer = sandbox.run(["run", "--only", "second"]);
    assert!(
        answer
            .stderr
            .contains("`second` is skipped and does not run; `autoexec why 2`"),
        "{}",
        answer.stderr
    );
}
