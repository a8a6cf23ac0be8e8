//! `autoexec queue add`: files, commands and lists of commands.

use std::os::unix::fs::PermissionsExt as _;

use crate::sandbox::Sandbox;

const TWO: &str = "
[[task]]
name = \"one\"
command = [\"true\"]

[[task]]
name = \"two\"
command = \"true\"
";

/// Names and statuses of everything in the queue.
fn queue(sandbox: &Sandbox) -> Vec<(String, String)> {
    let list = sandbox.json(["queue", "list", "--all", "--json"]);
    assert_eq!(list.get("schema").unwrap(), "autoexec.queue/1");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    list.get("tasks")
        .and_then(serde_json::Value::as_array)
        .unwrap()
        .iter()
        .map(|task| (text(&task["name"]), text(&task["status"])))
        .collect()
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    queue(sandbox).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_secret_in_a_command_is_not_repeated() {
    let sandbox = Sandbox::new();
    let token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    let header = format!("Authorization: Bearer {token}");
    let typed = [
        "--name",
        "x",
        "--",
        "curl",
        "-H",
        header.as_str(),
        "--password",
        "my own",
    ];
    sandbox.run(["queue", "add"].into_iter().chain(typed)).is(
        0,
        "added `x` as task 1: curl -H 'Authorization: Bearer ***' --password ***\n",
        "",
    );
    let script = format!("GITHUB_TOKEN={token} gh pr list");
    sandbox
        .run(["queue", "add", "--shell", "--name", "y", "--", &script])
        .is(0, "added `y` as task 2: GITHUB_TOKEN=*** gh pr list\n", "");
    let script = "export TOKEN='abc def ghi'; mysql --password='hun ter2' db";
    let words = ["--name", "z", "--", "sh", "-c", script];
    sandbox.run(["queue", "add"].into_iter().chain(words)).is(
        0,
        "added `z` as task 3: sh -c 'export TOKEN=***; mysql --password=*** db'\n",
        "",
    );
    let shown = sandbox.ok(["queue", "show", "z"]);
    for part in ["def", "ghi", "ter2"] {
        assert!(!shown.contains(part), "{shown}");
    }
    // What is to be copied holds no `***`, which would be queued as it is.
    let address = "https://me:hunter22@example.org/x";
    let forgotten = sandbox.run(["queue", "add", "curl", address]);
    assert!(
        !forgotten.stderr.contains("queue add -- curl"),
        "{}",
        forgotten.stderr
    );
    forgotten.fails(2, &["`autoexec queue add -- COMMAND`"]);
}

#[test]
fn a_command_is_acknowledged_with_its_id_and_its_exact_arguments() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run([
        "queue", "add", "--name", "x", "--", "echo", "a b", "", "it's",
    ]);
    answer.is(0, "added `x` as task 1: echo 'a b' '' 'it'\\''s'\n", "");
    assert_eq!(names(&sandbox), ["x"]);
}

#[test]
fn the_state_directory_belongs_to_its_user_alone() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--", "true"]);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&sandbox.state()), 0o700);
    assert_eq!(mode(&sandbox.state().join("queue.db")), 0o600);
}

#[test]
fn files_are_added_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    sandbox.file("bad.toml", "[[task]]\nname = \"three\"\ntimeout = 3\n");
    sandbox
        .run(["queue", "add", "two.toml", "bad.toml"])
        .fails(2, &["bad.toml:3:"]);
    assert!(names(&sandbox).is_empty());

    sandbox.run(["queue", "add", "two.toml"]).is(
        0,
        "added `one` as task 1\nadded `two` as task 2\n",
        "",
    );
    assert_eq!(names(&sandbox), ["one", "two"]);
}

#[test]
fn a_file_that_is_already_queued_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    sandbox.ok(["queue", "add", "two.toml"]);
    sandbox.run(["queue", "add", "two.toml"]).is(
        0,
        "`one` is already queued as task 1\n`two` is already queued as task 2\n",
        "",
    );
}

#[test]
fn a_changed_task_that_was_never_attempted_is_replaced() {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    sandbox.ok(["queue", "add", "two.toml"]);
    sandbox.file("two.toml", TWO.replace("\"true\"]", "\"false\"]"));
    sandbox.run(["queue", "add", "two.toml"]).is(
        0,
        "replaced `one`, task 1\n`two` is already queued as task 2\n",
        "",
    );
}

#[test]
fn only_what_is_named_is_added() {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    sandbox.ok(["queue", "add", "two.toml", "--only", "two"]);
    assert_eq!(names(&sandbox), ["two"]);
    sandbox
        .run(["queue", "add", "two.toml", "--only", "onee"])
        .fails(2, &["there is no task named `onee`", "did you mean `one`?"]);
}

#[test]
fn options_mirror_the_keys_of_a_task() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "x",
        "--priority",
        "7",
        "--timeout",
        "90s",
        "--retries",
        "2",
        "--tag",
        "a",
        "--tag",
        "b",
        "--env",
        "K=v=w",
        "--workdir",
        "/",
        "--",
        "true",
    ]);
    let task = sandbox.json(["queue", "show", "x", "--json"]);
    let definition = &task["task"]["definition"];
    assert_eq!(definition["priority"], 7, "{task}");
    assert_eq!(definition["timeout"], 90_000);
    assert_eq!(definition["retry"]["max_attempts"], 3);
    assert_eq!(definition["tags"], serde_json::json!(["a", "b"]));
    assert_eq!(definition["env"]["K"], "v=w");
    assert_eq!(definition["workdir"], "/");
}

