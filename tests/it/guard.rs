//! The guard of an overnight run.

use std::process::Command;

use crate::month::set_clock;
use crate::sandbox::Sandbox;
use crate::sandbox::wait_until;
use crate::window::at;

/// Hours that are open at any time but midnight, when one day's end and the next one's begin.
const ALL_DAY: &str = "[overnight]\nstart = \"00:00\"\nend = \"24:00\"\n";

fn night() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("config.toml", ALL_DAY);
    set_clock(&sandbox, at("2026-11-21T12:00:00Z"));
    sandbox
}

fn kill(signal: &str, pid: i32) {
    let pid = pid.to_string();
    Command::new("kill").args([signal, &pid]).status().unwrap();
}

#[test]
fn a_run_that_is_killed_goes_on_and_the_night_comes_to_its_end() {
    let sandbox = night();
    for name in ["one", "two", "three"] {
        let script = format!("echo x >> {name}.ran; until [ -e go ]; do sleep 0.02; done");
        sandbox.ok(["queue", "add", "--name", name, "--", "sh", "-c", &script]);
    }
    let run = sandbox.start(&["run", "--overnight", "--config", "config.toml", "-j", "3"]);
    wait_until("all three run", || {
        ["one", "two", "three"]
            .iter()
            .all(|name| sandbox.work().join(format!("{name}.ran")).exists())
    });
    let first = sandbox.runner().unwrap();
    assert_ne!(
        u32::try_from(first).unwrap(),
        run.id(),
        "the run stands under its guard"
    );
    kill("-KILL", first);
    wait_until("another run has taken over", || {
        sandbox.runner().is_some_and(|pid| pid != first)
    });
    sandbox.file("go", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stderr.contains("the run died: "),
        "{}",
        answer.stderr
    );
    for name in ["one", "two", "three"] {
        assert_eq!(
            sandbox.read(&format!("{name}.ran")),
            "x\n",
            "{name} ran once"
        );
    }
    let alerts = std::fs::read_to_string(sandbox.state().join("alerts.jsonl")).unwrap();
    assert!(alerts.contains("\"component\":\"run\""), "{alerts}");
}

#[test]
fn what_a_killed_run_did_is_told_at_the_end_of_its_night() {
    let sandbox = night();
    let long = "until [ -e go ]; do sleep 0.02; done";
    sandbox.file(
        "night.toml",
        format!(
            "[[task]]\nname = \"good\"\ncommand = \"true\"\n\
             [[task]]\nname = \"bad\"\ncommand = \"ls /nowhere\"\nretries = 0\n\
             [[task]]\nname = \"behind\"\ncommand = \"true\"\nafter = [\"bad\"]\n\
             [[task]]\nname = \"long\"\ncommand = \"{long}\"\n"
        ),
    );
    let run = [
        "run",
        "night.toml",
        "--overnight",
        "--config",
        "config.toml",
        "--report",
        "-j1",
    ];
    let run = sandbox.start(&run);
    wait_until("the last one runs", || {
        let list = sandbox.run(["queue", "show", "long", "--json"]);
        list.code == 0 && list.json()["task"]["status"] == "running"
    });
    kill("-KILL", sandbox.runner().unwrap());
    sandbox.file("go", "");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    let told = "nothing is left to do: 2 ok, 1 failed, 1 blocked";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    assert!(answer.stdout.contains("was cut off"), "{}", answer.stdout);
    for words in ["2 of 4 tasks done", "failed     bad", "blocked    behind"] {
        assert!(answer.stdout.contains(words), "{words}: {}", answer.stdout);
    }
    // The same is said of the run later, and not of the one that died by itself.
    let page = |run| sandbox.run(["report", "--run", run, "--peek"]).stdout;
    assert!(page("2").contains("2 of 4 tasks done"), "{}", page("2"));
    assert!(!page("1").contains("ok         long"), "{}", page("1"));

    // The next night is another one.
    set_clock(&sandbox, at("2026-11-22T12:00:00Z"));
    sandbox.ok(["queue", "add", "--name", "next", "--", "true"]);
    let next = sandbox.run(["run", "--overnight", "--config", "config.toml"]);
    assert_eq!(next.code, 0, "{}", next.stderr);
}

#[test]
fn the_death_of_the_guard_alone_costs_nothing() {
    let sandbox = night();
    let script = "touch up; until [ -e go ]; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--name", "one", "--", "sh", "-c", script]);
    let mut run = sandbox.start(&["run", "--overnight", "--config", "config.toml"]);
    wait_until("it runs", || sandbox.work().join("up").exists());
    run.kill().unwrap();
    run.wait().unwrap();
    sandbox.file("go", "");
    wait_until("the run has come to its end", || {
        sandbox.json(["queue", "show", "one", "--json"])["task"]["status"] == "succeeded"
            && sandbox.runner().is_none()
    });
}

#[test]
fn a_run_that_dies_again_and_again_is_given_up_after_a_cautious_one() {
    let sandbox = night();
    sandbox.ok(["queue", "add", "--name", "one", "--", "true"]);
    let mut command = sandbox.command();
    command
        .args(["run", "--overnight", "--config", "config.toml"])
        .env("__AUTOEXEC_CRASH_AT", "before_assign");
    let answer = sandbox.finish(&mut command);
    assert_eq!(answer.code, 70, "{}", answer.stderr);
    assert_eq!(
        answer.stderr.matches("the run died").count(),
        5,
        "{}",
        answer.stderr
    );
    assert!(answer.stderr.contains("with one slot"), "{}", answer.stderr);
    // Nothing is lost.
    sandbox.ok(["run"]);
    assert_eq!(
        sandbox.json(["queue", "show", "one", "--json"])["task"]["status"],
        "succeeded"
    );
}

#[test]
fn a_signal_to_the_guard_ends_the_run_gently() {
    let sandbox = night();
    let script =
        "trap 'echo stopped > stopped; exit 3' TERM; touch up; while :; do sleep 0.02; done";
    let add = "queue add --name long --grace 5m -- sh -c";
    sandbox.ok(add.split(' ').chain([script]));
    let run = sandbox.start(&["run", "--overnight", "--config", "config.toml"]);
    wait_until("it runs", || sandbox.work().join("up").exists());
    kill("-TERM", i32::try_from(run.id()).unwrap());
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 143, "{}", answer.stderr);
    assert_eq!(sandbox.read("stopped"), "stopped\n");
    assert!(!answer.stderr.contains("the run died"), "{}", answer.stderr);
    assert_eq!(
        sandbox.json(["queue", "show", "long", "--json"])["task"]["status"],
        "queued"
    );
}
