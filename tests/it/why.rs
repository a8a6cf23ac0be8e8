//! `autoexec why`.

use crate::sandbox::Sandbox;
use crate::sandbox::wait_until;
use crate::window::at;

#[test]
fn a_failure_is_explained_with_the_line_and_the_command_to_type() {
    let sandbox = Sandbox::new();
    let script = "echo \"ModuleNotFoundError: No module named 'nosuch'\" >&2; exit 1";
    sandbox.ok(["queue", "add", "--name", "import", "--", "sh", "-c", script]);
    sandbox.run(["run"]);
    let page = sandbox.ok(["why", "import"]);
    for expected in [
        "import (1) failed\n",
        "  cause      dependency (missing module) (attempt 1, ",
        "No module named 'nosuch'\n",
        "  decision   no further attempt: ",
        "  autoexec queue retry 1 ",
    ] {
        assert!(page.contains(expected), "{expected:?} in\n{page}");
    }
    let json = sandbox.json(["why", "1", "--json"]);
    assert_eq!(json["schema"], "autoexec.why/1");
    assert_eq!(json["code"], "missing_module");
    assert_eq!(json["cause"]["extracted"]["module"], "nosuch");
    assert_eq!(json["next"][0]["command"], "autoexec queue retry 1");
}

#[test]
fn a_running_task_tells_its_last_line() {
    let sandbox = Sandbox::new();
    let script = "echo first; echo 'half of it'; sleep 600";
    sandbox.ok(["queue", "add", "--name", "long", "--", "sh", "-c", script]);
    let run = sandbox.start(&["run"]);
    wait_until("the line is there", || {
        sandbox.run(["why", "long"]).stdout.contains("half of it")
    });
    let page = sandbox.ok(["why", "long"]);
    assert!(page.starts_with("long (1) runs since "), "{page}");
    sandbox.ok(["stop", "--now"]);
    sandbox.answer_of(run);
    let page = sandbox.ok(["why", "long"]);
    assert!(
        page.starts_with("long (1) is queued: waits for a run"),
        "{page}"
    );
}

#[test]
fn an_unknown_task_is_told_with_the_nearest_name() {
    let sandbox = Sandbox::new();
    sandbox.run(["why", "nothing"]).fails(2, &["nothing"]);
    sandbox.ok(["queue", "add", "--name", "shop-dump", "--", "true"]);
    sandbox
        .run(["why", "shop-dmp"])
        .fails(2, &["`shop-dmp`", "`shop-dump`"]);
}

#[test]
fn a_quoted_line_hides_what_looks_like_a_secret() {
    let sandbox = Sandbox::new();
    let script = "echo \"fatal: unable to access 'https://me:hunter2@127.0.0.1:1/x.git/': \
                  Failed to connect to 127.0.0.1 port 1: Connection refused\" >&2; exit 128";
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "clone",
        "--retries",
        "0",
        "--",
        "sh",
        "-c",
        script,
    ]);
    let run = sandbox.run(["run"]);
    let pages = [
        run.stderr,
        sandbox.ok(["why", "clone"]),
        sandbox.run(["report", "--format", "markdown"]).stdout,
        sandbox.ok(["why", "clone", "--json"]),
        sandbox.run(["report", "--format", "json"]).stdout,
    ];
    for page in pages {
        assert!(page.contains("me:***@127.0.0.1"), "{page}");
        assert!(!page.contains("hunter2"), "{page}");
    }
    // The log is the task's own.
    assert!(sandbox.ok(["logs", "clone"]).contains("hunter2"));
}

#[test]
fn a_running_task_is_held_against_what_was_expected_of_it() {
    let sandbox = Sandbox::new();
    // A time of another day would carry its date.
    sandbox.set_clock(at("2026-11-21T12:00:00Z"));
    let add = "queue add --name long --expect-duration 45m -- sleep 600";
    sandbox.ok(add.split(' '));
    let run = sandbox.start(&["run"]);
    wait_until("it runs", || {
        sandbox.run(["why", "long"]).stdout.contains("runs since")
    });
    let page = sandbox.ok(["why", "long"]);
    assert!(
        page.contains("by its `expect_duration` of [SPAN] it ends about [TIME]"),
        "{page}"
    );
    sandbox.ok(["stop", "--now"]);
    sandbox.answer_of(run);
}
