//! `autoexec alerts`, and the alerts of a report.

use std::io::{BufRead as _, BufReader};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::Sandbox;
use crate::window::at;

fn line(at: &str, level: &str, message: &str) -> String {
    format!(
        "{}\n",
        serde_json::json!({"timestamp": at, "level": level, "component": "task",
            "message": message, "details": null})
    )
}

fn three() -> String {
    [
        line("2026-11-20T22:00:00.000Z", "INFO", "first"),
        "half a li\n".to_owned(),
        line("2026-11-20T23:00:00.000Z", "WARNING", "second \u{1b}[31m"),
        line("2026-11-20T23:30:00.000Z", "CRITICAL", "third"),
    ]
    .concat()
}

#[test]
fn alerts_are_shown_where_there_is_no_database_and_where_it_is_damaged() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.ok(["alerts"]), "no alerts\n");
    std::fs::create_dir(sandbox.state()).unwrap();
    std::fs::write(sandbox.state().join("alerts.jsonl"), three()).unwrap();
    std::fs::write(sandbox.state().join("queue.db"), "damaged").unwrap();
    let answer = sandbox.run(["alerts", "--level", "warning"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let told = answer.stdout;
    assert!(
        !told.contains("first") && !told.contains('\u{1b}'),
        "{told}"
    );
    assert!(told.find("second") < told.find("third"), "{told}");
    assert!(told.contains("CRITICAL  task\n  third\n"), "{told}");
    let note = "passed over 1 damaged line";
    assert!(answer.stderr.contains(note), "{}", answer.stderr);
}

#[test]
fn a_script_gets_them_newest_first_and_knows_that_there_are_more() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.state()).unwrap();
    std::fs::write(sandbox.state().join("alerts.jsonl"), three()).unwrap();
    let value = sandbox.json(["alerts", "--json", "--limit", "2"]);
    assert_eq!(value["schema"], "autoexec.alerts/1");
    assert_eq!(value["alerts"][0]["message"], "third");
    assert_eq!(value["alerts"][1]["level"], "WARNING");
    assert_eq!(value["has_more"], true);
    sandbox.run(["alerts", "--level", "loud"]).fails(
        2,
        &[
            "`loud` does not fit",
            "must be `info`, `warning` or `critical`",
        ],
    );
}

#[test]
fn following_shows_alerts_as_they_come() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.state()).unwrap();
    let file = sandbox.state().join("alerts.jsonl");
    std::fs::write(&file, three()).unwrap();
    let mut child = sandbox.start(&["alerts", "--follow", "--json", "--limit", "1"]);
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next =
        || -> serde_json::Value { serde_json::from_str(&told.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["message"], "third");
    let new = line("2026-11-20T23:40:00.000Z", "WARNING", "fourth");
    std::fs::write(&file, three() + &new).unwrap();
    assert_eq!(next()["message"], "fourth");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    child.wait().unwrap();
}

#[test]
fn the_report_tells_the_alerts_of_its_time() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(at("2026-11-21T12:00:00Z"));
    sandbox.ok(["queue", "add", "--name", "a", "--", "true"]);
    sandbox.ok(["run"]);
    std::fs::write(sandbox.state().join("alerts.jsonl"), three()).unwrap();
    let told = sandbox.ok(["report", "--since", "2026-11-20"]);
    assert!(told.contains("Alerts (2)"), "{told}");
    assert!(told.contains("CRITICAL task: third"), "{told}");
    let value = sandbox.json(["report", "--json", "--since", "2026-11-20"]);
    assert_eq!(value["alerts"][2]["message"], "first");
}