#[test]
fn what_a_task_declares_about_recoveries_can_be_said_in_options() {
    let sandbox = Sandbox::new();
    let line = "queue add --name one --service db --service api --recover-mode full \
                --allow fetch_again --fallback-command ./mirror.sh -- true";
    assert_eq!(sandbox.run(line.split_whitespace()).code, 0);
    let shown = sandbox.json(["queue", "show", "one", "--json"]);
    let definition = &shown["task"]["definition"];
    assert_eq!(definition["service"], serde_json::json!(["db", "api"]));
    assert_eq!(definition["recover_mode"], "full");
    assert_eq!(definition["allow"], serde_json::json!(["fetch_again"]));
    assert_eq!(
        definition["fallback_command"]["shell"]["script"],
        "./mirror.sh"
    );
}

#[test]
fn a_wrong_option_is_told_by_its_name() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["queue", "add", "--timeout", "3", "--", "true"])
        .fails(2, &["--timeout"]);
    sandbox
        .run(["queue", "add", "--allow", "fetch_agan", "--", "true"])
        .fails(2, &["`--allow` must be", "did you mean `fetch_again`?"]);
    sandbox.run(["queue", "add"]).fails(2, &["error: "]);
    sandbox
        .run(["queue", "add", "--name", "a b", "--", "true"])
        .fails(2, &["`a b`"]);
    assert!(names(&sandbox).is_empty());
}

#[test]
fn lines_are_commands_for_the_shell() {
    let sandbox = Sandbox::new();
    let lines = "echo a | cat\n\n# a remark\necho 'b c'\n";
    let answer = sandbox.run_with_input(&["queue", "add", "--lines", "-"], lines.as_bytes());
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(names(&sandbox).len(), 2);

    sandbox.file("more.txt", "true\ntrue\n");
    let answer = sandbox.run(["queue", "add", "--lines", "more.txt"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(names(&sandbox).len(), 4);

    sandbox.file("empty.txt", "\n");
    let answer = sandbox.run(["queue", "add", "--lines", "empty.txt"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stderr.contains("nothing to add"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_list_of_commands_is_shown_as_it_was_understood_but_not_without_end() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run_with_input(&["queue", "add", "--lines", "-"], b"echo 'b c' | cat\n");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stdout.ends_with(" as task 1: echo 'b c' | cat\n"),
        "{}",
        answer.stdout
    );
    let lines = "true\n".repeat(25);
    let answer = sandbox.run_with_input(&["queue", "add", "--lines", "-"], lines.as_bytes());
    assert_eq!(answer.stdout.lines().count(), 21, "{}", answer.stdout);
    assert!(
        answer.stdout.ends_with("… and 5 more; 25 tasks in all\n"),
        "{}",
        answer.stdout
    );
}

#[test]
fn a_command_without_the_double_dash_is_told_where_it_goes() {
    let sandbox = Sandbox::new();
    sandbox.run(["queue", "add", "echo", "a b"]).fails(
        2,
        &["a command goes behind `--`: `autoexec queue add -- echo 'a b'`"],
    );
    let answer = sandbox.run(["queue", "add", "echo", "-n", "hi"]);
    answer.fails(2, &["`-n`", "-- CMD"]);
    for arguments in [&["run", "--json"][..], &["queue", "add", "echo", "-n"]] {
        let answer = sandbox.run(arguments);
        answer.fails(2, &["error: unexpected argument"]);
        assert!(!answer.stderr.contains("tip: to pass"), "{}", answer.stderr);
    }
    assert!(names(&sandbox).is_empty());
}

#[test]
fn a_name_that_a_running_task_has_is_not_given_twice() {
    let sandbox = Sandbox::new();
    let script = "echo running > x.running; exec sleep 600";
    sandbox.ok(["queue", "add", "--name", "x", "--", "/bin/sh", "-c", script]);
    let run = sandbox.start(&["run"]);
    crate::sandbox::wait_for_file(&sandbox.work().join("x.running"));
    sandbox
        .run(["queue", "add", "--name", "x", "--", "true"])
        .is(
            1,
            "",
            "warning: `x` has been started already as task 1, which stays as it is\n  \
             hint: `--replace` gives it the new definition from its next attempt on; a task of its \
             own needs another name\n",
        );
    sandbox.ok(["stop", "--now"]);
    drop(sandbox.answer_of(run));
}

#[test]
fn a_file_and_a_command_at_once_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.file("two.toml", TWO);
    sandbox
        .run(["queue", "add", "two.toml", "--", "true"])
        .fails(2, &["error: "]);
    assert!(names(&sandbox).is_empty());
}

#[test]
fn what_was_added_can_be_read_as_json() {
    let sandbox = Sandbox::new();
    let json = sandbox.json(["queue", "add", "--name", "x", "--json", "--", "echo", "a b"]);
    assert_eq!(json["schema"], "autoexec.added/1");
    assert_eq!(
        json["tasks"],
        serde_json::json!([{"id": 1, "name": "x", "result": "added", "skip": null}])
    );
}

#[test]
fn somebody_who_adds_a_task_is_told_whom_it_need_not_wait_for() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "extract", "--", "true"]);
    sandbox.ok(["run"]);
    let answer = sandbox.run([
        "queue", "add", "--name", "load", "--after", "extract", "--", "true",
    ]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let expected = "`load` does not wait for `extract`: it has succeeded as task 1, ";
    assert!(answer.stderr.contains(expected), "{}", answer.stderr);
}
