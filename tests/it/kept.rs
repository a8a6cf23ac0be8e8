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
