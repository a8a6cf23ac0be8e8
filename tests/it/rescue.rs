//! Rescue rounds of nights, on a clock that is set from outside.

use std::net::TcpListener;

use crate::port::closed_port;
use crate::sandbox::{Answer, Sandbox, wait_until};
use crate::window::{at, overnight, sandbox, status};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// Adds tasks that fail as clients do until there is a file `open`; `more` is added to each.
fn clients(sandbox: &Sandbox, names: &[&str], more: &str) {
    let tasks: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                r#"
[[task]]
name = "{name}"
command = ["sh", "-c", "echo {name} $AUTOEXEC_ATTEMPT/$AUTOEXEC_MAX_ATTEMPTS >> tries; test -e open || {{ echo 'Connection refused' >&2; exit 1; }}"]
recover_mode = "off"
retry = {{ max_attempts = 2, base = "10ms", jitter = 0 }}
{more}
"#
            )
        })
        .collect();
    sandbox.file("clients.toml", tasks.concat());
    sandbox.ok(["queue", "add", "clients.toml"]);
}

fn tries(sandbox: &Sandbox) -> usize {
    let all = std::fs::read_to_string(sandbox.work().join("tries"));
    all.unwrap_or_default().lines().count()
}

fn why(sandbox: &Sandbox, task: &str) -> String {
    let list = sandbox.json(["queue", "list", "--all", "--json"]);
    let all = list["tasks"].as_array().unwrap().clone();
    let found = all.iter().find(|one| one["name"] == task).unwrap().clone();
    found["why"].as_str().unwrap_or_default().to_owned()
}

/// Waits until every named task waits for a round, whatever its number.
#[track_caller]
fn wait_for_round(sandbox: &Sandbox, task: &str, rows: usize) {
    wait_until(&format!("`{task}` waits for round {rows}"), || {
        why(sandbox, task) == "rescue_round" && rounds(sandbox, task).len() == rows
    });
}

/// The states of the rounds of a task, the first one first.
fn rounds(sandbox: &Sandbox, task: &str) -> Vec<String> {
    let shown = status(sandbox, task);
    let all = shown["recoveries"].as_array().unwrap().clone();
    all.iter()
        .filter(|one| one["strategy"] == "rescue_round")
        .map(|one| one["state"].as_str().unwrap().to_owned())
        .collect()
}

/// Lets a night use up the two ordinary attempts of a task, the second one a second later.
fn use_up(sandbox: &Sandbox, night: i64, task: &str) {
    wait_until("the first attempt failed", || {
        status(sandbox, task)["used"] == 1
    });
    sandbox.set_clock(night + SECOND);
    wait_for_round(sandbox, task, 1);
}

fn ended(sandbox: &Sandbox, run: std::process::Child, code: i32) -> Answer {
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, code, "{}", answer.stderr);
    sandbox.ok(["db", "check"]);
    answer
}

#[test]
fn rounds_of_one_attempt_follow_after_5_15_and_45_minutes() {
    let sandbox = sandbox("UTC", "");
    let night = at("2026-11-21T23:00:00Z");
    sandbox.set_clock(night);
    clients(&sandbox, &["load"], "");
    sandbox.ok([
        "queue", "add", "--after", "load", "--name", "next", "--", "true",
    ]);
    let run = overnight(&sandbox);
    use_up(&sandbox, night, "load");
    assert_eq!(status(&sandbox, "load")["status"], "queued");
    let mut failed_at = night + SECOND;
    for (round, minutes) in (1..).zip([5, 15, 45]) {
        sandbox.set_clock(failed_at + minutes * MINUTE - 1);
        std::thread::sleep(std::time::Duration::from_millis(60));
        assert_eq!(tries(&sandbox), round + 1, "not before its time");
        failed_at += minutes * MINUTE;
        sandbox.set_clock(failed_at);
        if round < 3 {
            wait_for_round(&sandbox, "load", round + 1);
            assert_eq!(status(&sandbox, "next")["status"], "queued");
        }
    }
    let answer = ended(&sandbox, run, 1);
    assert_eq!(
        sandbox.read("tries"),
        "load 1/2\nload 2/2\nload 3/3\nload 4/4\nload 5/5\n"
    );
    assert_eq!(rounds(&sandbox, "load"), ["in_vain"; 3]);
    assert_eq!(status(&sandbox, "load")["status"], "failed");
    assert_eq!(status(&sandbox, "next")["status"], "skipped");
    for round in 1..=3 {
        let line = format!("load: recovering: rescue_round ({round} of 3)");
        assert!(answer.stderr.contains(&line), "{}", answer.stderr);
    }
}

