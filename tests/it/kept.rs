//! What `queue show` and `why` tell of a task that is under way: finished steps, its own word of how
//! far it is, what it saved, and what it reported in the end.

use serde_json::Value;

use crate::sandbox::{Sandbox, wait_for_file, wait_until};

const AUTOEXEC: &str = env!("CARGO_BIN_EXE_autoexec");

/// Three steps, of which the second one saves a value, tells its progress and waits for a file `go`.
fn three(sandbox: &Sandbox) {
    let text = format!(
        r#"
[[task]]
name = "three"
retries = 0
[[task.step]]
name = "prepare"
command = "true"
[[task.step]]
name = "load"
command = '''
{AUTOEXEC} checkpoint set rows "$(printf 'many\033[31m rows')"
{AUTOEXEC} progress 40 half of it
echo '{{"result": {{"rows": 7}}}}' > "$AUTOEXEC_RESULT_FILE"
echo up > here
while [ ! -e go ]; do sleep 0.05; done
exit 65
'''
[[task.step]]
name = "tell"
command = "true"
"#
    );
    sandbox.file("three.toml", text);
}

#[test]
fn a_task_under_way_tells_its_step_its_progress_and_what_it_saved() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    let run = sandbox.start(&["run", "three.toml", "--no-progress"]);
    wait_for_file(&sandbox.work().join("here"));
    wait_until("its start is recorded", || {
        sandbox.json(["queue", "show", "three", "--json"])["task"]["status"] == "running"
    });
    let page = sandbox.ok(["queue", "show", "three"]);
    for expected in [
        "load (2 of 3)",
        "40 % half of it",
        "rows (",
        "many\\e[31m rows",
    ] {
        assert!(page.contains(expected), "{expected:?} in\n{page}");
    }
    let shown = sandbox.json(["queue", "show", "three", "--json"]);
    let progress = &shown["task"]["progress"];
    assert_eq!(progress["step"], "load");
    assert_eq!(progress["steps_done"], 1);
    assert_eq!(progress["percent"], 40);
    assert_eq!(progress["message"], "half of it");
    let value = &shown["task"]["checkpoint"]["values"][0];
    assert_eq!(value["key"], "rows");
    assert_eq!(value["bytes"], 14);
    let why = sandbox.ok(["why", "three"]);
    for expected in ["load (2 of 3)", "40 % half of it"] {
        assert!(why.contains(expected), "{expected:?} in\n{why}");
    }

    sandbox.file("go", "");
    assert_eq!(sandbox.answer_of(run).code, 1);
    let shown = sandbox.json(["queue", "show", "three", "--json"]);
    assert_eq!(shown["task"]["progress"], Value::Null);
    let finished = &shown["task"]["finished_steps"];
    assert_eq!(finished.as_array().unwrap().len(), 1);
    assert_eq!(finished[0]["step"], "prepare");
    assert_eq!(shown["task"]["attempts_made"][0]["result"]["rows"], 7);
    let page = sandbox.ok(["queue", "show", "three"]);
    for expected in ["prepare (attempt 1, ", "rows (", "result: {\"rows\":7}"] {
        assert!(page.contains(expected), "{expected:?} in\n{page}");
    }
    let why = sandbox.ok(["why", "three"]);
    let kept = "the next attempt begins with step load (2 of 3)";
    assert!(why.contains(kept), "{why}");
}

#[test]
fn what_a_task_saved_is_not_shown_where_it_may_be_a_secret() {
    let sandbox = Sandbox::new();
    let bin = env!("CARGO_BIN_EXE_autoexec");
    let script = format!(
        "{bin} checkpoint set api_token hunter2hunter2 && {bin} checkpoint set row 4711 && \
         {bin} checkpoint set line password=hunter2hunter2; exit 1"
    );
    let add = |name: &str, options: &[&str]| {
        let head = ["queue", "add", "--name", name, "--retries", "0"];
        let behind = ["--shell", "--", &script];
        sandbox.ok(head.iter().chain(options).chain(&behind));
    };
    add("plain", &["--env", "DB_PASSWORD=hunter2hunter2"]);
    add("secretive", &["--secret", "OTHER"]);
    assert_eq!(sandbox.run(["run"]).code, 1);
    for (name, row) in [
        ("plain", "row ([SIZE]): 4711"),
        ("secretive", "row ([SIZE]): ***"),
    ] {
        let page = sandbox.run(["queue", "show", name]).stdout;
        assert!(page.contains(row) && page.contains("api_token"), "{page}");
        let json = sandbox.run(["queue", "show", name, "--json"]).stdout;
        for shown in [page, json] {
            // It stands in the command, too, where nothing tells that it is one.
            let values = shown.replace("api_token hunter2hunter2", "");
            assert!(!values.contains("hunter2"), "{values}");
        }
    }
}

#[test]
fn a_variable_with_the_name_of_a_secret_is_shown_by_no_format() {
    let sandbox = Sandbox::new();
    let script = "echo API_TOKEN=hunter2hunter2; env | grep PASS; \
                  echo \"fatal: API_TOKEN='hunter2 hunter2' refused, permission denied\" >&2; exit 77";
    let options = ["--env", "DB_PASS=hunter2hunter2", "--retries", "0"];
    let head = ["queue", "add", "--name", "leaks"];
    let behind = ["--shell", "--", script];
    sandbox.ok(head.iter().chain(&options).chain(&behind));
    assert_eq!(sandbox.run(["run"]).code, 1);
    for format in ["terminal", "markdown", "html", "json"] {
        let shown = sandbox.run(["report", "--format", format]).stdout;
        assert!(shown.contains("leaks"), "{shown}");
        assert!(!shown.contains("hunter2"), "{format}: {shown}");
    }
    let html = sandbox.run(["report", "--format", "html"]).stdout;
    assert!(html.contains("API_TOKEN=***"), "{html}");
    for command in [&["queue", "show", "leaks"][..], &["why", "leaks"]] {
        let shown = sandbox.run(command).stdout;
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
