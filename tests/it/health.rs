//! `autoexec health`, and the health of a report.

use crate::sandbox::Sandbox;

/// The reading of a component.
fn of<'a>(value: &'a serde_json::Value, component: &str) -> &'a serde_json::Value {
    let all = value["components"].as_array().unwrap();
    let mut found = all.iter().filter(|one| one["component"] == component);
    found
        .next()
        .unwrap_or_else(|| panic!("no {component} in {value}"))
}

#[test]
fn machine_and_queue_are_looked_at_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run(["health", "--json"]);
    let value = answer.json();
    assert_eq!(value["schema"], "autoexec.health/1");
    let bad = !value["findings"].as_array().unwrap().is_empty();
    assert_eq!(answer.code, i32::from(bad), "{value}");
    assert!(!sandbox.state().exists());
    sandbox.ok(["queue", "add", "--name", "a", "--", "true"]);
    let value = sandbox.run(["health", "--json"]).json();
    for component in [
        "disk",
        "memory",
        "load",
        "clock",
        "database",
        "breakers",
        "running",
        "backlog",
        "failures",
        "runs",
        "notifications",
        "tools",
        "environment",
    ] {
        of(&value, component);
    }
    assert!(
        of(&value, "database")["message"]
            .as_str()
            .unwrap()
            .contains("sound")
    );
}

#[test]
fn what_queued_tasks_lack_is_a_warning_with_their_names() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "tasks.toml",
        "[[task]]\nname = \"fetch\"\ncommand = [\"no-such-tool-7\"]\n\
         [[task]]\nname = \"push\"\ncommand = [\"true\"]\nrequires = [\"env:API_KEY\"]\n",
    );
    sandbox.ok(["queue", "add", "tasks.toml"]);
    // Set here, and not where nobody is logged in.
    let mut command = sandbox.command();
    command
        .args(["health", "--json"])
        .env("API_KEY", "secret-value");
    let answer = sandbox.finish(&mut command);
    assert_eq!(answer.code, 1);
    let value = answer.json();
    let tools = of(&value, "tools");
    assert_eq!(tools["level"], "warning");
    let told = tools["message"].as_str().unwrap();
    assert!(
        told.contains("no-such-tool-7") && told.contains("(needed by `fetch`)"),
        "{told}"
    );
    let environment = of(&value, "environment")["message"].as_str().unwrap();
    assert!(
        environment.contains("`API_KEY` is not set in a run by a timer"),
        "{environment}"
    );
    assert!(!answer.stdout.contains("secret-value"));
    let page = sandbox.run(["health"]).stdout;
    assert!(
        page.starts_with("Health ") && page.contains(" of 100: "),
        "{page}"
    );
    assert!(page.contains("warning  tools"), "{page}");
}

#[test]
fn limits_that_are_written_hold() {
    let sandbox = Sandbox::new();
    let config = sandbox.file("c.toml", "[health]\ndisk_free = \"900TiB\"\n");
    let config = config.to_str().unwrap();
    let value = sandbox.run(["--config", config, "health", "--json"]).json();
    assert_eq!(of(&value, "disk")["level"], "critical");
    let answer = sandbox.run(["--config", config, "health"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stdout.contains("`disk_free` in `[health]`"),
        "{}",
        answer.stdout
    );
}

#[test]
fn a_damaged_queue_is_a_finding_and_no_failure() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "a", "--", "true"]);
    std::fs::write(sandbox.state().join("queue.db"), "not a database at all").unwrap();
    let answer = sandbox.run(["health", "--json"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    let value = answer.json();
    assert_eq!(of(&value, "database")["level"], "critical");
    of(&value, "disk");
}

#[test]
fn a_night_that_nobody_began_is_said_in_report_and_health() {
    let sandbox = Sandbox::new();
    let hours = 3_600_000_i64;
    let evening = 1_795_212_000_000_i64; // 2026-11-20 22:00 UTC
    sandbox.ok(["queue", "add", "--name", "a", "--", "true"]);
    sandbox.set_clock(evening + hours);
    sandbox.ok(["run", "--overnight", "--no-progress"]);
    sandbox.ok(["queue", "add", "--name", "b", "--", "true"]);
    // The morning after the next night.
    sandbox.set_clock(evening + 34 * hours);
    let value = sandbox.run(["health", "--json"]).json();
    let runs = of(&value, "runs");
    assert_eq!(runs["level"], "warning", "{runs}");
    let told = runs["message"].as_str().unwrap();
    assert_eq!(told, "the night of 21 Nov 22:00 had no run");
    let bare = sandbox.ok::<&str>([]);
    assert!(
        bare.contains("the night of 21 Nov [TIME] had no run"),
        "{bare}"
    );
    let report = sandbox.ok(["report"]);
    assert!(report.contains("was missed"), "{report}");
    let value = sandbox.json(["report", "--json"]);
    assert!(
        value["health"]["score"]
            .as_u64()
            .is_some_and(|score| score < 100)
    );
    assert!(
        value["health"]["findings"]
            .to_string()
            .contains("had no run")
    );
}

#[test]
fn tasks_that_need_a_person_are_told_as_by_the_first_page() {
    let sandbox = Sandbox::new();
    for name in ["one", "two"] {
        sandbox.ok(["queue", "add", "--name", name, "--", "sh", "-c", "exit 3"]);
        sandbox.ok(["queue", "hold", name]);
    }
    assert!(sandbox.ok(Vec::<&str>::new()).contains("2 need you"));
    let told = sandbox.run(["health"]).stdout;
    let first = told.lines().next().unwrap_or_default();
    assert!(first.ends_with("; 2 tasks need you."), "{told}");
    assert!(told.contains("autoexec  tells which tasks"), "{told}");
    sandbox.ok(["queue", "cancel", "one", "two"]);
    let told = sandbox.run(["health"]).stdout;
    assert!(!told.contains("tasks need you"), "{told}");
}
