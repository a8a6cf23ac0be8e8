//! Services that do not answer: their tasks wait without using up attempts, and one of them tries.

use serde_json::Value;

use crate::sandbox::{Sandbox, wait_until};

const START: i64 = 1_700_000_000_000;
const SECOND: i64 = 1_000;
const SERVICE: &str = "api.example.com";

/// Tasks of one service that is up as long as there is a file `up`.
fn add(sandbox: &Sandbox, number: usize) {
    let command = "test -e up || { echo 'HTTP/1.1 503 Service Unavailable' >&2; exit 69; }";
    let tasks: Vec<String> = (1..=number)
        .map(|number| {
            format!(
                "[[task]]\nname = \"t{number}\"\nservice = \"{SERVICE}\"\ncommand = \"{command}\"\n"
            )
        })
        .collect();
    std::fs::write(sandbox.work().join("tasks.toml"), tasks.concat()).unwrap();
    sandbox.ok(["queue", "add", "tasks.toml"]);
}

fn breaker(sandbox: &Sandbox) -> Value {
    let text = sandbox.ok(["breakers", "list", "--json"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], "autoexec.breakers/1");
    value["breakers"][0].clone()
}

/// Waits until the breaker is open and nothing runs any more, lets the time of all next attempts come, and
/// waits until all wait.
fn all_wait(sandbox: &Sandbox) {
    wait_until("the breaker is open", || {
        breaker(sandbox)["state"] == "open"
    });
    // One that ended later would be due later, and the clock stands.
    wait_until("every attempt has ended", || {
        let list = sandbox.json(["queue", "list", "--json"]);
        let mut tasks = list["tasks"].as_array().unwrap().iter();
        tasks.all(|task| task["why"] == "waiting_retry" || task["why"] == "breaker_open")
    });
    sandbox.set_clock(START + 6 * SECOND);
    wait_until("all wait for the service", || {
        breaker(sandbox)["waiting"] == 20
    });
}

/// Attempts of all tasks so far.
fn attempts(sandbox: &Sandbox) -> i64 {
    let text = sandbox.ok(["queue", "list", "--all", "--json"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    let tasks = value["tasks"].as_array().unwrap();
    tasks
        .iter()
        .filter_map(|task| task["attempts"].as_i64())
        .sum()
}

#[test]
fn tasks_of_a_service_that_is_down_wait_without_attempts_and_go_on_when_somebody_resets_it() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    add(&sandbox, 20);
    let run = sandbox.start(&["run"]);
    all_wait(&sandbox);
    assert!(attempts(&sandbox) <= 9, "{}", attempts(&sandbox));
    let why = sandbox.ok(["why", "t20"]);
    assert!(
        why.contains("waits for api.example.com, next probe"),
        "{why}"
    );
    sandbox.run(["breakers", "reset", "api.exampel.com"]).is(
        2,
        "",
        "error: no task declares a service `api.exampel.com`\n  hint: did you mean `api.example.com`?\n",
    );
    std::fs::write(sandbox.work().join("up"), "").unwrap();
    let reset = sandbox.ok(["breakers", "reset", SERVICE]);
    assert_eq!(reset, "api.example.com: closed; 20 tasks go on\n");
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(breaker(&sandbox)["state"], "closed");
}

#[test]
fn a_restart_keeps_the_age_of_a_breaker_and_one_task_tries_for_all_when_its_time_has_come() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    add(&sandbox, 20);
    let run = sandbox.start(&["run"]);
    all_wait(&sandbox);
    let before = attempts(&sandbox);
    sandbox.ok(["stop"]);
    sandbox.answer_of(run);
    let run = sandbox.start(&["run"]);
    all_wait(&sandbox);
    assert_eq!(attempts(&sandbox), before, "the new run knows of it");
    // In vain: one task tries, and the wait is twice as long.
    sandbox.set_clock(START + 40 * SECOND);
    wait_until("one task tried", || attempts(&sandbox) > before);
    wait_until("it is open again", || breaker(&sandbox)["state"] == "open");
    assert_eq!(attempts(&sandbox), before + 1);
    assert_eq!(breaker(&sandbox)["failed_probes"], 1);
    std::fs::write(sandbox.work().join("up"), "").unwrap();
    sandbox.set_clock(START + 110 * SECOND);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let told = &answer.stderr;
    assert!(told.contains("half open, `t"), "{told}");
    assert!(told.contains("closed after"), "{told}");
    // One success each besides what failed: nothing else was started.
    assert_eq!(attempts(&sandbox), before + 1 + 20);
}

#[test]
fn a_run_looks_itself_where_a_probe_is_configured_and_no_task_has_to_try() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    let up = sandbox.work().join("up");
    let content = format!(
        "[breaker.service.\"{SERVICE}\"]\nprobe = {{ command = [\"test\", \"-e\", \"{}\"] }}\n",
        up.display()
    );
    sandbox.configure(content);
    add(&sandbox, 20);
    let run = sandbox.start(&["run"]);
    all_wait(&sandbox);
    let before = attempts(&sandbox);
    sandbox.set_clock(START + 40 * SECOND);
    wait_until("the probe failed", || {
        breaker(&sandbox)["failed_probes"] == 1
    });
    assert_eq!(attempts(&sandbox), before);
    std::fs::write(up, "").unwrap();
    sandbox.set_clock(START + 110 * SECOND);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(attempts(&sandbox), before + 20);
}
