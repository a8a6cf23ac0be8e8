//! `autoexec db`.

use crate::sandbox::{Sandbox, wait_until};

fn with_a_task() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "x", "--", "true"]);
    sandbox
}

#[test]
fn a_copy_is_a_queue_of_its_own() {
    let sandbox = with_a_task();
    let answer = sandbox.run(["db", "backup", "copy.db"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    sandbox
        .run(["db", "backup", "copy.db"])
        .fails(2, &["`[SANDBOX]/work/copy.db` exists already"]);

    let other = Sandbox::new();
    other.ok(["queue", "add", "--name", "y", "--", "true"]);
    std::fs::copy(
        sandbox.work().join("copy.db"),
        other.state().join("queue.db"),
    )
    .unwrap();
    for left in ["queue.db-wal", "queue.db-shm"] {
        drop(std::fs::remove_file(other.state().join(left)));
    }
    let list = other.json(["queue", "list", "--json"]);
    assert_eq!(list["tasks"][0]["name"], "x");
}

#[test]
fn a_sound_queue_is_told_so() {
    let answer = with_a_task().run(["db", "check"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("sound"), "{}", answer.stdout);
}

#[test]
fn without_a_queue_there_is_nothing_to_check() {
    let answer = Sandbox::new().run(["db", "check"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stderr.contains("nothing to check"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_task_that_is_not_as_its_events_tell_is_found() {
    let sandbox = with_a_task();
    let database = rusqlite::Connection::open(sandbox.state().join("queue.db")).unwrap();
    let forged = "UPDATE task_records SET status = 'failed', finished_at = 1";
    assert_eq!(database.execute(forged, []).unwrap(), 1);
    drop(database);
    sandbox
        .run(["db", "check"])
        .fails(3, &["error: the queue is damaged: ", "task 1", "hint: "]);
}

#[test]
fn nobody_builds_on_a_queue_that_contradicts_itself() {
    let sandbox = with_a_task();
    sandbox.ok(["queue", "add", "--name", "y", "--", "true"]);
    let path = sandbox.state().join("queue.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    let forged = "UPDATE task_records SET status = 'failed', finished_at = 1 WHERE id = 1";
    assert_eq!(database.execute(forged, []).unwrap(), 1);
    drop(database);
    let said = ["the queue is damaged: task 1", "nothing was changed"];
    sandbox.run(["run"]).fails(3, &said);
    sandbox.run(["queue", "cancel", "y"]).fails(3, &said);
    let database = rusqlite::Connection::open(&path).unwrap();
    let epoch: i64 = database
        .query_row("SELECT epoch FROM meta", [], |row| row.get(0))
        .unwrap();
    assert_eq!(epoch, 0, "nobody took it over");
}

#[test]
fn damage_is_told_by_every_command_and_nothing_is_replaced() {
    let sandbox = with_a_task();
    let queue = sandbox.state().join("queue.db");
    for left in ["queue.db-wal", "queue.db-shm"] {
        drop(std::fs::remove_file(sandbox.state().join(left)));
    }
    std::fs::write(&queue, "this is no database").unwrap();
    for command in [
        &["db", "check"][..],
        &["queue", "list"],
        &["queue", "add", "--name", "y", "--", "true"],
        &["run"],
    ] {
        sandbox
            .run(command)
            .fails(3, &["the queue is damaged", "keep the directory as it is"]);
    }
    assert_eq!(std::fs::read(&queue).unwrap(), b"this is no database");
}

/// Writes what is kept where the program finds it.
fn keep(sandbox: &Sandbox, what: &str) {
    sandbox.configure(format!("[retention]\n{what}\n"));
}

/// A queue with a task that ended long ago, and one of now.
fn with_an_old_task() -> Sandbox {
    let sandbox = Sandbox::new();
    keep(&sandbox, "days = 30");
    sandbox.set_clock("-8640000000");
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "old",
        "--",
        "sh",
        "-c",
        "echo of the past",
    ]);
    sandbox.ok(["run"]);
    sandbox.set_clock("+0");
    sandbox.ok(["queue", "add", "--name", "new", "--", "echo", "of today"]);
    sandbox
}

#[test]
fn a_run_clears_away_what_is_over_age_and_its_report_says_so() {
    let sandbox = with_an_old_task();
    let would = sandbox.run(["db", "prune", "--dry-run"]).stdout;
    assert!(
        would.starts_with("would clear away 1 finished task with 1 attempt"),
        "{would}"
    );
    sandbox.ok(["logs", "old"]);
    sandbox.ok(["run"]);
    sandbox
        .run(["queue", "show", "old"])
        .fails(2, &["no task", "`old`"]);
    let report = sandbox.run(["report", "--run", "last"]).stdout;
    assert!(
        report.contains("cleared away, as kept no longer: 1 finished task with 1 attempt"),
        "{report}"
    );
    let json = sandbox.json(["report", "--run", "last", "--format", "json"]);
    assert_eq!(json["cleared"]["tasks"], 1);
    assert_eq!(json["cleared"]["log_files"], 1);
    sandbox.ok(["db", "check"]);
    assert!(sandbox.run(["logs", "new"]).stdout.contains("of today"));
    let nothing = sandbox.run(["db", "prune"]).stdout;
    assert!(nothing.contains("nothing is over age"), "{nothing}");
}

#[test]
fn output_stays_within_its_limit_and_what_went_is_told() {
    let sandbox = Sandbox::new();
    keep(&sandbox, "max_log_bytes = \"100KiB\"");
    for name in ["first", "second"] {
        let script = "yes | head -c 80000";
        sandbox.ok(["queue", "add", "--name", name, "--", "sh", "-c", script]);
        sandbox.ok(["run"]);
    }
    sandbox.ok(["logs", "second"]);
    sandbox
        .run(["logs", "first"])
        .fails(2, &["the output of attempt 1 is not there any more"]);
    sandbox.ok(["db", "check"]);
}

#[test]
fn what_a_run_works_on_is_not_cleared_away_by_others() {
    let sandbox = with_an_old_task();
    let script = "while [ ! -e go ]; do sleep 0.02; done";
    sandbox.ok(["queue", "add", "--name", "busy", "--", "sh", "-c", script]);
    let run = sandbox.start(&["run"]);
    wait_until("the task runs", || {
        sandbox.json(["queue", "show", "busy", "--json"])["task"]["status"] == "running"
    });
    sandbox.run(["db", "prune"]).fails(75, &["another run"]);
    std::fs::write(sandbox.work().join("go"), "").unwrap();
    assert_eq!(sandbox.answer_of(run).code, 0);
}

#[test]
fn an_export_is_a_line_per_row_that_other_stores_can_read() {
    let sandbox = with_a_task();
    sandbox.ok(["run"]);
    let lines = sandbox.run(["db", "export"]).stdout;
    let rows: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows[0]["schema"], "autoexec.export/1");
    let of = |table: &str| rows.iter().filter(|row| row["table"] == table).count();
    assert_eq!((of("task_records"), of("attempts"), of("runs")), (1, 1, 1));
    let told = sandbox.run(["db", "export", "all.jsonl"]).stdout;
    assert!(
        told.contains("rows to `[SANDBOX]/work/all.jsonl`"),
        "{told}"
    );
    let written = std::fs::read_to_string(sandbox.work().join("all.jsonl")).unwrap();
    assert_eq!(written.lines().count(), rows.len());
    sandbox.run(["db", "export", "all.jsonl"]).fails(
        2,
        &[
            "cannot write the export",
            "exists",
            "nothing is overwritten",
        ],
    );
}
