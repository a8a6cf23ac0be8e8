//! A clock that is set from outside: what waits for its time waits for that clock, in the run and in
//! its supervisors.

use crate::sandbox::{Sandbox, wait_for_file, wait_until};

/// 14 November 2023, 22:13:20 UTC.
const START: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;

#[test]
fn a_retry_comes_due_when_the_clock_is_set_to_its_time() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(START);
    sandbox.file(
        "flaky.toml",
        r#"
[[task]]
name = "flaky"
command = 'test -e tried && exit 0; echo tried > tried; echo "connection refused" >&2; exit 1'
retry = { base = "30m", cap = "30m", jitter = 0 }
"#,
    );
    let run = sandbox.start(&["run", "flaky.toml"]);
    wait_for_file(&sandbox.work().join("tried"));
    wait_until("the task waits for its retry", || {
        let list = sandbox.json(["queue", "list", "--json"]);
        list["tasks"][0]["status"] == "queued" && list["tasks"][0]["used"] == 1
    });
    sandbox.set_clock(START + HOUR / 2 - 1);
    let early = sandbox.json(["queue", "list", "--json"]);
    assert_eq!(early["tasks"][0]["attempts"], 1);
    sandbox.set_clock(START + HOUR / 2);
    let answer = sandbox.answer_of(run);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let shown = sandbox.json(["queue", "show", "flaky", "--json"]);
    let starts: Vec<&str> = shown["task"]["attempts_made"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["started_at"].as_str().unwrap())
        .collect();
    assert_eq!(
        starts,
        ["2023-11-14T22:13:20.000Z", "2023-11-14T22:43:20.000Z"]
    );
}