#[test]
fn a_round_whose_cause_is_still_there_costs_no_attempt_and_the_next_one_heals() {
    let sandbox = sandbox("UTC", "");
    let night = at("2026-11-21T23:00:00Z");
    sandbox.set_clock(night);
    let port = closed_port();
    let peer = format!("env = {{ DB = \"tcp://127.0.0.1:{port}\" }}");
    clients(&sandbox, &["load"], &peer);
    let run = overnight(&sandbox);
    use_up(&sandbox, night, "load");
    let first = night + SECOND + 5 * MINUTE;
    sandbox.set_clock(first);
    wait_for_round(&sandbox, "load", 2);
    assert_eq!(tries(&sandbox), 2, "nobody answers, so nothing is tried");
    sandbox.file("open", "");
    let _listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
    sandbox.set_clock(first + 15 * MINUTE);
    let answer = ended(&sandbox, run, 0);
    assert_eq!(tries(&sandbox), 3);
    assert_eq!(rounds(&sandbox, "load"), ["failed", "helped"]);
    for line in [
        format!(
            "load: rescue_round failed: 127.0.0.1:{port}: connection refused; no attempt in round 1"
        ),
        format!("load: 127.0.0.1:{port} answered; trying again"),
    ] {
        assert!(answer.stderr.contains(&line), "{line}\n{}", answer.stderr);
    }
}

#[test]
fn a_task_whose_cause_stays_fails_without_an_attempt_in_any_round() {
    let sandbox = sandbox("UTC", "[rescue]\nmax = 2\ndelays = [\"1m\"]");
    let night = at("2026-11-21T23:00:00Z");
    sandbox.set_clock(night);
    let peer = format!("env = {{ DB = \"tcp://127.0.0.1:{}\" }}", closed_port());
    clients(&sandbox, &["load"], &peer);
    let run = overnight(&sandbox);
    use_up(&sandbox, night, "load");
    sandbox.set_clock(night + SECOND + MINUTE);
    wait_for_round(&sandbox, "load", 2);
    sandbox.set_clock(night + SECOND + 2 * MINUTE);
    ended(&sandbox, run, 1);
    assert_eq!(tries(&sandbox), 2);
    assert_eq!(rounds(&sandbox, "load"), ["failed"; 2]);
    let told = sandbox.ok(["why", "load"]);
    assert!(
        told.contains("its cause was still there in the last rescue round"),
        "{told}"
    );
}

