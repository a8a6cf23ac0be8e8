//! Earliest start, deadline, and the time over all attempts, with the real program.

use crate::sandbox::{Sandbox, wait_for_file, wait_until};

fn status(sandbox: &Sandbox, name: &str) -> String {
    let shown = sandbox.json(["queue", "show", name, "--json"]);
    shown["task"]["status"].as_str().unwrap().to_owned()
}

/// 14 November 2023, 22:13:20 UTC.
const START: i64 = 1_700_000_000_000;
const MINUTE: i64 = 60_000;

#[test]
fn a_plain_run_does_not_wait_for_the_earliest_start() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    sandbox.file(
        "late.toml",
        "[[task]]\nname = \"late\"\ncommand = \"true\"\nnot_before = \"02:00\"\n",
    );
    let answer = sandbox.run(["run", "late.toml"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let shown = sandbox.json(["queue", "list", "--json"]);
    assert_eq!(shown["tasks"][0]["why"], "not_before");
    assert_eq!(shown["tasks"][0]["not_before"], "2023-11-15T02:00:00.000Z");
    // The next evening it is still the same task.
    let again = sandbox.ok(["queue", "add", "late.toml"]);
    assert!(again.contains("already queued"), "{again}");
    sandbox.set_clock(START + 227 * MINUTE);
    sandbox.ok(["run"]);
    assert_eq!(status(&sandbox, "late"), "succeeded");
}

#[test]
fn a_task_that_is_released_before_its_hour_still_waits_for_it() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    let late = ["queue", "add", "--name", "late", "--not-before", "02:00"];
    sandbox.ok(late.iter().chain(&["--", "true"]));
    sandbox.ok(["queue", "hold", "late"]);
    sandbox.ok(["queue", "release", "late"]);
    sandbox.ok(["run"]);
    let shown = sandbox.json(["queue", "list", "--json"]);
    assert_eq!(shown["tasks"][0]["why"], "not_before");
    assert_eq!(shown["tasks"][0]["not_before"], "2023-11-15T02:00:00.000Z");
    sandbox.ok(["db", "check"]);
    // Whoever releases it later has nothing to wait for.
    sandbox.ok(["queue", "hold", "late"]);
    sandbox.set_clock(START + 227 * MINUTE);
    sandbox.ok(["queue", "release", "late"]);
    sandbox.ok(["run"]);
    assert_eq!(status(&sandbox, "late"), "succeeded");
}

#[test]
fn a_time_of_the_clock_means_the_hour_of_the_zone_over_a_switch() {
    let sandbox = Sandbox::new();
    // 24 March 2029, 22:00 in Berlin; at two o'clock the clocks go on to three.
    sandbox.set_clock(1_869_080_400_000_i64);
    sandbox.file(
        "late.toml",
        "[[task]]\nname = \"skipped\"\ncommand = \"true\"\nnot_before = \"02:30\"\n\
         [[task]]\nname = \"later\"\ncommand = \"true\"\nnot_before = \"04:00\"\n",
    );
    let mut add = sandbox.command();
    add.args(["queue", "add", "late.toml"])
        .env("TZ", "Europe/Berlin");
    assert_eq!(sandbox.finish(&mut add).code, 0);
    let shown = sandbox.json(["queue", "list", "--json"]);
    let at = |index: usize| {
        shown["tasks"][index]["not_before"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(at(0), "2029-03-25T01:00:00.000Z");
    assert_eq!(at(1), "2029-03-25T02:00:00.000Z");
}

#[test]
fn a_deadline_ends_a_task_that_waits_and_one_that_runs() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "waits",
        "--deadline",
        "22:30",
        "--",
        "true",
    ]);
    sandbox.set_clock(START + 60 * MINUTE);
    let answer = sandbox.run(["run"]);
    answer.fails(1, &["waits: failed: its deadline passed"]);
    assert_eq!(status(&sandbox, "waits"), "failed");

    let other = Sandbox::new();
    other.set_clock(START);
    let add = ["queue", "add", "--name", "runs", "--deadline", "+10m"];
    other.ok(add
        .into_iter()
        .chain(["--shell", "--", "echo x > begun; exec sleep 600"]));
    for now in [START, START + 60 * MINUTE] {
        other.set_clock(now);
        // Queued again, it has as long again.
        other.run(["queue", "retry", "runs"]);
        let run = other.start(&["run"]);
        wait_for_file(&other.work().join("begun"));
        std::fs::remove_file(other.work().join("begun")).unwrap();
        other.set_clock(now + 10 * MINUTE);
        let answer = other.answer_of(run);
        answer.fails(1, &["stopped because its deadline passed"]);
    }
    let shown = other.json(["queue", "show", "runs", "--json"]);
    let attempts = shown["task"]["attempts_made"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    for attempt in attempts {
        assert_eq!(attempt["classification"]["pattern"], "deadline_passed");
    }
}

