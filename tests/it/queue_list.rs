//! `autoexec queue list`, and which queue a command looked into.

use crate::sandbox::Sandbox;

#[test]
fn an_empty_list_names_the_queue_that_it_is_of() {
    let sandbox = Sandbox::new();
    sandbox.run(["queue", "list"]).is(
        0,
        "",
        "nothing to list: there is no queue in `[SANDBOX]/state` yet\n",
    );
    sandbox.ok(["queue", "add", "--name", "x", "--", "true"]);
    sandbox.run(["queue", "list", "--tag", "t"]).is(
        0,
        "",
        "no task in `[SANDBOX]/state` is like that\n",
    );
    sandbox.ok(["run"]);
    sandbox.run(["queue", "list"]).is(
        0,
        "",
        "nothing to list in `[SANDBOX]/state`; `--all` lists finished tasks too\n",
    );
    sandbox.ok(["queue", "remove", "x"]);
    sandbox
        .run(["queue", "list", "--all"])
        .is(0, "", "the queue in `[SANDBOX]/state` is empty\n");
}

#[test]
fn a_limited_list_says_how_many_it_hides() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        sandbox.ok(["queue", "add", "--name", name, "--", "true"]);
    }
    let answer = sandbox.run(["queue", "list", "--limit", "1"]);
    assert_eq!(answer.stderr, "and 2 more; `--limit` hides them\n");
    assert!(answer.stdout.contains(" a "), "{}", answer.stdout);
    assert!(!answer.stdout.contains(" b "), "{}", answer.stdout);
    let all = sandbox.run(["queue", "list", "--limit", "3"]);
    assert_eq!((all.code, all.stderr.as_str()), (0, ""));
}

#[test]
fn a_directory_that_is_named_and_not_there_is_told() {
    let sandbox = Sandbox::new();
    for command in [
        &["report"][..],
        &["queue", "show", "x"],
        &["run"],
        &["stop"],
        &[],
    ] {
        let answer = sandbox.finish(
            sandbox
                .command()
                .args(["--state-dir", "sttae"])
                .args(command),
        );
        assert!(
            answer
                .stderr
                .starts_with("warning: there is no directory `[SANDBOX]/work/sttae`"),
            "{command:?}: {}",
            answer.stderr
        );
    }
    assert!(!sandbox.work().join("sttae").exists());
}
