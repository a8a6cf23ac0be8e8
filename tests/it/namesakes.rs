//! Several tasks of one name: what failed is told until a newer one has come to an end of its own, and no
//! command is printed that cannot work.

use crate::sandbox::Sandbox;

const NOTHING: [&str; 0] = [];
const NIGHT: &str = r#"
[[task]]
name = "a"
retries = 0
command = "test -e mended || exit 65"

[[task]]
name = "b"
after = ["a"]
command = "true"

[[task]]
name = "load"
command = "echo 'pg_dump: error: connection refused' >&2"
"#;

/// A night in which `a` (1) failed, `b` (2) is blocked and `load` (3) is hard to believe.
fn night() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("night.toml", NIGHT);
    assert_eq!(sandbox.run(["run", "night.toml"]).code, 1);
    sandbox
}

/// How many tasks need a person, by everything that tells.
fn needing(sandbox: &Sandbox, wanted: usize) {
    let (page, health) = match wanted {
        // With something else to tell, health does not say that there is nothing.
        0 => ("nothing needs you".to_owned(), "Health ".to_owned()),
        1 => ("1 needs you".to_owned(), "1 task needs you".to_owned()),
        more => (format!("{more} need you"), format!("{more} tasks need you")),
    };
    let told = sandbox.run(NOTHING).stdout;
    assert!(told.contains(&page), "{page} in {told}");
    let told = sandbox.run(["health"]).stdout;
    assert!(told.contains(&health), "{health} in {told}");
    assert!(wanted > 0 || !told.contains("tasks need you"), "{told}");
    let told = sandbox.run(["report", "--peek"]).stdout;
    let title = format!("Needs you ({wanted})");
    assert_eq!(told.contains(&title), wanted > 0, "{title} in {told}");
}

#[test]
fn what_failed_is_told_until_what_was_added_anew_has_run() {
    let sandbox = night();
    needing(&sandbox, 3);
    sandbox.ok(["queue", "add", "night.toml"]);
    needing(&sandbox, 3);
    for command in [&[][..], &["report", "--peek"]] {
        let told = sandbox.ok(command);
        assert!(told.contains("queued anew as task 4"), "{told}");
        assert!(told.contains("autoexec why 4"), "{told}");
        assert!(!told.contains("queue retry 1"), "{told}");
    }
    let why = sandbox.ok(["why", "1"]);
    assert!(why.contains("queued anew as task 4"), "{why}");
    assert!(!why.contains("queue retry"), "{why}");
    sandbox.file("mended", "");
    sandbox.run(["run"]);
    // Only the new success that is hard to believe is left.
    needing(&sandbox, 1);
    let report = sandbox.ok(["report", "--peek"]);
    assert!(report.contains("queue complete 6"), "{report}");
}

#[test]
fn a_task_that_was_called_off_stands_for_none() {
    let sandbox = night();
    sandbox.ok(["queue", "complete", "load", "--reason", "looked at it"]);
    sandbox.ok(["queue", "add", "night.toml", "--only", "a"]);
    sandbox.ok(["queue", "cancel", "4"]);
    needing(&sandbox, 2);
    sandbox.ok(["queue", "retry", "1"]);
    needing(&sandbox, 0);
    assert_eq!(sandbox.run(["run"]).code, 1);
    needing(&sandbox, 2);
    let rescue = sandbox.json(["rescue", "--dry-run", "--json"]);
    let told = rescue["tasks"][0].to_string();
    assert!(!told.contains("stands for it"), "{told}");
}

#[test]
fn a_retry_of_all_that_failed_leaves_out_what_cannot_be_queued_and_says_why() {
    let sandbox = Sandbox::new();
    let add = |name: &str| {
        let command = ["--", "sh", "-c", "test -e mended || exit 65"];
        let add = ["queue", "add", "--retries", "0", "--name", name];
        sandbox.ok(add.into_iter().chain(command));
    };
    add("d");
    add("a");
    assert_eq!(sandbox.run(["run"]).code, 1);
    add("a");
    let again = ["queue", "retry", "--all-failed"];
    sandbox.run(again).is(
        0,
        "`d` is queued again\n",
        "`a` (2) is left out: task 3 of that name is queued already\n",
    );
    assert_eq!(sandbox.run(["run"]).code, 1);
    sandbox.run(again).is(
        0,
        "`d` is queued again\n`a` is queued again\n",
        "`a` (2) is left out: task 3 of that name is newer, and only one can be queued\n\
         2 tasks queued again\n",
    );
    sandbox.run(again).is(
        0,
        "",
        "`a` (2) is left out: task 3 of that name is queued already\nnothing was changed\n",
    );
    sandbox.file("mended", "");
    sandbox.ok(["run"]);
    sandbox.run(again).is(
        0,
        "",
        "`a` (2) is left out: task 3 of that name is newer and succeeded\nnothing was changed\n",
    );
    sandbox
        .run(["queue", "retry", "2"])
        .is(0, "`a` is queued again\n", "");
    sandbox.ok(["run"]);
    sandbox.ok(["db", "check"]);
}

#[test]
fn a_blocked_task_offers_no_retry_of_one_whose_name_is_taken() {
    let sandbox = night();
    sandbox.ok(["queue", "add", "night.toml", "--only", "a"]);
    let why = sandbox.ok(["why", "2"]);
    assert!(!why.contains("queue retry"), "{why}");
    assert!(why.contains("autoexec why 4"), "{why}");
    for command in [&[][..], &["report", "--peek"]] {
        let told = sandbox.ok(command);
        assert!(told.contains("autoexec why 2"), "{told}");
        assert!(!told.contains("queue retry"), "{told}");
    }
    // What is offered for afterwards works.
    sandbox.file("mended", "");
    sandbox.run(["run"]);
    sandbox.ok(["queue", "complete", "1", "--reason", "task 4 did it"]);
    sandbox.ok(["run"]);
    let why = sandbox.ok(["why", "2"]);
    assert!(why.contains("did what was wanted"), "{why}");
}

#[test]
fn why_tells_how_a_success_that_is_hard_to_believe_runs_once_more() {
    let sandbox = night();
    let why = sandbox.ok(["why", "load"]);
    assert!(why.contains("nothing waits for it"), "{why}");
    assert!(why.contains("night.toml --only load "), "{why}");
    sandbox.ok(["queue", "add", "night.toml", "--only", "load"]);
    let why = sandbox.ok(["why", "3"]);
    assert!(why.contains("queued anew as task 4"), "{why}");
    assert!(!why.contains("--only"), "{why}");
}