#[test]
fn the_time_over_all_attempts_counts_from_the_first_start() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    sandbox.file(
        "flaky.toml",
        r#"
[[task]]
name = "flaky"
command = 'echo tried >> tried; echo "connection refused" >&2; exit 1'
total_timeout = "45m"
retry = { max_attempts = 9, base = "30m", cap = "30m", jitter = 0 }
"#,
    );
    let run = sandbox.start(&["run", "flaky.toml"]);
    wait_for_file(&sandbox.work().join("tried"));
    wait_until("it waits for its second attempt", || {
        let list = sandbox.json(["queue", "list", "--json"]);
        list["tasks"][0]["attempts"] == 1 && list["tasks"][0]["status"] == "queued"
    });
    sandbox.set_clock(START + 30 * MINUTE);
    let answer = sandbox.answer_of(run);
    answer.fails(1, &["failed"]);
    assert_eq!(sandbox.read("tried"), "tried\ntried\n");
    let shown = sandbox.json(["queue", "show", "flaky", "--json"]);
    let second = &shown["task"]["attempts_made"][1];
    assert_eq!(
        second["decision"],
        "another attempt would come after its 45m 00s in all"
    );
    assert_eq!(shown["task"]["category"], "network");
}

#[test]
fn a_clock_that_jumps_over_a_deadline_ends_a_task_that_runs() {
    for (limit, expected) in [
        (["--deadline", "22:30"], "deadline_passed"),
        (["--total-timeout", "1h"], "total_timeout"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.set_clock(START);
        let begun = sandbox.work().join("begun");
        let add = ["queue", "add", "--name", "runs", limit[0], limit[1]];
        sandbox.ok(add
            .into_iter()
            .chain(["--", "sh", "-c", "echo x > begun; exec sleep 600"]));
        let run = sandbox.start(&["run"]);
        wait_for_file(&begun);
        sandbox.set_clock(START + 24 * 60 * MINUTE);
        assert_eq!(sandbox.answer_of(run).code, 1);
        let shown = sandbox.json(["queue", "show", "runs", "--json"]);
        let attempt = &shown["task"]["attempts_made"][0];
        assert_eq!(attempt["classification"]["pattern"], expected);
    }
}

#[test]
fn a_command_is_told_the_time_that_it_has() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    let told = "echo $AUTOEXEC_TIMEOUT_SECONDS";
    let file = format!(
        "[[task]]\nname = \"own\"\ntimeout = \"90m\"\ncommand = \"{told} > own\"\n\n\
         [[task]]\nname = \"least\"\ntimeout = \"90m\"\ndeadline = \"+1h\"\ncommand = \"{told} > least\"\n"
    );
    sandbox.file("limits.toml", file);
    sandbox.ok(["run", "limits.toml"]);
    assert_eq!(sandbox.read("own"), "5400\n");
    assert_eq!(sandbox.read("least"), "3600.000\n");
}