#[test]
fn a_plain_run_has_no_rounds() {
    let sandbox = Sandbox::new();
    clients(&sandbox, &["load"], "");
    let answer = sandbox.run(["run", "--no-progress"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert_eq!(status(&sandbox, "load")["status"], "failed");
    assert_eq!(tries(&sandbox), 2);
}

#[test]
fn a_round_behind_the_end_of_the_window_is_the_next_nights() {
    let sandbox = sandbox("UTC", "");
    let late = at("2026-11-22T06:57:00Z");
    sandbox.set_clock(late);
    clients(&sandbox, &["load"], "");
    let run = overnight(&sandbox);
    wait_until("the first attempt failed", || {
        status(&sandbox, "load")["used"] == 1
    });
    sandbox.set_clock(late + SECOND);
    ended(&sandbox, run, 0);
    assert_eq!(why(&sandbox, "load"), "rescue_round");
    // A plain run does not wait for it either.
    let answer = sandbox.run(["run", "--no-progress"]);
    assert_eq!(tries(&sandbox), 2, "{}", answer.stderr);
    sandbox.file("open", "");
    sandbox.set_clock(at("2026-11-22T22:00:00Z"));
    ended(&sandbox, overnight(&sandbox), 0);
    assert_eq!(status(&sandbox, "load")["status"], "succeeded");
    assert_eq!(rounds(&sandbox, "load"), ["helped"]);
}

#[test]
fn five_rescues_in_vain_end_rescuing_for_the_night() {
    let sandbox = sandbox("UTC", "");
    let night = at("2026-11-21T23:00:00Z");
    sandbox.set_clock(night);
    let names = ["a", "b", "c", "d", "e"];
    clients(&sandbox, &names, "");
    let run = overnight(&sandbox);
    wait_until("all failed once", || {
        names.iter().all(|name| status(&sandbox, name)["used"] == 1)
    });
    sandbox.set_clock(night + SECOND);
    for name in names {
        wait_for_round(&sandbox, name, 1);
    }
    sandbox.set_clock(night + SECOND + 5 * MINUTE);
    let answer = ended(&sandbox, run, 0);
    assert_eq!(tries(&sandbox), 15);
    let told = "5 rescues in a row did not help";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    assert!(sandbox.ok(["alerts"]).contains(told));
    for name in names {
        assert_eq!(status(&sandbox, name)["status"], "queued");
    }
    // The next night begins anew.
    sandbox.file("open", "");
    sandbox.set_clock(at("2026-11-22T22:00:00Z"));
    ended(&sandbox, overnight(&sandbox), 0);
    for name in names {
        assert_eq!(status(&sandbox, name)["status"], "succeeded");
    }
}

/// A plain run that uses up both attempts of a task, and fails.
fn fail(sandbox: &Sandbox, start: i64, task: &str) {
    sandbox.set_clock(start);
    let run = sandbox.start(&["run", "--no-progress"]);
    wait_until("the first attempt failed", || {
        status(sandbox, task)["used"] == 1
    });
    sandbox.set_clock(start + SECOND);
    ended(sandbox, run, 1);
    assert_eq!(status(sandbox, task)["status"], "failed");
}

#[test]
fn what_is_seen_to_be_gone_is_queued_again_and_of_the_rest_it_is_said_why_not() {
    let sandbox = Sandbox::new();
    let port = closed_port();
    let peer = format!("env = {{ DB = \"tcp://127.0.0.1:{port}\" }}");
    clients(&sandbox, &["load"], &peer);
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "wrong",
        "--retries",
        "1",
        "--",
        "/no/such/program",
    ]);
    let answer = sandbox.run(["run", "--no-progress"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(sandbox.ok(["why", "load"]).contains("autoexec rescue"));
    assert!(!sandbox.ok(["why", "wrong"]).contains("autoexec rescue"));
    let told = sandbox.ok(["rescue"]);
    let wanted = format!("load: not queued again: 127.0.0.1:{port}: connection refused\n");
    assert!(told.contains(&wanted), "{told}");
    assert!(told.contains("wrong: not queued again: "), "{told}");
    sandbox.file("open", "");
    let _listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let told = sandbox.ok(["rescue", "--dry-run"]);
    let wanted = format!("load: would be queued again: 127.0.0.1:{port} answered\n");
    assert!(told.contains(&wanted), "{told}");
    assert_eq!(status(&sandbox, "load")["status"], "failed");
    let json = sandbox.json(["rescue", "--json"]);
    assert_eq!(json["schema"], "autoexec.rescue/1");
    assert_eq!(json["tasks"][0]["result"], "queued_again");
    assert_eq!(json["tasks"][1]["result"], "not_queued_again");
    assert_eq!(status(&sandbox, "load")["status"], "queued");
    sandbox.ok(["db", "check"]);
    sandbox.run(["run", "--no-progress"]);
    assert_eq!(status(&sandbox, "load")["status"], "succeeded");
}

#[test]
fn a_newer_task_of_the_same_name_stands_for_one_that_failed() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = format!("env = {{ DB = \"tcp://127.0.0.1:{port}\" }}");
    for _ in 0..2 {
        clients(&sandbox, &["load"], &peer);
        assert_eq!(sandbox.run(["run", "--no-progress"]).code, 1);
    }
    let json = sandbox.json(["rescue", "--json"]);
    let told = json["tasks"][0]["seen"].as_str().unwrap().to_owned();
    assert!(told.contains("is newer and stands for it"), "{json}");
    assert_eq!(json["tasks"][0]["result"], "not_queued_again");
    assert_eq!(json["tasks"][1]["result"], "queued_again");
}

#[test]
fn a_night_begins_with_what_failed_earlier_if_its_cause_is_gone() {
    let sandbox = sandbox("UTC", "");
    let port = closed_port();
    let peer = format!("env = {{ DB = \"tcp://127.0.0.1:{port}\" }}");
    sandbox.set_clock(at("2026-11-21T12:00:00Z"));
    clients(&sandbox, &["load"], &peer);
    fail(&sandbox, at("2026-11-21T12:00:00Z"), "load");
    sandbox.set_clock(at("2026-11-21T22:00:00Z"));
    ended(&sandbox, overnight(&sandbox), 0);
    assert_eq!(tries(&sandbox), 2, "its cause is still there");
    sandbox.file("open", "");
    let _listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
    // After seven nights it is nobody's any more.
    sandbox.set_clock(at("2026-12-01T22:00:00Z"));
    ended(&sandbox, overnight(&sandbox), 0);
    assert_eq!(tries(&sandbox), 2);
    sandbox.set_clock(at("2026-11-22T22:00:00Z"));
    let answer = ended(&sandbox, overnight(&sandbox), 0);
    let now = status(&sandbox, "load")["status"].clone();
    assert_eq!(now, "succeeded", "{}", answer.stderr);
    assert_eq!(tries(&sandbox), 3);
}

#[test]
fn a_plain_run_names_the_command_that_looks_again_later() {
    let sandbox = sandbox("UTC", "");
    let port = closed_port();
    let peer = format!("env = {{ DB = \"tcp://127.0.0.1:{port}\" }}");
    clients(&sandbox, &["load"], &peer);
    let answer = sandbox.run(["run"]);
    assert_eq!(answer.code, 1);
    let told = "1 failed task may work once the cause is gone: `autoexec rescue` looks";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    let hopeless = self::sandbox("UTC", "");
    hopeless.ok([
        "queue",
        "add",
        "--retries",
        "0",
        "--name",
        "bad",
        "--",
        "false",
    ]);
    assert!(!hopeless.run(["run"]).stderr.contains("autoexec rescue"));
}
