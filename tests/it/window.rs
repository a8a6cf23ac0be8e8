//! Whole nights on a clock that is set from outside: what the tests of `run --overnight` share.

use std::process::Child;

use chrono::DateTime;

use crate::sandbox::{Sandbox, wait_until};

pub(crate) const HOUR: i64 = 3_600_000;

pub(crate) fn at(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text)
        .unwrap()
        .timestamp_millis()
}

/// A sandbox whose nights go from 22:00 to 07:00 in a zone.
pub(crate) fn sandbox(zone: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    configure(&sandbox, zone, more);
    sandbox
}

fn configure(sandbox: &Sandbox, zone: &str, more: &str) {
    let content = format!("[overnight]\ntimezone = \"{zone}\"\n{more}\n");
    sandbox.configure(content);
}

/// Adds a task that says that it runs, and then waits to be stopped.
pub(crate) fn add_endless(sandbox: &Sandbox, name: &str) {
    let script = format!("echo running >> {name}.running; exec sleep 600");
    sandbox.ok([
        "queue", "add", "--name", name, "--", "/bin/sh", "-c", &script,
    ]);
}

pub(crate) fn status(sandbox: &Sandbox, name: &str) -> serde_json::Value {
    sandbox.json(["queue", "show", name, "--json"])["task"].clone()
}

pub(crate) fn wait_for_status(sandbox: &Sandbox, name: &str, wanted: &str) {
    wait_until(&format!("`{name}` is {wanted}"), || {
        status(sandbox, name)["status"] == wanted
    });
}

/// Waits until the run of this sandbox is active: then it has looked at the clock.
pub(crate) fn wait_for_run(sandbox: &Sandbox) {
    wait_until("a run is active", || {
        let lock = std::fs::read_to_string(sandbox.state().join("run.lock"));
        lock.is_ok_and(|text| !text.trim().is_empty())
    });
}

pub(crate) fn overnight(sandbox: &Sandbox) -> Child {
    sandbox.start(&["run", "--overnight"])
}
